//go:build !js

package websocket

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/netstream"
)

// writeSide is what goes out.
type writeSide struct {
	// gate is held by who writes to the transport, and guards the group below.
	gate   gate
	small  [smallFrame]byte // a frame that goes out alone, if it is no longer
	out    *bufpool.Block   // frames that were taken for sending; nil when there are none
	from   int              // what of out is not with the transport yet begins here
	to     int              // and ends here
	group  []*waiter        // whose frames are in out, in their order
	yield  uint8            // for how many more sends company is expected
	ended  bool             // our close frame has been taken: nothing follows it
	told   bool             // and it went out, as closeFrameOut was told
	broken error            // what a write failed with
	parts  lazy[parts]
	comp   *deflate.Compressor

	resting atomic.Bool  // the gate is held by sendRest
	posted  lazy[posted] // what nobody waits for
}

const (
	// smallFrame is up to which size a frame needs no block: a pool costs 12 ns
	// of its 45. (With a Conn of 576 bytes, a size that the allocator has.)
	smallFrame = 128
	// shortHeader is a header whose length takes 7 bits, with a masking key.
	shortHeader = 2 + 4
	// maxJoined is up to which size a payload is copied behind its header, and
	// so can be sent together with others.
	maxJoined = 4 << 10
	// maxFrame is the payload of the frames that a Writer sends.
	maxFrame = 16 << 10
	// maxBatch bounds what is sent together.
	maxBatch = 64 << 10
	// yields is for how many sends one that met others who waited yields the
	// processor first, so that they bring their frames along.
	yields = 8
)

// remainder says what becomes of a frame of which a part is out when the
// context ends.
type remainder uint8

const (
	dropRest remainder = iota // the connection has failed
	keepRest                  // the rest is sent ahead of everything else
)

// never is the start of a frame that can't be withdrawn any more.
const never = -1

// send sends a frame, when it is its turn: a whole message, or a control
// frame. It reports whether the frame was taken: it is out, or a part of it,
// or with keepRest will be.
func (e *engine) send(ctx context.Context, f frame, rest remainder) (taken bool, err error) {
	w := &e.wr
	if !w.gate.tryLock() {
		if taken, err = e.awaitTurn(ctx, f, rest); taken || err != nil {
			return taken, err
		}
	}
	if len(f.payload) <= maxJoined && f.ready == nil && w.quiet() {
		return e.sendAlone(ctx, f, rest)
	}
	if w.current() != nil && !f.op().isControl() {
		// Somebody is between two frames of a message.
		if err := e.awaitOrder(ctx); err != nil {
			return false, err
		}
		defer w.parts.get().order.Unlock()
	}
	taken, err = e.sendFrame(ctx, f, rest)
	e.unlockWrite()
	return taken, err
}

// quiet reports whether there is nothing to send but a new frame, and nothing
// that keeps it back. The caller holds the gate.
func (w *writeSide) quiet() bool {
	return w.from == w.to && w.yield == 0 && !w.over() && !w.hasPosted() && w.current() == nil
}

// sendAlone is sendFrame and unlockWrite for a short frame when all is quiet, as
// it is for most. Of such a frame's time most goes into calls, so this makes few.
func (e *engine) sendAlone(ctx context.Context, f frame, rest remainder) (taken bool, err error) {
	w := &e.wr
	if f.op() == opPing {
		f = e.pings.get().numbered(f)
	}
	b := w.small[:0]
	if shortHeader+len(f.payload) > smallFrame {
		w.out = bufpool.Get(maxHeader + len(f.payload))
		b = w.out.B[:0]
	}
	b = appendFrame(b, f, e.role)
	if w.gate.wanted() {
		w.keep(b)
		e.gather()
	} else if n, err := e.t.Write(ctx, b); err != nil {
		w.keep(b)
		w.from = n
		if over, taken, err := e.halted(ctx, 0, len(b), rest, err); over {
			e.unlockWrite()
			return taken, err
		}
	} else if e.life.phase() == phaseOpen {
		w.freeOut()
		if !w.gate.tryUnlock() {
			w.gate.unlockWanted()
		}
		if w.hasPosted() || e.life.phase() == phaseClosed || e.t.WriteDisturbed() {
			e.kick()
		}
		return true, nil
	}
	taken, err = e.flush(ctx, 0, len(b), rest)
	e.unlockWrite()
	return taken, err
}

// keep makes b, which is small or in out, what out has.
func (w *writeSide) keep(b []byte) {
	if w.out == nil {
		w.reserve(len(b))
		copy(w.out.B, b)
	}
	w.to = len(b)
}

// writeError is the error of a write on a write side that err has ended. The
// caller gets it.
func (e *engine) writeError(err error) error {
	if e.life.phase() != phaseOpen {
		return e.life.err()
	}
	e.life.failureTold()
	return &closedError{cause: err}
}

// dropWrites gives back what the write side holds of a closed connection.
func (e *engine) dropWrites() {
	w := &e.wr
	w.ended = true
	e.breakWrites(net.ErrClosed)
	w.freeOut()
	e.takePosted()
	e.dropMessage(nil)
	if w.comp != nil {
		w.comp.Close()
		w.comp = nil
	}
	e.t.ForgetWrite()
}

func (w *writeSide) freeOut() {
	if w.out != nil {
		w.out.Free()
		w.out = nil
	}
	w.from, w.to = 0, 0
}

// sendFrame sends a frame. The caller holds the gate.
func (e *engine) sendFrame(ctx context.Context, f frame, rest remainder) (taken bool, err error) {
	e.takePosted()
	if err := e.canSend(); err != nil {
		e.flushNow()
		return false, err
	}
	if f.ready != nil {
		return e.sendReady(ctx, f)
	}
	if len(f.payload) > maxJoined && rest == dropRest {
		if e.role == client {
			return e.sendMasked(ctx, f)
		}
		return e.sendParts(ctx, header{lead: f.lead}, f.payload)
	}
	return e.sendJoined(ctx, f, rest)
}

// sendJoined sends a frame together with those of others who wait. The caller
// holds the gate.
func (e *engine) sendJoined(ctx context.Context, f frame, rest remainder) (taken bool, err error) {
	w := &e.wr
	start := w.to
	e.addFrame(f)
	own := w.to
	if w.yield > 0 {
		w.yield--
		runtime.Gosched()
	}
	e.gather()
	if taken, err = e.flush(ctx, start, own, rest); !taken {
		e.tookBack(f)
	}
	return taken, err
}

// over reports whether no frame can be sent any more.
func (w *writeSide) over() bool { return w.ended || w.broken != nil }

// canSend tells the caller why no frame can be sent any more.
func (e *engine) canSend() error {
	if e.wr.ended {
		return e.life.err()
	}
	if e.wr.broken != nil {
		return e.writeError(e.wr.broken)
	}
	return nil
}

// reserve makes room for n more bytes in out.
func (w *writeSide) reserve(n int) {
	if w.out == nil {
		w.out = bufpool.Get(n)
		return
	}
	w.out = w.out.Grow(w.to, w.to+n)
}

// addFrame puts a frame into out. One that was made before is where the next
// message refers to from now on.
func (e *engine) addFrame(f frame) {
	w := &e.wr
	if f.op() == opPing {
		f = e.pings.get().numbered(f)
	}
	w.reserve(maxHeader + len(f.payload))
	w.to = len(appendFrame(w.out.B[:w.to], f, e.role))
	if f.ready != nil {
		e.wentOut(f.ready)
	}
}

// appendHeader puts a header into out, where room for it was reserved.
func (w *writeSide) appendHeader(h header) {
	w.to = len(appendHeader(w.out.B[:w.to], h))
}

// flush sends out to its end. start and own are where the caller's frame
// begins and ends in it.
func (e *engine) flush(ctx context.Context, start, own int, rest remainder) (taken bool, err error) {
	w := &e.wr
	for w.from < w.to {
		n, err := e.t.Write(ctx, w.out.B[w.from:w.to])
		w.from += n
		w.settle()
		if err != nil {
			if over, taken, err := e.halted(ctx, start, own, rest, err); over {
				return taken, err
			}
		}
	}
	e.sentAll()
	return true, nil
}

// halted says what the error of a write into flush's work means: whether that is
// over, and what it returns then.
func (e *engine) halted(ctx context.Context, start, own int, rest remainder, err error) (over, taken bool, _ error) {
	w := &e.wr
	switch {
	case err != netstream.ErrInterrupted && err != netstream.ErrCutOff:
		out := w.from >= own
		if e.breakWrites(err); out {
			return true, true, nil
		}
		return true, true, e.writeError(err)
	case ctx.Err() == nil:
		return false, false, nil // an interrupt meant for an earlier call
	case w.from >= own:
		return true, true, nil
	case err == netstream.ErrCutOff && rest == keepRest:
		e.breakWrites(ctx.Err())
		return true, false, ctx.Err()
	case err == netstream.ErrInterrupted && w.from <= start:
		w.withdraw(start, own)
		return true, false, ctx.Err()
	case rest == keepRest:
		return true, true, ctx.Err()
	}
	e.shut(ctx.Err())
	return true, true, e.life.err()
}

// flushNow sends of out what the transport takes without waiting.
func (e *engine) flushNow() {
	w := &e.wr
	if w.from < w.to {
		n, err := e.t.WriteNow(w.out.B[w.from:w.to])
		w.from += n
		w.settle()
		if err != nil {
			e.breakWrites(err)
			return
		}
	}
	if w.from == w.to {
		e.sentAll()
	}
}

// sentAll is called when out has been sent to its end.
func (e *engine) sentAll() {
	w := &e.wr
	w.from, w.to = 0, 0
	if w.ended && !w.told && w.broken == nil {
		w.told = true
		e.closeFrameOut()
	}
}

// settle tells those of the group whose frames are out.
func (w *writeSide) settle() {
	for len(w.group) > 0 && w.group[0].end <= w.from {
		w.group[0].ready <- sent
		w.group = w.group[1:]
	}
	if len(w.group) == 0 {
		w.group = nil
	}
}

// withdraw takes a frame out of out, of which no byte was sent.
func (w *writeSide) withdraw(start, own int) {
	copy(w.out.B[start:], w.out.B[own:w.to])
	w.to -= own - start
	for _, other := range w.group {
		other.start -= own - start
		other.end -= own - start
	}
}

// breakWrites ends the write side. Reads go on, if they can: the peer's close
// frame may be among what has arrived.
func (e *engine) breakWrites(err error) {
	w := &e.wr
	if w.broken == nil {
		w.broken = err
	}
	if s, ok := errors.AsType[*netstream.ClosedError](err); ok {
		e.shut(s.Cause)
	}
	for _, other := range w.group {
		other.err = err
		other.ready <- notSent
	}
	w.group = nil
	w.from, w.to = 0, 0
}
