// Package ctxlock provides a mutex whose Lock can be abandoned.
//
// Lock of a [Mutex] returns when the lock is acquired, or when a context or a channel
// ends the wait. The lock is fair: waiting goroutines get it in the order in which they
// started to wait. Uncontended, Lock and Unlock cost one atomic operation each and
// allocate nothing.
//
// A Mutex also publishes a version, a number that its holder changes. Goroutines that
// do not hold the lock can read the version of the last Unlock, or acquire the lock if
// the version is a given one. This shows whether the guarded state has changed without
// waiting for the lock. A version needs no atomic operation of its own.
package ctxlock

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/bhojpur/api/internal/poolcheck"
)

// ErrDone is the error of a Lock that was ended by its done channel.
var ErrDone = errors.New("ctxlock: done while waiting")

// Mutex is a mutual exclusion lock. The zero value is an unlocked mutex with
// version 0. A Mutex must not be copied after its first use.
type Mutex struct {
	state   atomic.Uint64 // free, held or contended; the published version above stateBits
	version uint64        // owned by the holder
	queue   atomic.Pointer[queue]
}

const (
	free      = iota
	held      // no goroutine waits
	contended // held, and the queue is not empty

	stateBits = 2
	stateMask = 1<<stateBits - 1
)

// queue is the queue of goroutines blocked in Lock. It is allocated by the first.
type queue struct {
	mu         sync.Mutex // guards the rest, and changes of the state to and from contended
	head, tail *Waiter
	spare      *Waiter // a list of unused waiters, kept for their channels
	spares     int
}

// maxSpares bounds the waiters that a Mutex keeps for reuse: about 2 KiB.
const maxSpares = 16

// Waiter is the entry of a goroutine in the queue of a Mutex.
type Waiter struct {
	mark       poolcheck.Mark
	ready      chan struct{} // capacity 1; a received value transfers the lock
	prev, next *Waiter
	queued     bool // guarded by queue.mu
}

// TryLock acquires the lock if it is free.
func (m *Mutex) TryLock() bool {
	s := m.state.Load()
	return s&stateMask == free && m.state.CompareAndSwap(s, s|held)
}

// TryLockAt acquires the lock if it is free and version is published.
func (m *Mutex) TryLockAt(version uint64) bool {
	s := version << stateBits
	return m.state.Load() == s && m.state.CompareAndSwap(s, s|held)
}

// Lock acquires the lock. If ctx is done or done is closed first, it returns ctx.Err()
// or [ErrDone] without acquiring the lock. A free lock is acquired in any case. A nil
// done has no effect.
func (m *Mutex) Lock(ctx context.Context, done <-chan struct{}) error {
	if m.TryLock() {
		return nil
	}
	return m.Wait(ctx, done, m.Enqueue())
}

// Enqueue is the first half of Lock. It returns an entry in the queue, which must be
// passed to Wait, or nil if the lock was free and is now acquired. It does not block.
func (m *Mutex) Enqueue() *Waiter {
	q := m.getQueue()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		s := m.state.Load()
		if s&stateMask == free && m.state.CompareAndSwap(s, s|held) {
			return nil
		}
		if s&stateMask == contended || s&stateMask == held && m.state.CompareAndSwap(s, s&^stateMask|contended) {
			break
		}
	}
	w := q.newWaiterLocked()
	w.prev, w.queued = q.tail, true
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	return w
}

// Wait is the second half of Lock, for an entry from Enqueue, which must not be used
// again. For a nil entry the lock is already acquired.
func (m *Mutex) Wait(ctx context.Context, done <-chan struct{}, w *Waiter) error {
	if w == nil {
		return nil
	}
	var err error
	select {
	case <-w.ready:
	case <-ctx.Done():
		err = ctx.Err()
	case <-done:
		err = ErrDone
	}
	q := m.queue.Load()
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		if w.queued {
			m.removeLocked(q, w)
		} else {
			// The lock was handed over at the same time: the caller holds it.
			<-w.ready
			err = nil
		}
	}
	q.keepLocked(w)
	return err
}

// Unlock publishes the version and hands the lock to the goroutine that has waited
// longest, or frees it. It panics if the lock is free.
func (m *Mutex) Unlock() {
	if !m.TryUnlock() {
		m.unlockSlow()
	}
}

// TryUnlock is Unlock if no goroutine waits. Otherwise it returns false, the lock is
// still held, and the caller must call Unlock. It is small enough to be inlined.
func (m *Mutex) TryUnlock() bool {
	s := m.state.Load()
	return s&stateMask == held && m.state.CompareAndSwap(s, m.version<<stateBits)
}

func (m *Mutex) unlockSlow() {
	q := m.getQueue()
	q.mu.Lock()
	defer q.mu.Unlock()
	s := m.state.Load() & stateMask
	if s == free {
		panic("ctxlock: unlock of unlocked mutex")
	}
	published := m.version << stateBits
	w := q.head
	if w == nil {
		m.state.Store(published) // and free, which is 0
		return
	}
	m.state.Store(published | s)
	m.removeLocked(q, w)
	w.ready <- struct{}{}
}

// Held reports whether some goroutine holds the lock.
func (m *Mutex) Held() bool { return m.state.Load()&stateMask != free }

// Version returns the version. Only the holder of the lock may call it.
func (m *Mutex) Version() uint64 { return m.version }

// Advance adds one to the version, which the next Unlock publishes. Only the holder
// of the lock may call it.
func (m *Mutex) Advance() { m.version++ }

// Published returns the version that the last Unlock published.
func (m *Mutex) Published() uint64 { return m.state.Load() >> stateBits }

func (m *Mutex) getQueue() *queue {
	if q := m.queue.Load(); q != nil {
		return q
	}
	m.queue.CompareAndSwap(nil, new(queue))
	return m.queue.Load()
}

func (m *Mutex) removeLocked(q *queue, w *Waiter) {
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
		m.state.Store(m.state.Load()&^stateMask | held)
	}
}

func (q *queue) newWaiterLocked() *Waiter {
	w := q.spare
	if w == nil {
		w = &Waiter{ready: make(chan struct{}, 1)}
	} else {
		q.spare = w.next
		q.spares--
	}
	if poolcheck.On {
		if len(w.ready) > 0 {
			panic("ctxlock: an unused waiter was handed the lock")
		}
		poolcheck.Got(poolcheck.Waiter, &w.mark, w)
	}
	w.next = nil
	return w
}

// keepLocked keeps an unused waiter for the next Enqueue.
func (q *queue) keepLocked(w *Waiter) {
	if q.spares < maxSpares {
		w.next = q.spare
		q.spare = w
		q.spares++
	}
	if poolcheck.On {
		poolcheck.Put(poolcheck.Waiter, &w.mark, w)
	}
}
