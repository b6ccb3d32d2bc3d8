//go:build !js

package websocket

import (
	"context"
	"errors"
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
	f.encoding = plain
	return e.send(ctx, sendqueue.Message, f)
}

// send sends a frame.
func (e *engine) send(ctx context.Context, c sendqueue.Class, f frame) error {
	if err := e.snd.send(ctx, c, f); err != nil {
		return e.failWrite(ctx, err)
	}
	return nil
}

// newMessage returns the frame of a message that may be sent.
func (e *engine) newMessage(ctx context.Context, typ MessageType, p []byte) (f frame, err error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return f, err
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return f, errTextNotUTF8
	}
	f.byte0, f.payload = finalByte0(opcode(typ)), p
	if d := e.snd.deflate; d != nil && len(p) >= d.threshold {
		f.encoding = deflated
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
	case len(p) > maxFrame && f.encoding == plain:
		return e.writeFrames(ctx, typ, p)
	}
	return e.sendKept(ctx, sendqueue.Message, f)
}

// sendKept sends a frame that is sent to its end once a part of it is out. It
// returns how many bytes of the payload are out, or will be.
func (e *engine) sendKept(ctx context.Context, c sendqueue.Class, f frame) (n int, err error) {
	f.onCancel = keepFrame
	switch err := e.snd.send(ctx, c, f); err {
	case nil:
		return len(f.payload), nil
	case errCommitted:
		return len(f.payload), ctx.Err()
	case errBehindWriter:
		return 0, ctx.Err()
	default:
		return 0, e.failWrite(ctx, err)
	}
}

// writeFrames sends a long message in frames short enough to be kept when the
// context ends in one of them. The message ends there, then.
func (e *engine) writeFrames(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	h, err := e.beginMessage(ctx, typ, plain)
	if errors.Is(err, errWriterOpen) {
		err = ctx.Err()
	}
	if err != nil {
		return 0, err
	}
	defer h.close()
	for op := opcode(typ); n < len(p) && err == nil; op = opContinuation {
		size := min(len(p)-n, maxFrame)
		for typ == MessageText && n+size < len(p) && !utf8.RuneStart(p[n+size]) {
			size-- // the message may have to end here
		}
		f := frame{byte0: byte0(op), payload: p[n : n+size]}
		if n+size == len(p) {
			f.byte0 |= bitFin
		}
		var k int
		k, err = e.sendKept(ctx, sendqueue.Part, f)
		n += k
	}
	if 0 < n && n < len(p) {
		e.snd.postPart(frame{byte0: finalByte0(opContinuation)})
	}
	return n, err
}
