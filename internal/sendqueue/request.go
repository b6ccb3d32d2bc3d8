package sendqueue

import (
	"sync/atomic"

	"github.com/bhojpur/api/internal/poolcheck"
)

// A Request is a frame that waits to be sent.
type Request[F any] struct {
	mark  poolcheck.Mark
	Frame F
	// Start and End are for the leader that takes the request.
	Start, End int64

	class  Class
	kind   Kind          // of a posted control frame
	begins bool          // the request opens a message and sends nothing
	posted bool          // no goroutine waits for the request
	taken  bool          // a leader has taken the request
	state  atomic.Uint32 // an Outcome, written under waiting.mu, encoded, and overdue
	size   int64
	done   <-chan struct{} // of the context of the message that it opens
	ready  chan struct{}   // of capacity 1; a value wakes Wait; nil if none was needed
	prev   *Request[F]
	next   *Request[F]
}

// The bits of a Request's state beside the Outcome.
const (
	encoded = 1 << (8 + iota) // the leader no longer reads the frame
	overdue                   // a goroutine waits until the frame is encoded
)

// Posted reports whether no goroutine waits for the request.
func (r *Request[F]) Posted() bool { return r.posted }

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

// finish sets the outcome and wakes the request's goroutine, which may recycle the request
// at once. The caller holds waiting.mu.
func (r *Request[F]) finish(o Outcome) {
	r.wake()
	r.state.Store(uint32(o) | encoded)
}

// result returns the outcome.
func (r *Request[F]) result() Outcome { return Outcome(r.state.Load()) }

// wake wakes the goroutine of the request.
func (r *Request[F]) wake() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

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

// remove removes a request from its list.
func (w *waiting[F]) remove(r *Request[F]) {
	w.lists[r.class].remove(r)
	if r.posted && r.class == Control {
		w.posted[r.kind]--
	}
}

// maxFree bounds the requests that a queue keeps for reuse: about 3 KiB.
const maxFree = 16

// spares are requests kept for reuse, for their channels.
type spares[F any] [maxFree]atomic.Pointer[Request[F]]

// get returns a request without content.
func (s *spares[F]) get() *Request[F] {
	for i := range s {
		if s[i].Load() == nil {
			continue
		}
		if r := s[i].Swap(nil); r != nil {
			if poolcheck.On {
				if len(r.ready) > 0 {
					panic("sendqueue: a request was woken that was not queued")
				}
				poolcheck.Got(poolcheck.Waiter, &r.mark, r)
			}
			return r
		}
	}
	r := new(Request[F])
	if poolcheck.On {
		poolcheck.Got(poolcheck.Waiter, &r.mark, r)
	}
	return r
}

// getAwaited is get for a request that a goroutine waits for.
func (s *spares[F]) getAwaited() *Request[F] {
	r := s.get()
	if r.ready == nil {
		r.ready = make(chan struct{}, 1)
	}
	return r
}

// put keeps a request for reuse.
func (s *spares[F]) put(r *Request[F]) {
	select {
	case <-r.ready:
	default:
	}
	r.clear()
	if poolcheck.On {
		poolcheck.Put(poolcheck.Waiter, &r.mark, r)
	}
	for i := range s {
		if s[i].Load() == nil && s[i].CompareAndSwap(nil, r) {
			return
		}
	}
}

// clear removes the content of a request.
func (r *Request[F]) clear() {
	var none F
	r.Frame, r.Start, r.End, r.size, r.done = none, 0, 0, 0, nil
	r.class, r.kind, r.begins, r.posted, r.taken = 0, 0, false, false, false
	r.state.Store(uint32(pending))
}

// put frees a request that no goroutine waits for any more.
func (w *waiting[F]) put(r *Request[F]) {
	w.postedBytes -= r.size
	w.spares.put(r)
}
