//go:build !js

package websocket

import (
	"context"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/netstream"
	"math"

	"github.com/bhojpur/api/internal/bufpool"
)

const (
	// maxSkim bounds the size of a read of bytes that are discarded, and so what a
	// connection holds while it reads them.
	maxSkim = 64 << 10
	// maxLongClose bounds a close frame that is longer than allowed and still
	// recognized: it has to fit into the buffer.
	maxLongClose = bufpool.MinBlock / 2
)

// awaitClose discards messages until the peer's close frame. It always returns an
// error.
func (r *receiver) awaitClose(ctx context.Context) error {
	r.discard = true
	for {
		for !r.skipPayload() {
			if err := r.fill(ctx); err != nil {
				return err
			}
		}
		if err := r.nextFrame(ctx); err != nil {
			return err
		}
		r.msg.open, r.msg.fin = true, r.head.Fin()
	}
}

// drain reads and discards until the peer's close frame or the end of the stream,
// but no more than drainBytes.
func (r *receiver) drain(ctx context.Context) {
	r.discard = true
	for n := 0; n < drainBytes && !r.skipToClose(); {
		k, err := r.readSkim(ctx)
		n += k
		if err != nil && (err != netstream.ErrInterrupted || ctx.Err() != nil) {
			return
		}
	}
}

// readSkim reads more into the buffer to discard it. A read that fills its room is
// followed by a larger one, so that a large frame takes few reads and a connection
// that waits for a small one holds little.
func (r *receiver) readSkim(ctx context.Context) (n int, err error) {
	in := &r.in
	if r.left == 0 && r.skim == 0 && in.IsEmpty() {
		err = in.Fill(ctx, r.stream)
		return in.W, err
	}
	room := in.Wide(max(int(r.skim), bufpool.MinBlock))
	n, err = r.stream.Read(ctx, room)
	in.W += n
	switch {
	case n == len(room):
		r.skim = int32(min(4*len(in.Block.B), maxSkim))
	case n < len(room)/8:
		r.skim = 0
	}
	return n, err
}

// skipToClose discards the content of the buffer, up to the peer's close frame, and
// reports whether that has been there. Frames that break the rules are skipped like
// others, as long as their length is known; behind one of unknown length everything
// is discarded.
func (r *receiver) skipToClose() bool {
	for !r.closed {
		if !r.skipPayload() {
			return false
		}
		n, err := parseHeader(&r.head, r.in.Bytes(), frameRules{any: true})
		h := &r.head
		switch {
		case err != nil:
			r.left = math.MaxInt64
		case n == 0:
			return false
		case h.Op() == frame.Close && h.Length <= maxLongClose:
			if len(r.in.Bytes()) < n+int(h.Length) {
				return false
			}
			r.closed = true
		default:
			r.in.R += n
			r.left = h.Length
		}
	}
	return true
}

// skipPayload discards payload of the current frame. It reports false if there is
// more to come.
func (r *receiver) skipPayload() bool {
	n := min(r.left, int64(len(r.in.Bytes())))
	r.in.R += int(n)
	r.left -= n
	return r.left == 0
}
