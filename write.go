//go:build !js

package websocket

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/utf8stream"
)

// write sends a message of one frame.
func (e *engine) write(ctx context.Context, typ MessageType, p []byte) error {
	if err := e.checkWrite(ctx, typ); err != nil {
		return err
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return errTextNotUTF8
	}
	_, err := e.writeWhole(ctx, typ, p, dropRest)
	return err
}

// writeUncompressed is write for a message that is never compressed.
func (e *engine) writeUncompressed(ctx context.Context, typ MessageType, p []byte) error {
	if err := e.checkWrite(ctx, typ); err != nil {
		return err
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return errTextNotUTF8
	}
	_, err := e.send(ctx, frame{lead: lastOf(opcode(typ)), payload: p}, dropRest)
	return err
}

// checkWrite is what each write looks at first.
func (e *engine) checkWrite(ctx context.Context, typ MessageType) error {
	if e.life.phase() != phaseOpen {
		return e.life.err()
	}
	if typ != MessageText && typ != MessageBinary {
		return wrongType(typ)
	}
	return ctx.Err()
}

func (e *engine) writeWhole(ctx context.Context, typ MessageType, p []byte, rest remainder) (taken bool, err error) {
	f := frame{lead: lastOf(opcode(typ)), payload: p}
	if e.deflate != nil && len(p) >= e.deflate.threshold {
		return e.writeCompressed(ctx, f, rest)
	}
	return e.send(ctx, f, rest)
}

// writeCompressed compresses a message and sends it as one frame.
func (e *engine) writeCompressed(ctx context.Context, f frame, rest remainder) (taken bool, err error) {
	w := &e.wr
	if err := w.gate.lock(ctx, nil); err != nil {
		return false, ctx.Err()
	}
	if w.current() != nil {
		if err := e.awaitOrder(ctx); err != nil {
			return false, err
		}
		defer w.parts.get().order.Unlock()
	}
	defer e.unlockWrite()
	if err := e.canSend(); err != nil {
		return false, err
	}
	comp := e.compressor()
	b := bufpool.Get(compressBound(len(f.payload)))
	defer b.Free()
	f.lead |= bitRSV1
	f.payload = comp.Append(b.B[:0], f.payload)
	taken, err = e.sendFrame(ctx, f, rest)
	if !taken {
		comp.Discard()
	}
	return taken, err
}

// compressor returns what compresses the messages of this connection. The
// caller holds the gate.
func (e *engine) compressor() *deflate.Compressor {
	if e.wr.comp == nil {
		r := singly
		if e.deflate.sendTakeover {
			r = takingOver
		}
		e.wr.comp = e.deflate.compressor(r)
	}
	return e.wr.comp
}

// compressBound is about what a message of n bytes grows to that can't be
// compressed.
func compressBound(n int) int { return n + n>>10 + 64 }

// writeStream is write for NetConn. A context that ends leaves a frame that was
// begun to be sent ahead of what follows, and ctx.Err() is returned as it is.
func (e *engine) writeStream(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return 0, err
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return 0, errTextNotUTF8
	}
	if len(p) > maxFrame && (e.deflate == nil || len(p) < e.deflate.threshold) {
		return e.writeFrames(ctx, typ, p)
	}
	taken, err := e.writeWhole(ctx, typ, p, keepRest)
	if kept(ctx, taken, err) {
		n = len(p)
	}
	return n, plainly(ctx, err)
}

// plainly is err, but ctx.Err() as it is where err says what ctx ended before.
func plainly(ctx context.Context, err error) error {
	if errors.Is(err, errWriterOpen) {
		return ctx.Err()
	}
	return err
}

// kept reports whether a frame that was sent with keepRest is out or will be:
// it was taken, and the connection has not failed.
func kept(ctx context.Context, taken bool, err error) bool {
	return taken && (err == nil || err == ctx.Err())
}

// writeFrames sends a long message in frames short enough to be kept when the
// context ends in one of them. The message ends there, then.
func (e *engine) writeFrames(ctx context.Context, typ MessageType, p []byte) (n int, err error) {
	if _, err := e.beginMessage(ctx, typ); err != nil {
		return 0, plainly(ctx, err)
	}
	defer e.unlockWrite()
	defer e.endMessage()
	op := opcode(typ)
	for n < len(p) && err == nil {
		size := min(len(p)-n, maxFrame)
		for typ == MessageText && n+size < len(p) && !utf8.RuneStart(p[n+size]) {
			size-- // the message may have to end here
		}
		f := frame{lead: lead(op), payload: p[n : n+size]}
		if n+size == len(p) {
			f.lead |= bitFin
		}
		var taken bool
		if taken, err = e.sendFrame(ctx, f, keepRest); kept(ctx, taken, err) {
			n += size
			op = opContinuation
		}
	}
	if 0 < n && n < len(p) && !e.wr.over() {
		e.addFrame(frame{lead: lastOf(opContinuation)})
	}
	return n, err
}
