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
package sendqueue

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/bhojpur/api/internal/poolcheck"
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

	closed bool
	err    error // of Close, or nil

	posted      int   // control requests that no goroutine waits for
	postedBytes int64 // the sizes of posted messages that are not sent

	free  *Request[F] // kept for reuse, for their channels
	nfree int

	company company
}

// An Outcome is the result of a request.
type Outcome uint8

const (
	pending Outcome = iota
	// Leading: the caller has the lead, and sends the queue up to its request.
	Leading
	// Sent: the frame was sent. Of a Begin request: the message is open.
	Sent
	// Failed: the frame will not be sent, or not to its end.
	Failed
	// Withdrawn: the context ended before a leader took the request.
	Withdrawn
	// WithdrawnLeading is Withdrawn, and the caller has the lead, to send
	// requests that are posted.
	WithdrawnLeading
	// Overdue: the context ended after a leader took the request.
	Overdue
)

// A Request is a frame that waits to be sent.
type Request[F any] struct {
	mark  poolcheck.Mark
	Frame F
	// Start and End are for the leader that takes the request.
	Start, End int64

	class   Class
	begins  bool        // the request opens a message and sends nothing
	posted  bool        // no goroutine waits for the request
	taken   bool        // a leader has taken the request
	encoded atomic.Bool // the leader no longer reads the frame
	overdue atomic.Bool // a goroutine waits until the frame is encoded
	outcome Outcome
	size    int64
	done    <-chan struct{} // of the context of the message that it opens
	ready   chan struct{}   // of capacity 1; a value wakes Wait
	prev    *Request[F]
	next    *Request[F]
}

// Posted reports whether no goroutine waits for the request.
func (r *Request[F]) Posted() bool { return r.posted }

// list is a queue of requests.
type list[F any] struct{ head, tail *Request[F] }

func (l *list[F]) push(r *Request[F]) {
	r.prev, r.next = l.tail, nil
	if l.tail == nil {
		l.head = r
	} else {
		l.tail.next = r
	}
	l.tail = r
}

func (l *list[F]) remove(r *Request[F]) {
	if r.prev == nil {
		l.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		l.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}

// waiter returns the first request that a goroutine waits for, or nil.
func (l *list[F]) waiter() *Request[F] {
	r := l.head
	for r != nil && r.posted {
		r = r.next
	}
	return r
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

// Held reports whether a goroutine has the lead.
func (q *Queue[F]) Held() bool { return q.is(held) }

// Queued reports whether requests wait.
func (q *Queue[F]) Queued() bool { return q.is(queued) }

// Ended reports whether the queue accepts no request.
func (q *Queue[F]) Ended() bool { return q.is(ended) }

// Open reports whether a message is open.
func (q *Queue[F]) Open() bool { return q.is(open) }

func (q *Queue[F]) is(bit uint32) bool { return q.state.Load()&bit != 0 }

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
		q.state.Or(queued)
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

// finish sets the outcome and wakes the request's goroutine.
func (r *Request[F]) finish(o Outcome) {
	r.outcome = o
	r.wake()
}

// wake wakes the goroutine of the request.
func (r *Request[F]) wake() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
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
	if w.closed {
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

// Enqueue queues a request that the caller will Wait for. It returns nil if the
// queue has ended.
func (q *Queue[F]) Enqueue(c Class, f F) *Request[F] {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return nil
	}
	w.company.queued.Add(1)
	r := w.get()
	r.Frame, r.class = f, c
	w.lists[c].push(r)
	q.state.Or(queued)
	return r
}

// Begin queues a request to open a message, which the caller will Wait for. It returns
// nil if the queue has ended. done is the Done channel of the message's context: when
// it is closed, waiters behind the message call the abandon function of Wait.
func (q *Queue[F]) Begin(done <-chan struct{}) *Request[F] {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return nil
	}
	r := w.get()
	r.class, r.begins, r.done = Message, true, done
	w.lists[Message].push(r)
	q.update(w)
	return r
}

// Finish closes the open message. If it returns true, the caller has the lead and must
// send posted requests.
func (q *Queue[F]) Finish() (leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	q.state.And(^uint32(open))
	w.done = nil
	return q.lead(q.update(w))
}

// Wait waits until the caller has the lead or the request has another outcome. After
// another outcome than Leading or Overdue the caller must not use the request.
//
// If the context of an open message ends, waiters behind it call abandon, which must
// end the message or the queue.
func (q *Queue[F]) Wait(ctx context.Context, r *Request[F], abandon func(messageDone <-chan struct{})) Outcome {
	var abandoned <-chan struct{}
	for {
		o, messageDone := q.look(r)
		if o != pending {
			return o
		}
		if messageDone == abandoned {
			messageDone = nil
		}
		select {
		case <-r.ready:
		case <-messageDone:
			abandoned = messageDone
			abandon(messageDone)
		case <-ctx.Done():
			if o := q.leave(r); o != pending {
				return o
			}
		}
	}
}

// look returns the outcome of a request, or takes the lead for it. If the outcome
// is pending and the request waits behind an open message, it returns the Done
// channel of that message's context.
func (q *Queue[F]) look(r *Request[F]) (o Outcome, messageDone <-chan struct{}) {
	w := q.lock()
	defer w.mu.Unlock()
	behind := r.class == Message && !r.taken && q.is(open)
	switch {
	case r.outcome != pending:
		o = r.outcome
		w.put(r)
	case behind:
		messageDone = w.done
	case !r.begins && q.Take():
		o = Leading
	}
	return o, messageDone
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

// leave withdraws a request whose context has ended.
func (q *Queue[F]) leave(r *Request[F]) Outcome {
	w := q.lock()
	defer w.mu.Unlock()
	switch {
	case r.outcome != pending:
		return pending // look returns it
	case r.taken:
		return Overdue
	}
	w.lists[r.class].remove(r)
	w.put(r)
	if q.lead(q.update(w)) {
		return WithdrawnLeading
	}
	return Withdrawn
}

// Abandon makes an Overdue request a posted one. It reports false if the request has an
// outcome, which Wait returns. If leading is true, the caller has the lead and must send
// the rest of the batch. Abandon waits until the leader has encoded the frame, because
// the caller may reuse the memory of the payload afterwards.
func (q *Queue[F]) Abandon(r *Request[F]) (ok, leading bool) {
	r.overdue.Store(true)
	for !r.encoded.Load() {
		<-r.ready
	}
	w := q.lock()
	defer w.mu.Unlock()
	if r.outcome != pending {
		return false, false
	}
	r.posted = true
	return true, q.Take()
}

// Next takes and returns the next request that may be sent, or nil. The caller has the
// lead; own is its request, or nil.
func (q *Queue[F]) Next(own *Request[F]) *Request[F] {
	if !q.is(queued) {
		return nil
	}
	w := q.lock()
	defer w.mu.Unlock()
	r := q.front(w)
	if r == nil {
		return nil
	}
	if r == w.last {
		w.last = nil
	} else {
		w.remove(r)
	}
	r.taken = true
	if !r.posted {
		w.company.took(r == own)
	}
	q.update(w)
	return r
}

// remove removes a request from its list.
func (w *waiting[F]) remove(r *Request[F]) {
	w.lists[r.class].remove(r)
	if r.posted && r.class == Control {
		w.posted--
	}
}

// A Batch is a sequence of requests that a leader has taken.
type Batch[F any] struct{ taken list[F] }

// Add appends a request whose frame has been encoded, and is not read again.
func (b *Batch[F]) Add(r *Request[F]) {
	b.taken.push(r)
	r.encoded.Store(true)
	if r.overdue.Load() {
		r.wake()
	}
}

// First returns the first request, or nil.
func (b *Batch[F]) First() *Request[F] { return b.taken.head }

// Withdraw removes the request that starts at start, if there is one, and subtracts size
// from the offsets of later ones.
func (b *Batch[F]) Withdraw(start, size int64) {
	for r := b.taken.tail; r != nil && r.Start >= start; r = r.prev {
		if r.Start == start {
			b.taken.remove(r)
			return
		}
		r.Start -= size
		r.End -= size
	}
}

// Settle removes the requests of a batch that end at sent or before, and sets their
// outcome.
func (q *Queue[F]) Settle(b *Batch[F], sent int64, o Outcome) {
	if r := b.taken.head; r == nil || r.End > sent {
		return
	}
	w := q.lock()
	defer w.mu.Unlock()
	for r := b.taken.head; r != nil && r.End <= sent; r = b.taken.head {
		b.taken.remove(r)
		if r.posted {
			w.put(r)
		} else {
			r.finish(o)
		}
	}
}

// Recycle frees the request of a leader that was sent, has failed, or is withdrawn.
func (q *Queue[F]) Recycle(r *Request[F]) {
	w := q.lock()
	defer w.mu.Unlock()
	if !r.taken && r.outcome == pending {
		w.lists[r.class].remove(r)
		q.update(w)
	}
	w.put(r)
}
