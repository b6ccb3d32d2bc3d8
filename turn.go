//go:build !js

package websocket

import (
	"context"
	"fmt"

	"github.com/bhojpur/api/internal/ctxlock"
)

// This is whose turn it is to write: waiting for it, taking along the frames of
// those who wait, and passing it on.

// lockOrder takes the gate and the order of messages.
func (e *engine) lockOrder(ctx context.Context) error {
	if err := e.wr.gate.lock(ctx, nil); err != nil {
		return ctx.Err()
	}
	if e.wr.parts.get().order.TryLock() {
		return nil
	}
	return e.awaitOrder(ctx)
}

// awaitOrder is lockOrder for who holds the gate, while the order is another's. It
// gets in line for the order before it lets the gate go: those who waited at the
// gate go on waiting as they stood there.
func (e *engine) awaitOrder(ctx context.Context) error {
	order := &e.wr.parts.get().order
	place := order.Enqueue()
	e.unlockWrite()
	if err := order.Wait(ctx, e.life.ended(), place); err != nil {
		if err == ctxlock.ErrDone {
			return e.life.err()
		}
		return fmt.Errorf("%w: %w", errWriterOpen, ctx.Err())
	}
	if err := e.wr.gate.lock(ctx, nil); err != nil {
		order.Unlock()
		return ctx.Err()
	}
	return nil
}

// awaitTurn waits for the gate, or for its holder to send the frame. With
// neither taken nor an error, the gate is the caller's.
func (e *engine) awaitTurn(ctx context.Context, f frame, rest remainder) (taken bool, err error) {
	g := &e.wr.gate
	if len(f.payload) > maxJoined || rest == keepRest {
		f.lead = noFrame // it is sent by nobody else
	}
	w := g.join(f)
	if w == nil {
		return false, nil
	}
	defer g.retire(w)
	var v verdict
	select {
	case v = <-w.ready:
	case <-ctx.Done():
		if g.leave(w) {
			return false, ctx.Err()
		}
		select {
		case v = <-w.ready:
		default:
			// The frame is on its way, in the hands of another.
			e.shut(ctx.Err())
			if <-w.ready == yours {
				e.unlockWrite()
			}
			return true, e.life.err()
		}
	}
	switch {
	case v == sent:
		return true, nil
	case v == notSent:
		return true, e.writeError(w.err)
	case w.end > 0:
		// Who was sending the frame has left, with a part of it to go.
		if taken, err = e.flush(ctx, w.start, w.end, dropRest); !taken {
			e.tookBack(f)
		}
		e.unlockWrite()
		return taken, err
	}
	return false, nil
}

// unlockWrite lets go of the gate, after what was posted meanwhile has been
// sent as far as the transport takes it at once. The rest is for the next
// one, or for a goroutine.
func (e *engine) unlockWrite() {
	w := &e.wr
	for {
		dropped := e.life.phase() == phaseClosed
		switch {
		case dropped:
			e.dropWrites()
		case w.from == w.to:
			w.freeOut()
		case len(w.group) > 0:
			next := w.group[0]
			w.group = w.group[1:]
			next.ready <- yours
			return
		case w.gate.pass():
			return
		default:
			w.resting.Store(true)
			go e.sendRest()
			return
		}
		w.gate.unlock()
		if !w.hasPosted() && (dropped || e.life.phase() != phaseClosed && !e.t.WriteDisturbed()) {
			return
		}
		if !w.gate.tryLock() {
			return // who holds it does the same
		}
		e.t.MendWrite()
		e.takePosted()
		e.flushNow()
	}
}

// sendRest sends what is left in out. It holds the gate.
func (e *engine) sendRest() {
	e.flush(context.Background(), never, 0, dropRest)
	e.wr.resting.Store(false)
	e.unlockWrite()
}

// gather takes along the frames of those who wait, as many as are first in the
// queue and small.
func (e *engine) gather() {
	w := &e.wr
	for w.to-w.from < maxBatch {
		next := w.gate.take(w.joins)
		if next == nil {
			return
		}
		next.start = w.to
		e.addFrame(next.frame)
		next.end = w.to
		w.group = append(w.group, next)
		w.yield = yields
	}
}

// joins reports whether a frame can be sent along now.
func (w *writeSide) joins(f frame) bool {
	return f.lead != noFrame && (f.op().isControl() || w.current() == nil)
}
