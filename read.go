//go:build !js

package websocket

import (
	"context"
	"fmt"
	"github.com/bhojpur/api/internal/netstream"
	"io"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/ctxlock"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/utf8stream"
)

// receiver is the receiving half of a connection. It knows neither the sending half
// nor the state of the connection: what ends a connection, a violation by the peer
// or its close frame among it, is returned as an error.
//
// Its methods return netstream.ErrInterrupted if the context ended while they waited, and
// have changed nothing then.
type receiver struct {
	stream  *netstream.Stream
	host    receiveHost
	role    role
	deflate *deflateParams // nil when compression was not agreed on
	limit   atomic.Int64   // bytes of a message, -1 for any; counts from the next message on

	// mu is held by the goroutine that reads, and guards the rest. Its version is
	// the number of messages that have begun and ended.
	mu      ctxlock.Mutex
	in      readBuffer
	head    header // of the frame that was parsed last
	left    int64  // payload of the current data frame that is still to come
	key     uint32 // its masking key, rotated to the next byte; 0 if there is none
	empty   int32  // data frames in a row that had no payload and were not the last
	skim    int32  // the size of the reads that discard; 0 until one was filled
	closed  bool   // the peer's close frame was read
	discard bool   // what arrives is discarded
	msg     incoming
	inf     *deflate.Inflater // nil until the first compressed message
	ctx     context.Context   // of the call under way, for the inflater's reads

	handles slab[messageReader]
}

// receiveHost is what a receiver reports to.
type receiveHost interface {
	pingReceived(ctx context.Context, payload []byte)
	pongReceived(ctx context.Context, payload []byte)
}

// maxEmptyFrames is how many frames of a message without payload may follow each
// other when none is the last. They count against no limit, and bring a read no
// closer to its end. A sender that flushes nothing makes one or two.
const maxEmptyFrames = 1000

// readBuffer holds bytes of the stream that have not been parsed: block.B[r:w].
type readBuffer struct {
	block    *bufpool.Block // nil while nothing is there
	r, w     int
	nextSize int32 // how much the next read may find at once, as far as the last ones tell
	// The sizes of the last data frame.
	lastHeaderLen  int32
	lastPayloadLen int64
}

const (
	// maxNextSize bounds the block of a readBuffer, but for one that a frame fits
	// into.
	maxNextSize = 4 * bufpool.MinBlock
	// maxAtOnce is the size up to which a frame is read from a socket together with
	// its header.
	maxAtOnce = 64 << 10
)

// take makes sure that there is a block.
func (in *readBuffer) take() {
	if in.block == nil {
		in.block = bufpool.Get(int(in.nextSize))
	}
}

// add puts in bytes that were read elsewhere.
func (in *readBuffer) add(p []byte) {
	if len(p) > 0 {
		in.block = bufpool.Get(len(p))
		in.w = copy(in.block.B, p)
	}
}

// onRead notes a read of n bytes into an empty buffer of size room. A read that
// fills it is followed by a larger one.
func (in *readBuffer) onRead(n, room int) {
	in.w = n
	if n < room {
		in.nextSize = 0
	} else {
		in.nextSize = min(max(bufpool.MinBlock, 4*in.nextSize), maxNextSize)
	}
}

// wanted returns what the next read into an empty buffer asks for: size bytes of a
// stream that is known to have bytes before it is read, first bytes of others, or
// size if first is 0.
func (in *readBuffer) wanted() (size, first int) {
	size, first = int(in.nextSize), netstream.FirstRead
	// A frame like the last one, if that is not too large, comes with one call: it
	// costs more than to copy the payload once more.
	if in.lastPayloadLen <= maxAtOnce-maxHeader {
		size = max(size, int(in.lastPayloadLen)+maxHeader)
	}
	switch {
	case in.lastPayloadLen > bufpool.MinBlock:
		// The payload of a large frame is better read to where it belongs.
		first = int(in.lastHeaderLen)
	case in.nextSize > 0:
		first = 0
	}
	return size, first
}

// settle frees a block without content.
func (in *readBuffer) settle() {
	if in.block != nil && in.r == in.w {
		in.release()
	}
}

// release frees the block and its content.
func (in *readBuffer) release() {
	if in.block != nil {
		in.block.Free()
		in.block = nil
	}
	in.r, in.w = 0, 0
}

// room returns where to read to, behind the content. The header of a frame and the
// whole of a control frame always have room.
//
// The block is at most MinBlock while waiting for more input. (A block of the
// stream's own is smaller than that.)
func (in *readBuffer) room() []byte {
	in.take()
	if n := in.w - in.r; len(in.block.B) != bufpool.MinBlock && n <= bufpool.MinBlock/2 {
		small := bufpool.Get(bufpool.MinBlock)
		in.r, in.w = 0, copy(small.B, in.block.B[in.r:in.w])
		in.block.Free()
		in.block = small
	}
	if in.isEmpty() || in.w == len(in.block.B) {
		in.w = copy(in.block.B, in.block.B[in.r:in.w])
		in.r = 0
	}
	return in.block.B[in.w:]
}

// wide is room in a block of at least size bytes.
func (in *readBuffer) wide(size int) []byte {
	content := in.bytes()
	if in.block == nil || len(in.block.B) < size {
		b := bufpool.Get(size)
		n := copy(b.B, content)
		in.release()
		in.block, in.w = b, n
	} else {
		in.r, in.w = 0, copy(in.block.B, content)
	}
	return in.block.B[in.w:]
}

func (in *readBuffer) isEmpty() bool { return in.r == in.w }

// bytes returns the content.
func (in *readBuffer) bytes() []byte {
	if in.block == nil {
		return nil
	}
	return in.block.B[in.r:in.w]
}

// nextFrame reads to the next data frame, and past its header, which is in r.head
// then. It handles control frames on the way; a close frame is returned as a
// CloseError.
func (r *receiver) nextFrame(ctx context.Context) error {
	rules := frameRules{
		masked:    r.role == server,
		deflate:   r.deflate != nil,
		inMessage: r.msg.open && !r.msg.fin,
	}
	h := &r.head
	for {
		n, err := parseHeader(h, r.in.bytes(), rules)
		switch {
		case err != nil:
			return err
		case n == 0:
			if err := r.fill(ctx); err != nil {
				return err
			}
		case h.op().isControl():
			if err := r.readControl(ctx, *h, n); err != nil {
				return err
			}
		default:
			r.in.r += n
			r.left, r.key = h.length, h.key
			r.in.lastHeaderLen, r.in.lastPayloadLen = int32(n), h.length
			if h.length > 0 || h.fin() {
				r.empty = 0
			} else if r.empty++; r.empty > maxEmptyFrames {
				return errEmptyFrames
			}
			return nil
		}
	}
}

// fill reads more into the buffer.
func (r *receiver) fill(ctx context.Context) error {
	in := &r.in
	var err error
	switch {
	case r.discard:
		_, err = r.readSkim(ctx)
	case in.isEmpty():
		err = r.readBlock(ctx)
	default:
		var n int
		n, err = r.stream.Read(ctx, in.room())
		in.w += n
	}
	return r.readErr(ctx, err)
}

// readBlock reads into the buffer, which is empty and takes a block only when there
// are bytes.
func (r *receiver) readBlock(ctx context.Context) error {
	in := &r.in
	in.release()
	size, first := in.wanted()
	var n int
	var err error
	if in.block, n, err = r.stream.ReadBlock(ctx, size, first); n > 0 {
		in.onRead(n, len(in.block.B))
	}
	return err
}

// readErr returns what the error of a read means to callers. It is nil for an
// interruption that was meant for an earlier call: they try again.
func (r *receiver) readErr(ctx context.Context, err error) error {
	switch {
	case err == netstream.ErrInterrupted && ctx.Err() == nil:
		return nil
	case err == netstream.ErrCutOff:
		return &contextError{ctx.Err()}
	case err != io.EOF:
		return err
	case !r.in.isEmpty() || r.left > 0 || r.msg.open:
		return io.ErrUnexpectedEOF
	}
	return errGoneBetween
}

// readControl handles a control frame, of which the header takes n bytes.
func (r *receiver) readControl(ctx context.Context, h header, n int) error {
	in := &r.in
	total := n + int(h.length)
	for in.w-in.r < total {
		if h.op() == opClose {
			if err := checkClosePart(in.bytes()[n:], h.key); err != nil {
				return err
			}
		}
		if err := r.fill(ctx); err != nil {
			return err
		}
	}
	payload := in.bytes()[n:total:total] // cap it: callbacks must not see the following bytes
	in.r += total
	if h.masked {
		mask.XOR(payload, h.key)
	}
	switch h.op() {
	case opPing:
		r.host.pingReceived(ctx, payload)
	case opPong:
		r.host.pongReceived(ctx, payload)
	case opClose:
		r.closed = true
		ce, err := parseClose(payload)
		if err != nil {
			return err
		}
		return ce
	}
	return nil
}

// checkClosePart checks the part of a close frame's payload that has arrived, so
// that a wrong one fails at its first wrong byte.
func checkClosePart(masked []byte, key uint32) error {
	var payload [maxControl]byte
	mask.Copy(payload[:], masked, key)
	var reason utf8stream.Validator
	return checkClosePrefix(payload[:len(masked)], &reason)
}

// mend makes reads work again that a context would interrupt, which ended when no
// read was under way. The caller does not hold the lock.
func (r *receiver) mend() {
	for r.stream.ReadDisturbed() && r.mu.TryLock() {
		r.stream.MendRead()
		r.mu.Unlock()
	}
}

// release frees what the receiver of a closed connection holds, unless a goroutine
// holds the lock, which does so when it unlocks.
func (r *receiver) release() {
	if !r.mu.TryLock() {
		return
	}
	r.in.release()
	if r.inf != nil {
		r.inf.Close()
		r.inf = nil
	}
	r.ctx = nil
	r.stream.ForgetRead()
	r.mu.Unlock()
}

// errGoneBetween is the end of a connection between two messages without a close
// frame. Programs match the text.
var errGoneBetween = fmt.Errorf("failed to read frame header: %w", io.EOF)
