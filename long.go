//go:build !js

package websocket

import (
	"context"

	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/netstream"
)

// This is how frames go out that are too long to be copied behind their header.

// sendParts sends a server's frame, header and payload side by side: the payload
// is not copied.
func (e *engine) sendParts(ctx context.Context, h header, payload []byte) (taken bool, err error) {
	w := &e.wr
	h.length = int64(len(payload))
	w.reserve(maxHeader)
	start := w.to
	w.appendHeader(h)
	for w.from < w.to || len(payload) > 0 {
		n, err := e.t.WriteBoth(ctx, w.out.B[w.from:w.to], payload)
		head := min(n, w.to-w.from)
		w.from += head
		payload = payload[n-head:]
		if err != nil {
			if taken, err = e.cutShort(ctx, start, err); err != nil {
				return taken, err
			}
		}
	}
	e.sentAll()
	return true, nil
}

// sendMasked sends a client's frame, masking it piece by piece into out.
func (e *engine) sendMasked(ctx context.Context, f frame) (taken bool, err error) {
	w := &e.wr
	key := mask.NewKey()
	w.reserve(min(maxHeader+len(f.payload), maxFrame))
	start := w.to
	w.appendHeader(header{
		lead:   f.lead,
		masked: true, key: key, length: int64(len(f.payload)),
	})
	for p := f.payload; len(p) > 0 || w.from < w.to; {
		n := min(len(p), len(w.out.B)-w.to)
		key = mask.Copy(w.out.B[w.to:], p[:n], key)
		p = p[n:]
		w.to += n
		n, err := e.t.Write(ctx, w.out.B[w.from:w.to])
		w.from += n
		if err != nil {
			if taken, err = e.cutShort(ctx, start, err); err != nil {
				return taken, err
			}
		}
		if w.from == w.to {
			w.from, w.to, start = 0, 0, never
		}
	}
	e.sentAll()
	return true, nil
}

// cutShort ends the sending of a long frame with err; or not, and returns nil,
// if it was interrupted without a reason. A frame that was not begun leaves no
// trace.
func (e *engine) cutShort(ctx context.Context, start int, err error) (taken bool, _ error) {
	w := &e.wr
	switch {
	case err != netstream.ErrInterrupted && err != netstream.ErrCutOff:
		e.breakWrites(err)
		return true, e.writeError(err)
	case ctx.Err() == nil:
		return false, nil
	case err == netstream.ErrInterrupted && w.from <= start:
		w.to = start
		return false, ctx.Err()
	}
	e.shut(ctx.Err())
	return true, e.life.err()
}
