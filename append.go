//go:build !js

package websocket

import (
	"context"
	"io"
	"math"
	"slices"
)

// appendRead appends a whole message to dst. On an error it returns dst itself.
func (e *engine) appendRead(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	r := &e.rcv
	began := e.life.beginRead()
	if !r.mu.TryLock() {
		if err := e.lockRead(ctx, began); err != nil {
			return 0, dst, err
		}
	}
	if e.life.state() != stateOpen || ctx.Err() != nil || !r.tryBegin() {
		if err := e.awaitMessage(ctx, began); err != nil {
			return 0, dst, err
		}
	}
	typ := r.msg.typ
	if p, ok := r.appendBuffered(dst); ok {
		if !r.mu.TryUnlock() {
			e.unlockRead()
		} else if e.needsAfterUnlock() {
			e.afterUnlockRead()
		}
		return typ, p, nil
	}
	p, err := e.appendRest(ctx, began, dst)
	if err != nil {
		return 0, dst, err
	}
	return typ, p, nil
}

// minAppend is the minimum by which appendRest extends a slice for a message of unknown
// length.
const minAppend = 512

// appendRest appends the current message. It reads into the capacity of dst, and extends
// dst only if the message does not fit: in proportion to the bytes that have arrived, not
// to the declared length. The caller holds receiver.mu; appendRest releases it, also if a
// callback panics.
func (e *engine) appendRest(ctx context.Context, began callTime, dst []byte) ([]byte, error) {
	defer e.unlockRead()
	r := &e.rcv
	old := len(dst)
	for r.msg.open {
		if len(dst) == cap(dst) {
			// dst is full: check whether the message has ended.
			switch err := r.finishMessage(ctx); err {
			case nil:
				return dst, nil
			case errBetweenMessages:
			default:
				return dst, e.failRead(ctx, began, insideMessage, err)
			}
			if len(dst) > math.MaxInt/2 { // so that it can be doubled on 32-bit platforms
				return dst, e.failRead(ctx, began, insideMessage, tooBig(math.MaxInt))
			}
			dst = slices.Grow(dst, r.appendSize(len(dst)-old))
		}
		n, err := e.readInside(ctx, dst[len(dst):cap(dst)], began)
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendSize returns the number of bytes by which to extend a slice that holds the first
// read bytes of the message.
func (r *receiver) appendSize(read int) int {
	if r.sizeKnown(read) {
		return int(r.left)
	}
	return max(read, r.in.W-r.in.R, minAppend)
}
