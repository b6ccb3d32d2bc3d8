// Package sendqueue decides which goroutine writes to a connection next, and
// which frames go out together. It does no I/O.
//
// The lead is the right to write to the connection. A goroutine with a frame to send
// takes the lead if it is free, and queues a request otherwise. A leader takes requests
// from the front of the queue, its own among them, and sends them as one batch: group
// commit, as in the log of a database. Then it gives up the lead and wakes the first
// waiter. It does not hand the lead to the waiter, which may not run for a while: the
// first goroutine that runs takes it. Each leader serves the queue from the front, so
// frames keep their order.
//
// Requests have a class. Control requests pass all others (RFC 6455 section 5.4),
// parts of the open message pass whole messages, and whole messages wait while a
// message is open. A posted request has no waiting goroutine: the current leader or
// the next one sends it.
//
// A goroutine in Wait is woken when
//   - its request has an outcome (Settle, End, Close),
//   - it is the first that may lead: at the end of a lead (Release), a yield (Yield), a
//     message (Finish), or when a request ahead of it is withdrawn or recycled,
//   - the last leader gave up before it had sent the request to its end (Release), so that
//     the goroutine leads next and sends the rest,
//   - a message opens, if it is the first that waits for the end of the message: it watches
//     the context of the message meanwhile.
//
// It may be woken without a reason, and looks again. A leader that finds the queue closed
// keeps the lead for good, so that nothing is written to a closed connection.
package sendqueue

import (
	"sync"
	"sync/atomic"
)

// A Class is the kind of a request. It determines which requests go first.
type Class uint8

const (
	// Control requests go ahead of all others.
	Control Class = iota
	// Part requests are frames of the open message.
	Part
	// Message requests wait while a message is open.
	Message

	classes
)

// The bits of a Queue's state. In state 0 the lead is free and nothing is queued.
const (
	held   = 1 << iota // a goroutine has the lead
	queued             // requests wait
	open               // a message of several frames is open
	ended              // no request is accepted
	halted             // the last leader left requests that are not sent to their end
	closed             // Close was called
)

// A Queue decides the order of sending on one connection. F is a frame. The zero
// Queue is ready for use.
type Queue[F any] struct {
	state atomic.Uint32
	more  atomic.Pointer[waiting[F]] // nil until something waits or a message opens
}

// waiting is the part of a Queue that is allocated when a request first waits.
type waiting[F any] struct {
	mu    sync.Mutex // a leaf; guards the rest, and the state but for TryLead and TryRelease
	lists [classes]list[F]
	last  *Request[F]     // the final request; sent behind the posted ones
	done  <-chan struct{} // of the context of the open message

	err error // of Close, or nil

	posted      [kinds]int // queued control requests that no goroutine waits for
	postedBytes int64      // the sizes of posted messages that are not sent

	// Not guarded by mu.
	spares   spares[F]
	yielding yielding
}

// TryLead takes the lead if it is free and nothing goes ahead of a request of
// class c.
func (q *Queue[F]) TryLead(c Class) bool {
	s := q.state.Load()
	return (s == 0 || s == open && c != Message) && q.state.CompareAndSwap(s, s|held)
}

// TryRelease gives up the lead if nothing is queued and the queue has not ended.
// If it reports false, the caller has to call Release.
func (q *Queue[F]) TryRelease() bool {
	s := q.state.Load()
	return s&^open == held && q.state.CompareAndSwap(s, s&^held)
}

// Take takes the lead if it is free, even if requests are queued.
func (q *Queue[F]) Take() bool {
	for {
		s := q.state.Load()
		if s&held != 0 {
			return false
		}
		if q.state.CompareAndSwap(s, s|held) {
			return true
		}
	}
}

// Held reports whether a goroutine has the lead.
func (q *Queue[F]) Held() bool { return q.is(held) }

// Queued reports whether requests wait.
func (q *Queue[F]) Queued() bool { return q.is(queued) }

// Ended reports whether the queue accepts no request.
func (q *Queue[F]) Ended() bool { return q.is(ended) }

// Open reports whether a message is open.
func (q *Queue[F]) Open() bool { return q.is(open) }

func (q *Queue[F]) is(bit uint32) bool { return q.state.Load()&bit != 0 }

// set sets a bit, which is mostly set already: a load is faster than an atomic Or.
func (q *Queue[F]) set(bit uint32) {
	if !q.is(bit) {
		q.state.Or(bit)
	}
}

// lock locks and returns the waiting part of the queue.
func (q *Queue[F]) lock() *waiting[F] {
	w := q.more.Load()
	if w == nil {
		q.more.CompareAndSwap(nil, new(waiting[F]))
		w = q.more.Load()
	}
	w.mu.Lock()
	return w
}

// front returns the request to be sent next, or nil.
func (q *Queue[F]) front(w *waiting[F]) *Request[F] {
	for i := range w.lists {
		if r := w.lists[i].head; r != nil {
			if Class(i) == Message && (r.begins || q.is(open)) {
				return nil
			}
			return r
		}
	}
	return w.last
}

// waiter returns the first request that may be sent now and has a goroutine that
// could lead, or nil.
func (q *Queue[F]) waiter(w *waiting[F]) *Request[F] {
	for i := range w.lists {
		if Class(i) == Message && q.is(open) {
			break
		}
		for r := w.lists[i].head; r != nil && !r.begins; r = r.next {
			if !r.posted {
				return r
			}
		}
	}
	return nil
}

// update sets the queued bit. If the lead is free, it opens the next message and wakes
// the first waiter. It reports whether the lead is free and only posted requests could
// be sent. The caller holds w.mu.
func (q *Queue[F]) update(w *waiting[F]) (alone bool) {
	messages := &w.lists[Message]
	if q.front(w) != nil || messages.head != nil {
		q.set(queued)
	} else {
		q.state.And(^uint32(queued))
	}
	if q.is(held) {
		return false
	}
	// All frames ahead of the message are sent: the lead is free.
	if r := messages.head; r != nil && r.begins && !q.is(open|halted) {
		messages.remove(r)
		q.state.Or(open)
		w.done = r.done
		r.finish(Sent)
		if messages.head == nil && q.front(w) == nil {
			q.state.And(^uint32(queued))
		}
	}
	if r := q.waiter(w); r != nil {
		r.wake()
		return false
	}
	if q.is(open) {
		if r := messages.waiter(); r != nil {
			r.wake() // to watch the context of the open message
		}
	}
	return q.front(w) != nil
}

// lead takes the lead if it is needed and free. If another goroutine has called Take,
// which needs no lock, that one finds the queued requests when it calls Release.
func (q *Queue[F]) lead(needed bool) bool { return needed && q.Take() }

// A Duty is the result of Release: what the caller must do.
type Duty uint8

const (
	// Released: nothing; the lead is given up.
	Released Duty = iota
	// SendPosted: the caller keeps the lead. Posted requests wait that no waiter
	// would send.
	SendPosted
	// Drain: the caller keeps the lead. No goroutine waits for the request that is
	// not sent to its end.
	Drain
	// Discard: the caller keeps the lead for good. The queue was closed.
	Discard
)

// Release gives up the lead, unless it returns another duty than Released. unfinished is
// a request that was taken and not completely sent, or nil. Release wakes its goroutine.
func (q *Queue[F]) Release(unfinished *Request[F]) Duty {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(closed) {
		return Discard
	}
	if unfinished != nil && unfinished.posted {
		return Drain
	}
	if unfinished != nil {
		q.state.Or(halted)
	} else {
		q.state.And(^uint32(halted))
	}
	q.state.And(^uint32(held))
	if unfinished != nil {
		unfinished.wake()
		return Released
	}
	if q.lead(q.update(w)) {
		return SendPosted
	}
	return Released
}
