//go:build !js

package websocket

import (
	"context"
	"errors"
	"math"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/netstream"
)

// violated ends the connection for something that the peer did: a close frame
// names it (RFC 6455 section 7.1.7), and what the peer still sends is drained
// for a while, so that it reads the frame before it finds the connection
// closed. It returns what callers get. The caller holds the read lock.
func (e *engine) violated(ctx context.Context, err error) error {
	v, ok := errors.AsType[*violation](err)
	if !ok {
		return err
	}
	first, out := e.life.violatedByPeer(v)
	switch {
	case first:
		e.postClose(v.code, v.text)
	case out && e.secure:
		go e.t.CloseWrite() // it waits for a peer that does not read
	case out:
		e.t.CloseWrite()
	}
	if e.life.phase() == phaseClosing {
		e.drainAfter(ctx)
	}
	e.shut(v)
	return e.life.err()
}

// drainAfter drains after a violation, while our close frame is sent.
func (e *engine) drainAfter(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	// Where interrupting a call takes longer than that, the stream is closed.
	defer context.AfterFunc(ctx, e.t.Close)()
	e.drain(ctx)
	// The holder of the gate is sending the close frame, or what precedes it.
	if e.wr.gate.lock(ctx, e.life.ended()) == nil {
		e.takePosted()
		e.flush(ctx, never, 0, dropRest)
		e.unlockWrite()
	}
}

// refuse is violated for a caller that does not hold the read lock.
func (e *engine) refuse(ctx context.Context, code StatusCode, reason string) {
	if e.lockRead(ctx) != nil {
		e.closeNow()
		return
	}
	e.violated(ctx, &violation{code: code, text: reason})
	e.unlockRead()
}

// drain reads and discards until the peer's close frame or its end, but no more
// than drainBytes.
func (e *engine) drain(ctx context.Context) {
	rd := &e.rd
	for n := 0; n < drainBytes && !rd.skipToClose(); {
		k, err := e.skim(ctx)
		n += k
		if err != nil && (err != netstream.ErrInterrupted || ctx.Err() != nil) {
			return
		}
	}
}

// maxSkim bounds the size of a read of bytes that are discarded, and so what a
// connection holds while it reads them.
const maxSkim = 64 << 10

// skim reads more into the inbox to discard it. A read that fills its room is
// followed by a larger one, so that a large frame takes few reads and a
// connection that waits for a small one holds little.
func (e *engine) skim(ctx context.Context) (n int, err error) {
	rd := &e.rd
	in := &rd.in
	if rd.left == 0 && rd.skim == 0 && in.empty() {
		err = e.refill(ctx)
		return in.w, err
	}
	room := in.wide(max(int(rd.skim), bufpool.MinBlock))
	n, err = e.t.Read(ctx, room)
	in.w += n
	switch {
	case n == len(room):
		rd.skim = int32(min(4*len(in.block.B), maxSkim))
	case n < len(room)/8:
		rd.skim = 0
	}
	return n, err
}

// maxLongClose bounds a close frame that is too long, and yet one: it has to fit
// into the inbox.
const maxLongClose = bufpool.MinBlock / 2

// skipToClose discards what is in the inbox, up to the peer's close frame, and
// reports whether that has been there. Frames that break the rules are skipped
// like others, as long as their length can be told; behind one where it can't
// everything is discarded.
func (rd *readSide) skipToClose() bool {
	for !rd.closed {
		if !rd.skipPayload() {
			return false
		}
		n, err := parseHeader(&rd.head, rd.in.bytes(), frameRules{any: true})
		h := &rd.head
		switch {
		case err != nil:
			rd.left = math.MaxInt64
		case n == 0:
			return false
		case h.op() == opClose && h.length <= maxLongClose:
			if len(rd.in.bytes()) < n+int(h.length) {
				return false
			}
			rd.closed = true
		default:
			rd.in.r += n
			rd.left = h.length
		}
	}
	return true
}

// skipPayload discards payload of the current frame. It reports false when
// there is more to come.
func (rd *readSide) skipPayload() bool {
	n := min(rd.left, int64(len(rd.in.bytes())))
	rd.in.r += int(n)
	rd.left -= n
	return rd.left == 0
}
