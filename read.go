//go:build !js

package websocket

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/ctxlock"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/utf8stream"
)

// readSide is what comes in.
type readSide struct {
	limit atomic.Int64 // bytes of a message, -1 for any; counts from the next message on

	// lock is held by the goroutine that reads, and guards the rest. Its version
	// counts the beginnings and the ends of messages.
	lock   ctxlock.Mutex
	in     inbox
	head   header // of the frame that was parsed last
	empty  int    // how many data frames in a row had no payload and were not the last
	closed bool   // the peer's close frame has been read
	skips  bool   // what arrives is discarded
	skim   int32  // the size of the reads that discard; 0 until one was filled
	left   int64  // payload of the current data frame that is still to come
	key    uint32 // its masking key, turned to where it goes on; 0 where there is none
	msg    incoming
	inf    *deflate.Inflater // nil until the first compressed message
	ctx    context.Context   // of the read under way, for who reads below the inflater

	handles slab[messageReader]
}

// maxEmptyFrames is how many frames of a message may follow each other with no
// payload and the message not over: they count against no limit, and bring a read
// no closer to its end. A sender that flushes what it does not have makes one or
// two; nobody makes a thousand who means well.
const maxEmptyFrames = 1000

// incoming is the message that is being read.
type incoming struct {
	typ      MessageType
	limit    int64 // of its bytes; -1 for none
	budget   int64 // how many of them it may still have; -1 for any
	ahead    int   // peeked[:ahead] was inflated to look for the end
	text     utf8stream.Validator
	open     bool // not read to its end
	fin      bool // the current frame is the last
	deflated bool
	peeked   [1]byte
}

// inbox is bytes from the transport that have not been parsed: block.b[r:w].
type inbox struct {
	block *bufpool.Block // nil while nothing is there
	r, w  int
	ample int   // how much the next read into it may find at once, as far as the last ones tell
	head  int   // the length of the last data frame's header
	frame int64 // and of its payload
}

const (
	// maxAmple bounds an inbox's block, but for one that a frame fits into.
	maxAmple = 4 * bufpool.MinBlock
	// maxAtOnce is up to which size a frame is read from a socket together with its
	// header.
	maxAtOnce = 64 << 10
)

// take makes sure that there is a block.
func (in *inbox) take() {
	if in.block == nil {
		in.block = bufpool.Get(in.ample)
	}
}

// fill puts in what was read elsewhere.
func (in *inbox) fill(p []byte) {
	if len(p) > 0 {
		in.block = bufpool.Get(len(p))
		in.w = copy(in.block.B, p)
	}
}

// got notes a read of n bytes into an empty inbox, which had room for more or
// not. One that was filled is followed by a larger one.
func (in *inbox) got(n, room int) {
	in.w = n
	if n < room {
		in.ample = 0
	} else {
		in.ample = min(max(bufpool.MinBlock, 4*in.ample), maxAmple)
	}
}

// wanted returns what the next read into an empty inbox asks for: of a stream where
// bytes are known to be there before they are read, size, and of others first, or if
// that is 0, size.
func (in *inbox) wanted() (size, first int) {
	size, first = in.ample, netstream.FirstRead
	// A frame like the last one, if that is not too large, comes with one call: it
	// costs more than to copy the payload once more.
	if in.frame <= maxAtOnce-maxHeader {
		size = max(size, int(in.frame)+maxHeader)
	}
	switch {
	case in.frame > bufpool.MinBlock:
		// The payload of a large frame is better read to where it belongs.
		first = in.head
	case in.ample > 0:
		first = 0
	}
	return size, first
}

// settle gives back a block that has nothing in it.
func (in *inbox) settle() {
	if in.block != nil && in.r == in.w {
		in.release()
	}
}

// release gives back the block. What was in it is gone.
func (in *inbox) release() {
	if in.block != nil {
		in.block.Free()
		in.block = nil
	}
	in.r, in.w = 0, 0
}

// room returns where to read to, behind what is there. The header of a frame
// and the whole of a control frame always find room.
//
// It may be waited for what is to come there, with no more than a small block. (A
// block of the stream's own is smaller than that.)
func (in *inbox) room() []byte {
	in.take()
	if n := in.w - in.r; len(in.block.B) != bufpool.MinBlock && n <= bufpool.MinBlock/2 {
		small := bufpool.Get(bufpool.MinBlock)
		in.r, in.w = 0, copy(small.B, in.block.B[in.r:in.w])
		in.block.Free()
		in.block = small
	}
	if in.empty() || in.w == len(in.block.B) {
		in.w = copy(in.block.B, in.block.B[in.r:in.w])
		in.r = 0
	}
	return in.block.B[in.w:]
}

// wide is room in a block of at least size bytes.
func (in *inbox) wide(size int) []byte {
	rest := in.bytes()
	if in.block == nil || len(in.block.B) < size {
		b := bufpool.Get(size)
		n := copy(b.B, rest)
		in.release()
		in.block, in.w = b, n
	} else {
		in.r, in.w = 0, copy(in.block.B, rest)
	}
	return in.block.B[in.w:]
}

func (in *inbox) empty() bool { return in.r == in.w }

// bytes returns what is there.
func (in *inbox) bytes() []byte {
	if in.block == nil {
		return nil
	}
	return in.block.B[in.r:in.w]
}

// lockRead takes the read lock. That nothing more will be read counts for more
// than the end of ctx, as it does for who gets the gate at once.
func (e *engine) lockRead(ctx context.Context) error {
	switch err := e.rd.lock.Lock(ctx, nil); {
	case err == nil:
		return nil
	case !e.life.reading():
		return e.life.err()
	}
	return ctx.Err()
}

// unlockRead lets go of the read lock, and of what is behind it once the
// connection is closed.
func (e *engine) unlockRead() {
	e.rd.in.settle()
	if free, done := e.tryUnlockRead(); !done {
		e.finishUnlockRead(free)
	}
}

// tryUnlockRead is unlockRead if nobody waits for the lock, the connection is not
// closed and the stream is not disturbed. Otherwise finishUnlockRead has to follow. (These are two so that the places
// that can't afford a call make none.)
func (e *engine) tryUnlockRead() (free, done bool) {
	free = e.rd.lock.TryUnlock()
	// Who closes the connection from here on finds the gate free.
	return free, free && e.life.phase() != phaseClosed && !e.t.ReadDisturbed()
}

func (e *engine) finishUnlockRead(free bool) {
	if !free {
		e.rd.lock.Unlock()
	}
	for {
		switch {
		case e.life.phase() == phaseClosed:
			e.dropReads()
			return
		case !e.t.ReadDisturbed() || !e.rd.lock.TryLock():
			return
		}
		e.t.MendRead()
		e.rd.lock.Unlock()
	}
}

// dropReads gives back what the read side holds of a closed connection, unless
// somebody holds the gate, who will.
func (e *engine) dropReads() {
	rd := &e.rd
	if !rd.lock.TryLock() {
		return
	}
	rd.in.release()
	if rd.inf != nil {
		rd.inf.Close()
		rd.inf = nil
	}
	rd.ctx = nil
	e.t.ForgetRead()
	rd.lock.Unlock()
}

// nextFrame reads to the next data frame, and past its header, which is in
// rd.head then. On the way it sees to the control frames. A context that ends
// leaves everything as it was.
func (e *engine) nextFrame(ctx context.Context) (*header, error) {
	rd := &e.rd
	rules := frameRules{
		masked:    e.role == server,
		deflate:   e.deflate != nil,
		inMessage: rd.msg.open && !rd.msg.fin,
	}
	h := &rd.head
	for {
		n, err := parseHeader(h, rd.in.bytes(), rules)
		switch {
		case err != nil:
			return h, e.violated(ctx, err)
		case n == 0:
			if err := e.fill(ctx); err != nil {
				return h, err
			}
		case h.op().isControl():
			if err := e.readControl(ctx, *h, n); err != nil {
				return h, err
			}
		default:
			rd.in.r += n
			rd.left, rd.key = h.length, h.key
			rd.in.head, rd.in.frame = n, h.length
			if h.length > 0 || h.fin() {
				rd.empty = 0
			} else if rd.empty++; rd.empty > maxEmptyFrames {
				return h, e.violated(ctx, errEmptyFrames)
			}
			return h, nil
		}
	}
}

// fill reads more into the inbox.
func (e *engine) fill(ctx context.Context) error {
	in := &e.rd.in
	var err error
	switch {
	case e.rd.skips:
		_, err = e.skim(ctx)
	case in.empty():
		err = e.refill(ctx)
	default:
		var n int
		n, err = e.t.Read(ctx, in.room())
		in.w += n
	}
	return e.readError(ctx, err)
}

// refill fills the inbox, which is empty.
func (e *engine) refill(ctx context.Context) error {
	in := &e.rd.in
	in.release()
	size, first := in.wanted()
	b, n, err := e.t.ReadBlock(ctx, size, first)
	if in.block = b; n > 0 {
		in.got(n, len(b.B))
	}
	return err
}

// readError turns an error of the transport into what callers get. All but an
// interruption end the connection.
func (e *engine) readError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case err == netstream.ErrCutOff:
		err = ctx.Err()
	case err == netstream.ErrInterrupted:
		// The interruption may have been meant for an earlier call: callers
		// try again then.
		if ctx.Err() == nil {
			return nil
		}
		return ctx.Err()
	case err != io.EOF:
	case !e.rd.in.empty() || e.rd.left > 0 || e.rd.msg.open:
		err = io.ErrUnexpectedEOF
	default:
		err = errGoneBetween
	}
	e.shut(err)
	return e.life.err()
}

// readControl handles a control frame, of which the header takes n bytes.
func (e *engine) readControl(ctx context.Context, h header, n int) error {
	in := &e.rd.in
	total := n + int(h.length)
	for in.w-in.r < total {
		if h.op() == opClose {
			if err := e.checkCloseSoFar(in.bytes()[n:], h.key); err != nil {
				return e.violated(ctx, err)
			}
		}
		if err := e.fill(ctx); err != nil {
			return err
		}
	}
	payload := in.bytes()[n:total:total] // what is behind it is not for who is told
	in.r += total
	if h.masked {
		mask.XOR(payload, h.key)
	}
	switch h.op() {
	case opPing:
		if e.answersPing(ctx, payload) {
			e.postPong(payload)
		}
	case opPong:
		if waiting := e.pings.peek(); waiting != nil {
			waiting.answered(payload)
		}
		if onPong := e.extras.onPong; onPong != nil {
			e.t.ForgetRead()
			ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
			defer cancel()
			onPong(ctx, payload)
		}
	case opClose:
		return e.readClose(ctx, payload)
	}
	return nil
}

// callbackTimeout bounds the contexts of callbacks, as in coder/websocket.
const callbackTimeout = 5 * time.Second

// answersPing reports whether a ping is to be answered.
func (e *engine) answersPing(ctx context.Context, payload []byte) bool {
	onPing := e.extras.onPing
	if onPing == nil {
		return true
	}
	// No call of the stream is under way while it runs, though the read lock is
	// held.
	e.t.ForgetRead()
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	return onPing(ctx, payload)
}

// checkCloseSoFar looks at the part of a close frame's payload that is there,
// so that a bad one fails at its first bad byte.
func (e *engine) checkCloseSoFar(masked []byte, key uint32) error {
	var payload [maxControl]byte
	mask.Copy(payload[:], masked, key)
	var reason utf8stream.Validator
	return checkClosePrefix(payload[:len(masked)], &reason)
}

// readClose handles the peer's close frame: it is the last thing that counts.
func (e *engine) readClose(ctx context.Context, payload []byte) error {
	e.rd.closed = true
	ce, err := parseClose(payload)
	if err != nil {
		return e.violated(ctx, err)
	}
	reply := e.life.closedByPeer(ce)
	if reply {
		e.answer(ctx, ce)
	} else if e.life.bothOut() {
		e.shutGently()
	}
	return e.life.err()
}

// readUntilClose discards messages until the peer's close frame. It always
// returns an error: nothing follows. The caller holds the read lock.
func (e *engine) readUntilClose(ctx context.Context) error {
	rd := &e.rd
	rd.skips = true
	for {
		for !rd.skipPayload() {
			if err := e.fill(ctx); err != nil {
				return err
			}
		}
		h, err := e.nextFrame(ctx)
		if err != nil {
			return err
		}
		rd.msg.open, rd.msg.fin = true, h.fin()
	}
}
