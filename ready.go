//go:build !js

package websocket

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
)

// preparedForms are the frames that a prepared message goes out as.
type preparedForms struct {
	plain readyFrame

	// deflated is a list of the compressed ones, one for each setting that was
	// asked for: few, and never changed but by one in front.
	deflated atomic.Pointer[deflatedFrame]

	mu sync.Mutex // a leaf; held by who makes a compressed one
}

// readyFrame is the frame of a whole message, made before.
type readyFrame struct {
	bytes   []byte // as a server sends it
	payload []byte // its end

	// text is what the windows of those who inflate it end with afterwards, of
	// a message of size bytes. nil where it is not compressed.
	text []byte
	size int
}

// deflatedFrame is the readyFrame for connections that agreed on a setting.
type deflatedFrame struct {
	readyFrame
	setting deflateSetting
	next    *deflatedFrame
}

// maxReadyText bounds a readyFrame's text, which a connection refers to until
// it compresses again: as much as a compressor keeps.
const maxReadyText = 2 << 10

func (m *preparedForms) prepare(typ MessageType, p []byte) {
	m.plain = makeReady(lastOf(opcode(typ)), p)
}

// makeReady frames p, which is copied.
func makeReady(l lead, p []byte) readyFrame {
	h := header{lead: l, length: int64(len(p))}
	b := appendHeader(make([]byte, 0, maxHeader+len(p)), h)
	size := len(b)
	b = append(b, p...)
	return readyFrame{bytes: b, payload: b[size:]}
}

// compressed returns the message as it is sent where s was agreed on. Who asks
// first waits for it to be made, and so do those who ask meanwhile.
func (m *PreparedMessage) compressed(s deflateSetting) *readyFrame {
	if f := m.find(s); f != nil {
		return f
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.find(s); f != nil {
		return f
	}
	p := m.plain.payload
	b := bufpool.Get(compressBound(len(p)))
	defer b.Free()
	z := s.compressor(singly).Append(b.B[:0], p)
	f := &deflatedFrame{
		readyFrame: makeReady(lastOf(opcode(m.typ))|bitRSV1, z),
		setting:    s,
		next:       m.deflated.Load(),
	}
	f.text, f.size = p, len(p)
	if len(p) > maxReadyText {
		f.text = bytes.Clone(p[len(p)-maxReadyText:])
	}
	m.deflated.Store(f)
	return &f.readyFrame
}

func (m *preparedForms) find(s deflateSetting) *readyFrame {
	for f := m.deflated.Load(); f != nil; f = f.next {
		if f.setting == s {
			return &f.readyFrame
		}
	}
	return nil
}

// writePrepared sends a message that was framed before.
func (e *engine) writePrepared(ctx context.Context, m *PreparedMessage) error {
	if err := e.checkWrite(ctx, m.typ); err != nil {
		return err
	}
	ready := &m.plain
	if e.deflate != nil && len(ready.payload) >= e.deflate.threshold {
		ready = m.compressed(e.deflate.deflateSetting)
	}
	_, err := e.send(ctx, frame{
		lead: lead(ready.bytes[0]), payload: ready.payload,
		ready: ready,
	}, dropRest)
	return err
}

// sendReady is sendFrame for a frame that was made before.
func (e *engine) sendReady(ctx context.Context, f frame) (taken bool, err error) {
	w := &e.wr
	long := len(f.payload) > maxJoined
	// A small frame goes by itself only where there is no company for it.
	alone := w.from == w.to && w.yield == 0 && !w.gate.wanted()
	switch {
	case e.role == server && (alone || long):
		taken, err = e.sendBytes(ctx, f.ready.bytes)
	case long:
		taken, err = e.sendMasked(ctx, f)
	default:
		return e.sendJoined(ctx, f, dropRest)
	}
	if taken {
		e.wentOut(f.ready)
	}
	return taken, err
}

// wentOut tells the compressor what the peer's window ends with now. The caller
// holds the gate, and the frame is out, or in out to be sent.
func (e *engine) wentOut(ready *readyFrame) {
	if ready.text != nil && e.wr.comp != nil {
		e.wr.comp.Sent(ready.text, ready.size)
	}
}

// tookBack takes wentOut back, for a frame that was in out and is not sent. The
// caller holds the gate.
func (e *engine) tookBack(f frame) {
	if f.ready != nil && f.ready.text != nil && e.wr.comp != nil {
		e.wr.comp.Discard()
	}
}

// sendBytes sends a frame from where it is, behind what is in out.
func (e *engine) sendBytes(ctx context.Context, b []byte) (taken bool, err error) {
	w := &e.wr
	start := w.to
	for w.from < w.to || len(b) > 0 {
		var n, head int
		var err error
		if w.from == w.to {
			n, err = e.t.Write(ctx, b)
		} else {
			n, err = e.t.WriteBoth(ctx, w.out.B[w.from:w.to], b)
			head = min(n, w.to-w.from)
			w.from += head
		}
		if n > head {
			b = b[n-head:]
			start = never
		}
		if err != nil {
			if taken, err = e.cutShort(ctx, start, err); err != nil {
				return taken, err
			}
		}
	}
	e.sentAll()
	return true, nil
}
