//go:build !js

package websocket

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/ctxlock"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/handle"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/readbuf"
	"github.com/bhojpur/api/internal/sender"
)

// receiver is the receiving half of a connection. It refers neither to the sending half
// nor to the state of the connection. It returns violations by the peer, the peer's close
// frame and errors of the stream as errors.
//
// Its methods return netstream.ErrInterrupted if the context ends while they wait. They
// can be called again then.
type receiver struct {
	stream  readbuf.Source
	host    receiveHost
	deflate *deflateParams // nil when compression was not agreed on
	limit   atomic.Int64   // bytes of a message, -1 for any; counts from the next message on

	// mu is held by the goroutine that reads, and guards the fields below. Its version
	// increases when a message begins and when it ends.
	mu      ctxlock.Mutex
	in      readbuf.Buffer
	head    header      // of the last frame
	left    int64       // payload of the current data frame that was not read yet
	key     uint32      // its masking key, rotated to the next byte; 0 if it has none
	empty   int32       // successive non-final data frames without payload
	closed  bool        // the peer's close frame was read
	discard bool        // input is discarded
	role    sender.Role // set by init; placed here to share a word
	msg     incoming
	inf     *deflate.Inflater // nil until the first compressed message
	ctx     context.Context   // of the call under way, for the inflater's reads

	handles handle.Slab[engine]
}

// receiveHost handles the pings and pongs of a receiver.
type receiveHost interface {
	pingReceived(ctx context.Context, payload []byte)
	pongReceived(ctx context.Context, payload []byte)
}

// maxEmptyFrames is the maximum number of successive non-final frames without payload.
// The read limit does not bound them, and a read makes no progress with them. A sender
// that flushes without data makes one or two.
const maxEmptyFrames = 1000

// nextFrame reads the header of the next data frame into r.head. It handles control
// frames before that, and returns a close frame as a CloseError.
func (r *receiver) nextFrame(ctx context.Context) error {
	rules := frameRules{
		masked:    r.role == sender.Server,
		deflate:   r.deflate != nil,
		inMessage: r.msg.open && !r.msg.fin,
	}
	h := &r.head
	for {
		n, err := parseHeader(h, r.in.Bytes(), rules)
		switch {
		case err != nil:
			return err
		case n == 0:
			if _, err := r.fill(ctx); err != nil {
				return err
			}
		case h.Op().IsControl():
			if err := r.readControl(ctx, *h, n); err != nil {
				return err
			}
		default:
			r.in.R += n
			r.left, r.key = h.Length, h.Key
			r.in.LastHeaderLen, r.in.LastPayloadLen = int32(n), h.Length
			if h.Length > 0 || h.Fin() {
				r.empty = 0
			} else if r.empty++; r.empty > maxEmptyFrames {
				return errEmptyFrames
			}
			return nil
		}
	}
}

// fill reads n more bytes into the buffer.
func (r *receiver) fill(ctx context.Context) (n int, err error) {
	if r.discard {
		n, err = r.in.Skim(ctx, r.stream, r.left)
	} else {
		n, err = r.in.Fill(ctx, r.stream)
	}
	return n, r.readErr(ctx, err)
}

// readErr returns the error of a read for callers. It is nil for an interrupt that was
// meant for an earlier call: the caller retries.
func (r *receiver) readErr(ctx context.Context, err error) error {
	switch {
	case err == netstream.ErrInterrupted && ctx.Err() == nil:
		return nil
	case err == netstream.ErrCutOff:
		return &sender.ContextError{Err: ctx.Err()}
	case err != io.EOF:
		if c, ok := err.(*netstream.ClosedError); ok {
			return &sender.ContextError{Err: c.Cause}
		}
		return err
	case !r.in.IsEmpty() || r.left > 0 || r.msg.open:
		return io.ErrUnexpectedEOF
	}
	return errGoneBetween
}

// readControl reads and handles a control frame with a header of n bytes.
func (r *receiver) readControl(ctx context.Context, h header, n int) error {
	in := &r.in
	total := n + int(h.Length)
	for in.W-in.R < total {
		if h.Op() == frame.Close {
			if err := checkClosePart(in.Bytes()[n:], h.Key); err != nil {
				return err
			}
		}
		if _, err := r.fill(ctx); err != nil {
			return err
		}
	}
	payload := in.Bytes()[n:total:total] // cap it: callbacks must not see the following bytes
	in.R += total
	if h.Masked {
		mask.XOR(payload, h.Key)
	}
	switch h.Op() {
	case frame.Ping:
		r.host.pingReceived(ctx, payload)
	case frame.Pong:
		r.host.pongReceived(ctx, payload)
	case frame.Close:
		r.closed = true
		ce, err := parseClose(payload)
		if err != nil {
			return err
		}
		return ce
	}
	return nil
}

// release frees the memory of the receiver of a closed connection. If a goroutine holds
// the lock, that goroutine calls release when it unlocks.
func (r *receiver) release() {
	if !r.mu.TryLock() {
		return
	}
	r.in.Release()
	if r.inf != nil {
		r.inf.Close()
		r.inf = nil
	}
	r.ctx = nil
	r.stream.ForgetRead()
	r.mu.Unlock()
}

// errGoneBetween is the error of a stream that ends between two messages without a close
// frame. Programs match the text.
var errGoneBetween = fmt.Errorf("failed to read frame header: %w", io.EOF)

const (
	// drainBytes is the maximum number of bytes that are drained after a violation.
	drainBytes = 64 << 20
	// maxLongClose is the maximum payload of a close frame that drain recognizes. The
	// frame has to fit into the buffer.
	maxLongClose = bufpool.MinBlock / 2
)

// awaitClose discards messages until the peer's close frame arrives. It always returns an
// error, which is a CloseError for that frame.
func (r *receiver) awaitClose(ctx context.Context) error {
	r.discard = true
	for {
		for !r.skipPayload() {
			if _, err := r.fill(ctx); err != nil {
				return err
			}
		}
		if r.msg.fin {
			r.msg.open = false
		}
		if err := r.nextFrame(ctx); err != nil {
			return err
		}
		r.msg.open, r.msg.fin = true, r.head.Fin()
	}
}

// drain reads and discards input until the peer's close frame, the end of the stream, or
// drainBytes.
func (r *receiver) drain(ctx context.Context) {
	r.discard = true
	for n := 0; n < drainBytes && !r.skipToClose(); {
		k, err := r.fill(ctx)
		n += k
		if err != nil {
			return
		}
	}
}

// skipToClose discards the content of the buffer up to the peer's close frame, and reports
// whether that was found. It skips invalid frames by their length; after a frame with an
// invalid length it discards everything.
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

// skipPayload discards buffered payload of the current frame. It reports whether the
// frame has ended.
func (r *receiver) skipPayload() bool {
	n := min(r.left, int64(len(r.in.Bytes())))
	r.in.R += int(n)
	r.left -= n
	return r.left == 0
}
