package sendqueue

import "github.com/bhojpur/api/internal/poolcheck"

// PostPart queues a frame of the open message without waiting for it. If it returns
// true, the caller has the lead and must send it.
func (q *Queue[F]) PostPart(f F) (leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return false
	}
	r := w.get()
	r.Frame, r.class, r.posted = f, Part, true
	w.lists[Part].push(r)
	return q.lead(q.update(w))
}

// PostControl queues a control frame without waiting for it. If limit of them are
// queued, f replaces the newest. It reports false if the queue has ended. If leading is
// true, the caller has the lead and must send the frame.
func (q *Queue[F]) PostControl(f F, limit int) (ok, leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return false, false
	}
	if w.posted >= limit {
		r := w.lists[Control].tail
		for !r.posted {
			r = r.prev
		}
		r.Frame = f
		return true, false
	}
	r := w.get()
	r.Frame, r.class, r.posted = f, Control, true
	w.posted++
	w.lists[Control].push(r)
	return true, q.lead(q.update(w))
}

// PostMessage queues a message of size bytes that no goroutine waits for. It
// reports false, and queues nothing, if the queue has ended, or if posted
// messages that are not sent would have more than limit bytes together with it. A
// negative limit is none. If leading is true, the caller has the lead, to send
// the message.
func (q *Queue[F]) PostMessage(f F, size, limit int64) (ok, leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	full := limit >= 0 && w.postedBytes > 0 && w.postedBytes+size > limit
	if full || q.is(ended) {
		return false, false
	}
	r := w.get()
	r.Frame, r.class, r.posted, r.size = f, Message, true, size
	w.postedBytes += size
	w.lists[Message].push(r)
	return true, q.lead(q.update(w))
}

// End queues the final frame: it is sent behind control frames, posted parts and
// posted messages that wait, and nothing is accepted after it. Requests of goroutines
// that wait to send messages, or parts of one, fail; and posted messages are
// dropped if they would have to wait for an open message. It reports false if the
// queue has ended before. If leading is true, the caller has the lead and must send the
// queued requests.
func (q *Queue[F]) End(f F) (ok, leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return false, false
	}
	q.state.Or(ended)
	w.fail(Part, awaited)
	if q.is(open) {
		w.fail(Message, everything)
	} else {
		w.fail(Message, awaited)
	}
	w.last = w.get()
	w.last.Frame, w.last.class, w.last.posted = f, Control, true
	return true, q.lead(q.update(w))
}

// Close ends the queue with the error err, which may be nil. All waiting requests fail,
// and posted ones are dropped. Requests that a leader has taken stay with it. If Close
// returns true, the caller has the lead and keeps it. Only the first call has an effect.
func (q *Queue[F]) Close(err error) (leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	q.state.Or(ended)
	w.closed, w.err = true, err
	for c := range classes {
		w.fail(c, everything)
	}
	if w.last != nil {
		w.put(w.last)
		w.last = nil
	}
	q.update(w)
	return q.Take()
}

// Err returns the error that was passed to Close.
func (q *Queue[F]) Err() error {
	w := q.lock()
	defer w.mu.Unlock()
	return w.err
}

// selection says which requests of a list are meant.
type selection uint8

const (
	everything selection = iota
	awaited              // requests with a waiting goroutine
)

// fail ends the selected requests of a list.
func (w *waiting[F]) fail(c Class, s selection) {
	var next *Request[F]
	for r := w.lists[c].head; r != nil; r = next {
		next = r.next
		switch {
		case !r.posted:
			w.remove(r)
			r.finish(Failed)
		case s == everything:
			w.remove(r)
			w.put(r)
		}
	}
}

// maxFree bounds the requests that a queue keeps for reuse: about 3 KiB.
const maxFree = 16

// get returns a request without content.
func (w *waiting[F]) get() *Request[F] {
	r := w.free
	if r == nil {
		r = &Request[F]{ready: make(chan struct{}, 1)}
	} else {
		w.free = r.next
		w.nfree--
	}
	if poolcheck.On {
		if len(r.ready) > 0 {
			panic("sendqueue: a request was woken that was not queued")
		}
		poolcheck.Got(poolcheck.Waiter, &r.mark, r)
	}
	r.next = nil
	return r
}

// put keeps a request for reuse.
func (w *waiting[F]) put(r *Request[F]) {
	select {
	case <-r.ready:
	default:
	}
	w.postedBytes -= r.size
	*r = Request[F]{mark: r.mark, ready: r.ready}
	if w.nfree < maxFree {
		r.next, w.free = w.free, r
		w.nfree++
	}
	if poolcheck.On {
		poolcheck.Put(poolcheck.Waiter, &r.mark, r)
	}
}
