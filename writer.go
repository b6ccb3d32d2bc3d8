//go:build !js

package websocket

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/sendqueue"
	"github.com/bhojpur/api/internal/utf8stream"
)

// fragmenter is what a connection needs for messages of several frames.
type fragmenter struct {
	current atomic.Pointer[messageWriter] // of the open message

	// Owned by the goroutine that uses the current messageWriter.
	msg     outgoing
	handles slab[messageWriter]
}

// outgoing is a message that is sent in several frames.
type outgoing struct {
	typ      MessageType
	encoding encoding
	begun    bool // its first frame was sent, or a part of it
	text     utf8stream.Validator
	buf      *bufpool.Block // of what is not sent yet
	n        int            // not compressed: buf.B[:n] is not sent yet
	z        []byte         // compressed: what came out and is not sent yet
}

// messageWriter is the handle of a message that is being written.
type messageWriter struct {
	e    *engine
	ctx  context.Context // owned as outgoing is; nil once the message has ended
	done <-chan struct{} // of ctx
	err  error           // of a message that its context ended, once it is over
	use  atomic.Uint32   // idle, busy or over
}

// The uses of a messageWriter. The goroutine that makes it busy owns the message.
const (
	idle = iota
	busy
	over // the message has ended
)

// writer begins a message of several frames.
func (e *engine) writer(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	enc := plain
	if e.snd.deflate != nil {
		enc = undecided
	}
	return e.newWriter(ctx, typ, enc)
}

// writerUncompressed is writer for a message that is never compressed.
func (e *engine) writerUncompressed(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	return e.newWriter(ctx, typ, plain)
}

func (e *engine) newWriter(ctx context.Context, typ MessageType, enc encoding) (io.WriteCloser, error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return nil, err
	}
	h, err := e.beginMessage(ctx, typ, enc)
	if err != nil {
		return nil, err
	}
	h.leave()
	return h, nil
}

// beginMessage opens a message once its turn has come. The handle is busy.
func (e *engine) beginMessage(ctx context.Context, typ MessageType, enc encoding) (*messageWriter, error) {
	if err := e.snd.openMessage(ctx); err != nil {
		return nil, e.failWrite(ctx, err)
	}
	f := e.snd.fragments.get()
	h := f.handles.next()
	h.e, h.ctx, h.done = e, ctx, ctx.Done()
	h.use.Store(busy)
	f.msg = outgoing{typ: typ, encoding: enc}
	f.current.Store(h)
	return h, nil
}

// openMessage waits until the queue has opened a message.
func (s *sender) openMessage(ctx context.Context) error {
	r := s.queue.Begin(ctx.Done())
	if r == nil {
		return s.endedErr()
	}
	switch s.queue.Wait(ctx, r, s.abandonMessage) {
	case sendqueue.Sent:
		return nil
	case sendqueue.WithdrawnLeading:
		s.sendPosted()
		return errWithdrawn
	case sendqueue.Withdrawn:
		return s.withdrawnErr(sendqueue.Message)
	}
	return s.endedErr()
}

// Write adds p to the message.
func (h *messageWriter) Write(p []byte) (int, error) {
	if err := h.enter(); err != nil {
		return 0, opError("write", err)
	}
	defer h.leave()
	if err := h.add(p); err != nil {
		return 0, opError("write", h.fail(err))
	}
	return len(p), nil
}

// Close ends the message and sends what is left of it.
func (h *messageWriter) Close() error {
	if err := h.enter(); err != nil {
		return opError("write", err)
	}
	defer h.leave()
	if err := h.finish(); err != nil {
		return opError("write", h.fail(err))
	}
	h.close()
	return nil
}

// msg returns the message. The handle is busy.
func (h *messageWriter) msg() *outgoing { return &h.e.snd.fragments.get().msg }

// enter makes the handle busy.
func (h *messageWriter) enter() error {
	switch {
	case h.use.CompareAndSwap(idle, busy):
	case h.use.Load() == busy:
		return errWriterBusy
	case h.e.life.state() != stateOpen:
		return h.e.life.err(later)
	case h.err != nil:
		return h.err
	default:
		return errStaleWriter
	}
	switch {
	case h.e.life.state() != stateOpen:
		return h.fail(errEnded)
	case h.ctx.Err() != nil:
		return h.fail(errWithdrawn)
	}
	return nil
}

// leave makes the handle idle, unless the message has ended. While it was busy,
// neither the end of its context nor that of the connection could end the message.
func (h *messageWriter) leave() {
	done, s := h.done, &h.e.snd
	if !h.use.CompareAndSwap(busy, idle) {
		return
	}
	select {
	case <-done:
	default:
		if !s.queue.Ended() {
			return
		}
	}
	if h.use.CompareAndSwap(idle, busy) {
		s.abandon(h)
	}
}

// fail ends the message after an error of sending it, and returns what the caller
// gets. The connection fails if a part of the message was sent.
func (h *messageWriter) fail(err error) error {
	e := h.e
	switch {
	case err == errTextNotUTF8:
		first := e.failSelf(StatusInternalError, err)
		h.close()
		if first {
			e.finishAsync()
		}
		return err
	case err == errWithdrawn && h.msg().begun:
		err = &contextError{h.ctx.Err()}
	}

	err = e.failWrite(h.ctx, err)
	h.close()
	return err
}

// close ends the message, and sends posted requests that waited for that.
func (h *messageWriter) close() {
	if h.end() {
		h.e.snd.sendPosted()
	}
}

// end ends the message and frees what it holds. The handle is busy. If end reports
// true, the caller has the lead, to send posted requests.
func (h *messageWriter) end() (leading bool) {
	s, m := &h.e.snd, h.msg()
	if m.buf != nil {
		m.buf.Free()
	}
	if m.encoding == deflated {
		s.compressor().Discard()
	}
	*m = outgoing{}
	h.ctx = nil // the slab keeps the handle
	s.fragments.get().current.Store(nil)
	h.use.Store(over)
	if s.queue.Ended() {
		s.closeCompressor()
	}
	return s.queue.Finish()
}

// abandonMessage ends the open message if done is the end of its context.
func (s *sender) abandonMessage(done <-chan struct{}) {
	h := s.fragments.get().current.Load()
	if h != nil && h.done == done && h.use.CompareAndSwap(idle, busy) {
		s.abandon(h)
	}
}

// abandon ends a message whose context, or whose connection, has ended. The handle
// is busy.
func (s *sender) abandon(h *messageWriter) {
	h.err = h.ctx.Err()
	if h.err != nil && h.msg().begun {
		s.cut(h.err)
	}
	if h.end() {
		s.sendPosted()
	}
}

// discardMessage ends the open message of a closed connection, unless a goroutine
// uses it, which does so itself.
func (s *sender) discardMessage() {
	if f := s.fragments.peek(); f != nil {
		if h := f.current.Load(); h != nil {
			if !h.use.CompareAndSwap(idle, busy) {
				return
			}
			h.end()
		}
	}
	s.closeCompressor()
}

// add takes p into the message and sends the frames that it fills.
func (h *messageWriter) add(p []byte) error {
	m := h.msg()
	if m.typ == MessageText && !m.text.Write(p) {
		return errTextNotUTF8
	}
	if m.encoding == undecided && m.n+len(p) >= h.e.snd.deflate.threshold {
		h.compress()
	}
	for len(p) > 0 {
		if m.encoding == deflated {
			n := min(len(p), maxFrame)
			m.z = h.e.snd.compressor().Write(m.z, p[:n])
			p = p[n:]
			if err := h.sendFull(); err != nil {
				return err
			}
			continue
		}
		if m.buf == nil {
			m.buf = bufpool.Get(maxFrame)
		}
		if m.n == maxFrame {
			if err := h.sendBuffer(); err != nil {
				return err
			}
		}
		n := copy(m.buf.B[m.n:maxFrame], p)
		m.n += n
		p = p[n:]
	}
	return nil
}

// sendBuffer sends a full buffer. The frames of a text message end between
// characters: some receivers need that, though RFC 6455 section 5.6 does not.
func (h *messageWriter) sendBuffer() error {
	m := h.msg()
	m.encoding = plain // no more than a buffer is held back for the threshold
	n := m.n
	if m.typ == MessageText {
		n -= len(partialRune(m.buf.B[:n]))
	}
	if err := h.sendPart(m.buf.B[:n], 0); err != nil {
		return err
	}
	m.n = copy(m.buf.B[:], m.buf.B[n:m.n])
	return nil
}

// partialRune returns the bytes at the end of valid text that begin a character and
// are not all of it.
func partialRune(p []byte) []byte {
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax); i-- {
		if utf8.RuneStart(p[i]) {
			if utf8.FullRune(p[i:]) {
				break
			}
			return p[i:]
		}
	}
	return nil
}

// compress begins to compress the message, with what was written until now.
func (h *messageWriter) compress() {
	m := h.msg()
	held, n := m.buf, m.n
	m.buf = bufpool.Get(2 * maxFrame)
	m.z = m.buf.B[:0]
	m.encoding = deflated
	c := h.e.snd.compressor()
	c.Begin()
	if held != nil {
		m.z = c.Write(m.z, held.B[:n])
		held.Free()
	}
}

// sendFull sends what is compressed, but for what the last frame may hold.
func (h *messageWriter) sendFull() error {
	m := h.msg()
	for len(m.z) > maxFrame {
		if err := h.sendPart(m.z[:maxFrame], 0); err != nil {
			return err
		}
		m.z = m.z[:copy(m.z, m.z[maxFrame:])]
	}
	return nil
}

// finish sends the last frame.
func (h *messageWriter) finish() error {
	m := h.msg()
	if m.typ == MessageText && !m.text.Complete() {
		return errTextNotUTF8
	}
	if m.encoding == deflated {
		m.z = h.e.snd.compressor().End(m.z)
		if err := h.sendFull(); err != nil {
			return err
		}
		err := h.sendPart(m.z, bitFin)
		if err == nil {
			m.encoding = plain // the compressor keeps the message
		}
		return err
	}
	var last []byte
	if m.buf != nil {
		last = m.buf.B[:m.n]
	}
	return h.sendPart(last, bitFin)
}

// sendPart sends a frame of the message.
func (h *messageWriter) sendPart(payload []byte, fin byte0) error {
	m := h.msg()
	f := frame{byte0: fin, payload: payload}
	if !m.begun {
		f.byte0 |= byte0(m.typ)
		if m.encoding == deflated {
			f.byte0 |= bitRSV1
		}
	}
	err := h.e.snd.send(h.ctx, sendqueue.Part, f)
	if err != errWithdrawn {
		m.begun = true
	}
	return err
}

// postPart queues a frame of the open message, and sends it if no other goroutine
// has the lead. It does not block.
func (s *sender) postPart(f frame) {
	if s.queue.PostPart(f) {
		s.sendPosted()
	}
}

// compressor returns what compresses the messages of this connection. The caller
// has the lead while no message is open, or uses the open message.
func (s *sender) compressor() *deflate.Compressor {
	c := s.deflater.Load()
	if c == nil {
		r := singly
		if s.deflate.sendTakeover {
			r = takingOver
		}
		c = s.deflate.compressor(r)
		s.deflater.Store(c)
	}
	return c
}

// closeCompressor frees the compressor.
func (s *sender) closeCompressor() {
	if c := s.deflater.Swap(nil); c != nil {
		c.Close()
	}
}

// errWriterBusy is the error of a Write beside another one of the same Writer.
var errWriterBusy = errors.New("use of a Writer by several goroutines at once")
