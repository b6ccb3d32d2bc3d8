//go:build !js

package stress

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/wsjson"
)

// stressLimit is the largest message body where messages may be large. Its JSON form is
// longer.
const stressLimit = 150_000

// A stressSide is one end of a connection.
type stressSide struct {
	pair *stressPair
	name string
	conn *websocket.Conn
	peer *stressSide

	// The numbers of goroutines that write messages, make other calls, and read.
	writes, controls, reads int

	limit   int           // of the bodies that it may receive
	ledger  *stressLedger // of the messages that it writes
	writers atomic.Uint32

	// discards is set before a call that discards messages.
	discards atomic.Bool
	// sawClose is set when a read has returned the peer's close frame.
	sawClose atomic.Bool
}

func newStressSide(p *stressPair, name string) *stressSide {
	return &stressSide{pair: p, name: name, limit: 32000, ledger: newStressLedger()}
}

// errorf fails the test, unless the stream was garbled.
func (s *stressSide) errorf(format string, args ...any) {
	if !s.pair.garbled.Load() {
		s.pair.t.Errorf(s.name+": "+format, args...)
	}
}

// check runs after the last call.
func (s *stressSide) check() {
	all := s.peer.sawClose.Load() && !s.peer.discards.Load()
	if err := s.ledger.check(all); err != nil {
		s.errorf("%v", err)
	}
}

// A stressWorker is one goroutine that uses a side.
type stressWorker struct {
	*stressSide
	rng    rng
	kept   *conntest.CountedContext // a context used for several calls
	id     uint32
	number uint32
}

func (s *stressSide) newWorker(r rng) *stressWorker {
	return &stressWorker{stressSide: s, rng: r, kept: s.pair.round.newContext(), id: s.writers.Add(1)}
}

// context returns a context for a call. release is called when the call has returned.
func (w *stressWorker) context() (ctx context.Context, release func()) {
	switch n := w.rng.IntN(40); {
	case n < 12:
		return context.Background(), func() {}
	case n < 24:
		return w.kept, func() {}
	case n < 36:
		return w.pair.round.newContext(), func() {}
	case n < 37:
		ctx := w.pair.round.newContext()
		ctx.Cancel()
		return ctx, func() {}
	default:
		ctx := w.pair.round.newContext()
		timer := time.AfterFunc(time.Duration(w.rng.IntN(2000))*time.Microsecond, ctx.Cancel)
		return ctx, func() { timer.Stop() }
	}
}

// over reports whether err is that of a connection that has ended, which a later call
// confirms. Any other error must be the context's.
func (w *stressWorker) over(op string, ctx context.Context, err error) bool {
	w.pair.called()
	switch {
	case err == nil:
		return false
	case errors.Is(err, net.ErrClosed):
		return true
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return false
	}
	// A write with an invalid type shows whether the connection is open.
	if later := w.conn.Write(context.Background(), 0, nil); !errors.Is(later, net.ErrClosed) {
		w.errorf("%s: %v, with a context that has %v", op, err, ctx.Err())
		return false
	}
	return true
}

// wantOver expects other calls to fail, too.
func (w *stressWorker) wantOver() {
	if err := w.conn.Write(context.Background(), websocket.MessageText, nil); !errors.Is(err, net.ErrClosed) {
		w.errorf("a write after the end: %v", err)
	}
}

// message returns the next message to write.
func (w *stressWorker) message() (m *stressMessage, typ websocket.MessageType, p []byte) {
	w.number++
	typ = websocket.MessageText
	if !w.pair.json {
		typ = pick(w.rng, websocket.MessageText, websocket.MessageBinary)
	}
	body := stressBody(w.rng, typ, w.peer.limit)
	m = &stressMessage{w.id, w.number, crc32.ChecksumIEEE([]byte(body)), body}
	if w.pair.json {
		return m, typ, m.asJSON()
	}
	return m, typ, m.bytes()
}

// write writes messages, and makes other calls that do not read, until the end.
func (s *stressSide) write(r rng) {
	w := s.newWorker(r)
	acts := []func() (over bool){
		w.writeWhole, w.writeWhole, w.writeWhole, w.writeParts, w.writeParts,
		w.writePrepared, w.writeShared, w.ping, w.lookAround, w.refused,
	}
	if s.pair.json {
		acts = append(acts, w.writeJSON, w.writeJSON)
	}
	for !pick(w.rng, acts...)() {
	}
	w.wantOver()
}

// control makes calls that do not write messages, until the end.
func (s *stressSide) control(r rng) {
	w := s.newWorker(r)
	for !pick(w.rng, w.ping, w.lookAround)() {
	}
	w.wantOver()
}

func (w *stressWorker) writeWhole() bool {
	ctx, release := w.context()
	defer release()
	m, typ, p := w.message()
	err := w.conn.Write(ctx, typ, p)
	w.ledger.wrote(m, err)
	return w.over("Write", ctx, err)
}

func (w *stressWorker) writeJSON() bool {
	ctx, release := w.context()
	defer release()
	m, _, _ := w.message()
	err := wsjson.Write(ctx, w.conn, m)
	w.ledger.wrote(m, err)
	return w.over("wsjson.Write", ctx, err)
}

func (w *stressWorker) writePrepared() bool {
	ctx, release := w.context()
	defer release()
	m, typ, p := w.message()
	prepared, err := websocket.NewPreparedMessage(typ, p)
	if err == nil {
		err = w.conn.WritePrepared(ctx, prepared)
	}
	w.ledger.wrote(m, err)
	return w.over("WritePrepared", ctx, err)
}

func (w *stressWorker) writeShared() bool {
	ctx, release := w.context()
	defer release()
	err := w.conn.WritePrepared(ctx, pick(w.rng, w.pair.round.shared...))
	return w.over("WritePrepared", ctx, err)
}

func (w *stressWorker) writeParts() bool {
	ctx, release := w.context()
	defer release()
	m, typ, p := w.message()
	mw, err := w.conn.Writer(ctx, typ)
	for err == nil && len(p) > 0 {
		n := 1 + w.rng.upTo(len(p)-1)
		_, err = mw.Write(p[:n])
		p = p[n:]
	}
	if err == nil {
		err = mw.Close()
	}
	w.ledger.wrote(m, err)
	if mw != nil {
		if _, err := mw.Write([]byte("x")); err == nil {
			w.errorf("a write to a message after its end")
		}
		if err := mw.Close(); err == nil {
			w.errorf("a message ended twice")
		}
	}
	return w.over("Writer", ctx, err)
}

func (w *stressWorker) ping() bool {
	ctx, release := w.context()
	defer release()
	return w.over("Ping", ctx, w.conn.Ping(ctx))
}

// lookAround makes calls that never block.
func (w *stressWorker) lookAround() bool {
	if w.conn.LocalAddr() == nil || w.conn.RemoteAddr() == nil || w.conn.Subprotocol() != "" {
		w.errorf("addresses %v, %v, subprotocol %q", w.conn.LocalAddr(), w.conn.RemoteAddr(), w.conn.Subprotocol())
	}
	w.conn.SetReadLimit(pick[int64](w.rng, -1, 1<<20, 2*stressLimit))
	// A write with an invalid type shows whether the connection is open.
	err := w.conn.Write(context.Background(), 0, nil)
	w.pair.called()
	return errors.Is(err, net.ErrClosed)
}

// refused makes calls with invalid arguments.
func (w *stressWorker) refused() bool {
	var err error
	switch w.rng.IntN(3) {
	case 0:
		err = w.conn.Write(context.Background(), websocket.MessageText, []byte("\xff"))
	case 1:
		_, err = w.conn.Writer(context.Background(), 3)
	case 2:
		_, err = websocket.NewPreparedMessage(websocket.MessageText, []byte("\xff"))
	}
	w.pair.called()
	if err == nil {
		w.errorf("an invalid message was accepted")
	}
	return errors.Is(err, net.ErrClosed)
}

// order is whether the messages read are checked in their order of arrival.
type order bool

const (
	inOrder  order = true  // one goroutine reads
	anyOrder order = false // several do
)

// read reads messages until the end.
func (s *stressSide) read(r rng, o order) {
	w := s.newWorker(r)
	for !w.readOne(o) {
	}
	w.wantOver()
}

// readOne reads a message.
func (w *stressWorker) readOne(o order) (over bool) {
	ctx, release := w.context()
	defer release()
	var p []byte
	var m stressMessage
	var err error
	switch n := w.rng.IntN(10); {
	case n < 5 || o == anyOrder: // concurrent readers cannot use Reader
		_, p, err = w.conn.Read(ctx)
	case n < 8 || !w.pair.json:
		p, err = w.readParts(ctx)
	default:
		if err = wsjson.Read(ctx, w.conn, &m); err == nil {
			w.arrived(&m, m.check(), o)
			return w.over("wsjson.Read", ctx, nil)
		}
	}
	switch {
	case err == nil:
		m, err := parseStressMessage(p)
		w.arrived(&m, err, o)
	case websocket.CloseStatus(err) != -1:
		w.sawClose.Store(true)
	case errors.Is(err, net.ErrClosed):
	case w.discards.Load():
		// Another goroutine may be in the middle of a message.
		runtime.Gosched()
		w.pair.called()
		return false
	}
	return w.over("a read", ctx, err)
}

// arrived records a received message. A non-nil err fails the test.
func (w *stressWorker) arrived(m *stressMessage, err error, o order) {
	w.pair.round.totals.messages.Add(1)
	if err == nil {
		err = w.peer.ledger.arrived(m, bool(o))
	}
	if err != nil {
		w.errorf("reading: %v", err)
	}
}

func (w *stressWorker) readParts(ctx context.Context) ([]byte, error) {
	_, r, err := w.conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	var p []byte
	buf := make([]byte, 1+w.rng.upTo(40_000))
	for {
		n, err := r.Read(buf[:1+w.rng.IntN(len(buf))])
		p = append(p, buf[:n]...)
		if err == io.EOF {
			if n, err := r.Read(buf); n != 0 || err == nil {
				w.errorf("%d bytes behind a message, error %v", n, err)
			}
			return p, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
