//go:build !js

package websocket

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/bhojpur/api/internal/poolcheck"
)

// gate is a lock that one can stop waiting for when a context ends. It is
// passed on in the order in which goroutines began to wait. Who finds it free
// pays one atomic operation, and one to let go.
type gate struct {
	state atomic.Uint32 // gateFree, gateHeld or gateWanted
	line  lazy[line]
}

// line is who waits at a gate.
type line struct {
	mu         sync.Mutex // a leaf; guards the rest, and changes of the state to and from gateWanted
	head, tail *waiter    // who waits, the first one first
	spare      *waiter    // a list of waiters without work, kept for their channels
	spares     int
}

// maxSpares bounds how many waiters a gate keeps: about 3 KiB.
const maxSpares = 16

// The errors of a gate that was not taken.
var (
	errInterrupted = errors.New("interrupted by its context")
	errGone        = errors.New("connection ended")
)

const (
	gateFree   = iota
	gateHeld   // and nobody waits
	gateWanted // held, and somebody waits
)

// waiter is a goroutine that waits at a gate. One at the gate of the write
// side brings the frame that it wants to send, so that who holds the gate can
// send it along.
type waiter struct {
	mark       poolcheck.Mark
	ready      chan verdict // of capacity 1
	prev, next *waiter
	queued     bool

	frame      frame // nothing to take when it is noFrame
	start, end int   // once taken: where the frame is in writeSide.out
	err        error // with notSent: why
}

// verdict is what a waiter is told.
type verdict uint8

const (
	yours   verdict = iota // the gate is yours now
	sent                   // your frame was sent
	notSent                // your frame will not be sent: the connection is closed or broken
)

// tryLock takes the gate if it is free.
func (g *gate) tryLock() bool {
	return g.state.Load() == gateFree && g.state.CompareAndSwap(gateFree, gateHeld)
}

// lock takes the gate. It returns an error, and does not hold it, when ctx or
// done ended first: errInterrupted or errGone. A nil done never ends.
func (g *gate) lock(ctx context.Context, done <-chan struct{}) error {
	if g.tryLock() {
		return nil
	}
	return g.wait(ctx, done)
}

// wait is lock where the gate is not free.
func (g *gate) wait(ctx context.Context, done <-chan struct{}) error {
	return g.await(ctx, done, g.join(frame{lead: noFrame}))
}

// await is the rest of lock for who has joined the queue as w, or got the gate, and
// has no w.
func (g *gate) await(ctx context.Context, done <-chan struct{}, w *waiter) error {
	if w == nil {
		return nil
	}
	var err error
	select {
	case <-w.ready:
	case <-ctx.Done():
		err = errInterrupted
	case <-done:
		err = errGone
	}
	if err != nil && !g.leave(w) {
		// The gate was passed on at the same moment: take it.
		<-w.ready
		err = nil
	}
	g.retire(w)
	return err
}

// unlock passes the gate on, or frees it.
func (g *gate) unlock() {
	if !g.tryUnlock() {
		g.unlockWanted()
	}
}

// tryUnlock frees the gate if nobody waits. It is apart so that it costs no call
// where each one counts.
func (g *gate) tryUnlock() bool {
	return g.state.Load() == gateHeld && g.state.CompareAndSwap(gateHeld, gateFree)
}

// unlockWanted is unlock where somebody waits, or did a moment ago.
func (g *gate) unlockWanted() {
	q := g.line.get()
	q.mu.Lock()
	defer q.mu.Unlock()
	if g.state.Load() == gateFree {
		panic("websocket: unlock of a free gate")
	}
	if !g.passLocked(q) {
		g.state.Store(gateFree)
	}
}

// pass is unlock, but keeps the gate, and reports false, if nobody waits.
func (g *gate) pass() bool {
	q := g.line.get()
	q.mu.Lock()
	defer q.mu.Unlock()
	return g.passLocked(q)
}

func (g *gate) passLocked(q *line) bool {
	w := q.head
	if w == nil {
		return false
	}
	g.removeLocked(q, w)
	w.ready <- yours
	return true
}

// join queues for the gate, with a frame to send. It returns nil if the gate
// was free after all: it is the caller's then.
func (g *gate) join(f frame) *waiter {
	q := g.line.get()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if g.tryLock() {
			return nil
		}
		if g.state.Load() == gateWanted || g.state.CompareAndSwap(gateHeld, gateWanted) {
			break
		}
	}
	w := q.spare
	if w == nil {
		w = &waiter{ready: make(chan verdict, 1)}
	} else {
		q.spare = w.next
		q.spares--
	}
	if poolcheck.On {
		if len(w.ready) > 0 {
			panic("websocket: a verdict for a waiter that was gone")
		}
		poolcheck.Got(poolcheck.Waiter, &w.mark, w)
	}
	w.frame, w.start, w.end, w.queued = f, 0, 0, true
	w.prev, w.next = q.tail, nil
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	return w
}

// leave gives up waiting. It reports false when it is too late: the verdict
// has been given, or the frame taken and the verdict will be.
func (g *gate) leave(w *waiter) bool {
	q := g.line.get()
	q.mu.Lock()
	defer q.mu.Unlock()
	if !w.queued {
		return false
	}
	g.removeLocked(q, w)
	return true
}

// held reports whether somebody holds the gate.
func (g *gate) held() bool { return g.state.Load() != gateFree }

// wanted reports whether the gate is held and somebody waits for it.
func (g *gate) wanted() bool { return g.state.Load() == gateWanted }

// take removes the first waiter and returns it, if its frame suits the holder
// of the gate, who calls it and owes the waiter a verdict.
func (g *gate) take(suits func(frame) bool) *waiter {
	if !g.wanted() {
		return nil
	}
	q := g.line.get()
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.head
	if w == nil || !suits(w.frame) {
		return nil
	}
	g.removeLocked(q, w)
	return w
}

func (g *gate) removeLocked(q *line, w *waiter) {
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	if q.head == nil {
		g.state.Store(gateHeld)
	}
}

// retire keeps a waiter that got its verdict, or left, for the next one.
func (g *gate) retire(w *waiter) {
	q := g.line.get()
	q.mu.Lock()
	defer q.mu.Unlock()
	w.frame, w.err = frame{lead: noFrame}, nil
	if q.spares < maxSpares {
		w.next = q.spare
		q.spare = w
		q.spares++
	}
	if poolcheck.On {
		poolcheck.Put(poolcheck.Waiter, &w.mark, w)
	}
}
