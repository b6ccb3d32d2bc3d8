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
	if e.life.violatedByPeer(v) {
		e.postClose(v.code, v.text)
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		// Where interrupting a call takes longer than that, the stream is closed.
		defer context.AfterFunc(ctx, e.t.Close)()
		e.drain(ctx)
		// Who holds the gate is sending the close frame, or what goes ahead of it.
		if e.wr.gate.lock(ctx, e.life.ended()) == nil {
			e.takePosted()
			e.flush(ctx, never, 0, dropRest)
			e.unlockWrite()
		}
	}
	e.shut(v)
	return e.life.err()
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
		k, err := e.t.Read(ctx, rd.in.room())
		rd.in.w += k
		n += k
		if err != nil && (err != netstream.ErrInterrupted || ctx.Err() != nil) {
			return
		}
	}
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
