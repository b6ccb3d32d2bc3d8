//go:build !js

package websocket

import (
	"context"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/sender"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/sendqueue"
	"github.com/bhojpur/api/internal/utf8stream"
)

// write sends a message as one frame.
func (e *engine) write(ctx context.Context, typ MessageType, p []byte) error {
	f, err := e.newMessage(ctx, typ, p)
	if err != nil {
		return err
	}
	return e.send(ctx, sendqueue.Message, f)
}

// writeUncompressed is write for a message that is never compressed.
func (e *engine) writeUncompressed(ctx context.Context, typ MessageType, p []byte) error {
	f, err := e.newMessage(ctx, typ, p)
	if err != nil {
		return err
	}
	f.Encoding = sender.Plain
	return e.send(ctx, sendqueue.Message, f)
}

// send sends a frame.
func (e *engine) send(ctx context.Context, c sendqueue.Class, f sender.Frame) error {
	if err := e.snd.Send(ctx, c, f); err != nil {
		return e.failWrite(ctx, err)
	}
	return nil
}

// newMessage returns the frame of a message that may be sent.
func (e *engine) newMessage(ctx context.Context, typ MessageType, p []byte) (f sender.Frame, err error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return f, err
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return f, errTextNotUTF8
	}
	f.Byte0, f.Payload = frame.Final(opcode(typ)), p
	if d := e.snd.Compression(); d != nil && len(p) >= d.Threshold {
		f.Encoding = sender.Deflated
	}
	return f, nil
}

// checkWrite is what each write checks first.
func (e *engine) checkWrite(ctx context.Context, typ MessageType) error {
	if e.life.state() != stateOpen {
		return e.life.err(later)
	}
	if typ != MessageText && typ != MessageBinary {
		return wrongType(typ)
	}
	return ctx.Err()
}

// writeStream is write for NetConn. If the context ends when a part of the frame is
// out, the rest is sent ahead of other frames; writeStream counts it as written, and
// returns ctx.Err() as it is.
func (e *engine) writeStream(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	f, err := e.newMessage(ctx, typ, p)
	switch {
	case err != nil:
		return 0, err
	case len(p) > sender.MaxFrame && f.Encoding == sender.Plain:
		return e.writeFrames(ctx, typ, p)
	}
	return e.sendKept(ctx, sendqueue.Message, f)
}

// sendKept sends a frame that is sent to its end once a part of it is out. It
// returns how many bytes of the payload are out, or will be.
func (e *engine) sendKept(ctx context.Context, c sendqueue.Class, f sender.Frame) (n int, err error) {
	f.OnCancel = sender.KeepFrame
	switch err := e.snd.Send(ctx, c, f); err {
	case nil:
		return len(f.Payload), nil
	case sender.ErrCommitted:
		return len(f.Payload), ctx.Err()
	case sender.ErrBehindWriter:
		return 0, ctx.Err()
	default:
		return 0, e.failWrite(ctx, err)
	}
}

// writeFrames sends a long message in frames short enough to be kept when the
// context ends in one of them. The message ends there, then.
func (e *engine) writeFrames(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	m, err := e.snd.Open(ctx, opcode(typ), sender.Plain)
	switch {
	case err == sender.ErrBehindWriter:
		return 0, ctx.Err()
	case err != nil:
		return 0, e.failWrite(ctx, err)
	}
	defer m.End()
	for op := opcode(typ); n < len(p) && err == nil; op = frame.Continuation {
		size := min(len(p)-n, sender.MaxFrame)
		for typ == MessageText && n+size < len(p) && !utf8.RuneStart(p[n+size]) {
			size-- // the message may have to end here
		}
		f := sender.Frame{Byte0: byte0(op), Payload: p[n : n+size]}
		if n+size == len(p) {
			f.Byte0 |= frame.BitFin
		}
		var k int
		k, err = e.sendKept(ctx, sendqueue.Part, f)
		n += k
	}
	if 0 < n && n < len(p) {
		e.snd.PostPart(sender.Frame{Byte0: frame.Final(frame.Continuation)})
	}
	return n, err
}
