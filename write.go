//go:build !js

package websocket

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/sender"
	"github.com/bhojpur/api/internal/sendqueue"
	"github.com/bhojpur/api/internal/utf8stream"
)

// write sends a message as one frame.
func (e *engine) write(ctx context.Context, typ MessageType, p []byte, c compressing) error {
	var f sender.Frame
	if err := e.newMessage(ctx, typ, p, &f); err != nil {
		return err
	}
	if c == never {
		f.Encoding = sender.Plain
	}
	return e.sent(ctx, e.snd.Send(ctx, sendqueue.Message, &f))
}

// sent returns nil if err, the result of a Send, is nil, and calls failWrite otherwise. It
// is small enough to be inlined.
func (e *engine) sent(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return e.failWrite(ctx, err)
}

// newMessage checks a message and sets f to its only frame.
func (e *engine) newMessage(ctx context.Context, typ MessageType, p []byte, f *sender.Frame) error {
	if !canWrite(ctx, e.life.state(), typ) {
		return e.checkWrite(ctx, typ)
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return errTextNotUTF8
	}
	f.Byte0, f.Payload = frame.Final(opcode(typ)), p
	if d := e.snd.Compression(); d != nil && len(p) >= d.Threshold {
		f.Encoding = sender.Deflated
	}
	return nil
}

// canWrite reports whether checkWrite returns nil. It is small enough to be inlined, so a
// write that succeeds saves a call.
func canWrite(ctx context.Context, s state, typ MessageType) bool {
	return s == stateOpen && typ.isValid() && ctx.Err() == nil
}

// checkWrite returns an error if a message of the type can't be sent now.
func (e *engine) checkWrite(ctx context.Context, typ MessageType) error {
	if e.life.state() != stateOpen {
		return e.life.err(later)
	}
	if !typ.isValid() {
		return wrongType(typ)
	}
	return ctx.Err()
}

// byteStream has the reads and writes of a NetConn.
type byteStream engine

// write sends a message. If ctx ends after a part of a frame was sent, the rest of the
// frame is sent ahead of other frames; write counts it as written and returns ctx.Err().
func (s *byteStream) write(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	var f sender.Frame
	switch err := (*engine)(s).newMessage(ctx, typ, p, &f); {
	case err != nil:
		return 0, err
	case len(p) > sender.MaxFrame && f.Encoding == sender.Plain:
		return s.writeFrames(ctx, typ, p)
	}
	return s.sendKept(ctx, sendqueue.Message, &f)
}

// sendKept sends a frame whose rest is still sent if ctx ends inside it. It returns the
// number of payload bytes that were or will be sent.
func (s *byteStream) sendKept(ctx context.Context, c sendqueue.Class, f *sender.Frame) (n int, err error) {
	f.OnCancel = sender.KeepFrame
	switch err := s.snd.Send(ctx, c, f); err {
	case nil:
		return len(f.Payload), nil
	case sender.ErrCommitted:
		return len(f.Payload), ctx.Err()
	case sender.ErrBehindWriter:
		return 0, ctx.Err()
	default:
		return 0, (*engine)(s).failWrite(ctx, err)
	}
}

// writeFrames sends a long message in frames of at most sender.MaxFrame bytes. If ctx ends
// inside one of them, the message ends with that frame.
func (s *byteStream) writeFrames(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	m, err := s.snd.Open(ctx, opcode(typ), sender.Plain)
	switch {
	case err == sender.ErrBehindWriter:
		return 0, ctx.Err()
	case err != nil:
		return 0, (*engine)(s).failWrite(ctx, err)
	}
	defer m.End()
	for op := opcode(typ); n < len(p) && err == nil; op = frame.Continuation {
		size := min(len(p)-n, sender.MaxFrame)
		for typ == MessageText && n+size < len(p) && !utf8.RuneStart(p[n+size]) {
			size-- // the message may end with this frame
		}
		f := sender.Frame{Byte0: byte0(op), Payload: p[n : n+size]}
		if n+size == len(p) {
			f.Byte0 |= frame.BitFin
		}
		var k int
		k, err = s.sendKept(ctx, sendqueue.Part, &f)
		n += k
	}
	if 0 < n && n < len(p) {
		s.snd.PostPart(sender.Frame{Byte0: frame.Final(frame.Continuation)})
	}
	return n, err
}

// preparedFrames are the encoded frames of a prepared message.
type preparedFrames struct {
	plain sender.Preframed

	// deflated is a list of the compressed frames, one for each compression setting in
	// use. Frames are added at its front and never removed.
	deflated atomic.Pointer[deflatedFrame]

	mu sync.Mutex // a leaf; held while compressing
}

// deflatedFrame is the frame for connections with the same compression setting.
type deflatedFrame struct {
	sender.Preframed
	setting deflateSetting
	next    *deflatedFrame
}

// maxText is the maximum length of the text that is kept as the end of a peer's window: as
// much as a compressor keeps.
const maxText = 2 << 10

func (m *preparedFrames) prepare(typ MessageType, p []byte) {
	m.plain = sender.Preframe(frame.Final(opcode(typ)), p)
}

// compressed returns the frame for connections with setting s. The first call compresses
// the message; concurrent calls wait for it.
func (m *PreparedMessage) compressed(s deflateSetting) *sender.Preframed {
	if f := m.find(s); f != nil {
		return f
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.find(s); f != nil {
		return f
	}
	p := m.plain.Payload
	b := bufpool.Get(len(p) + len(p)>>10 + 64)
	defer b.Free()
	const takeover = false
	z := deflate.NewCompressor(s.bits, s.level, takeover).Append(b.B[:0], p)
	f := &deflatedFrame{
		Preframed: sender.Preframe(frame.Final(opcode(m.typ))|frame.BitRSV1, z),
		setting:   s,
		next:      m.deflated.Load(),
	}
	f.Text, f.Size = p, len(p)
	if len(p) > maxText {
		f.Text = bytes.Clone(p[len(p)-maxText:])
	}
	m.deflated.Store(f)
	return &f.Preframed
}

func (m *preparedFrames) find(s deflateSetting) *sender.Preframed {
	for f := m.deflated.Load(); f != nil; f = f.next {
		if f.setting == s {
			return &f.Preframed
		}
	}
	return nil
}

// writePrepared sends a prepared message.
func (e *engine) writePrepared(ctx context.Context, m *PreparedMessage) error {
	if !canWrite(ctx, e.life.state(), m.typ) {
		return e.checkWrite(ctx, m.typ)
	}
	var f sender.Frame
	m.setFrame(&f, e.rcv.deflate)
	return e.sent(ctx, e.snd.Send(ctx, sendqueue.Message, &f))
}

// post queues a prepared message.
func (e *engine) post(m *PreparedMessage) error {
	if err := e.checkWrite(context.Background(), m.typ); err != nil {
		return err
	}
	var f sender.Frame
	m.setFrame(&f, e.rcv.deflate)
	ok, err := e.snd.PostMessage(f, maxBacklog(e.opts.maxBacklog))
	switch {
	case err != nil:
		return e.failWrite(context.Background(), err)
	case !ok:
		return ErrBacklog
	}
	return nil
}

// setFrame sets f to the frame that a prepared message is sent as.
func (m *PreparedMessage) setFrame(f *sender.Frame, d *deflateParams) {
	pre := &m.plain
	if d != nil && len(pre.Payload) >= d.send.Threshold {
		pre = m.compressed(d.setting())
	}
	f.Byte0, f.Payload, f.Pre = byte0(pre.Bytes[0]), pre.Payload, pre
}
