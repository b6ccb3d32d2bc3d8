package sendqueue

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
	w.last = w.spares.get()
	w.last.Frame, w.last.class, w.last.posted = f, Control, true
	return true, q.lead(q.update(w))
}

// Close ends the queue with the error err, which may be nil. All waiting requests fail,
// and posted ones are dropped. Requests that a leader has taken stay with it. If Close
// returns true, the caller has the lead and keeps it. Only the first call has an effect.
func (q *Queue[F]) Close(err error) (leading bool) {
	if err == nil && q.state.CompareAndSwap(0, held|ended|closed) {
		// Nothing was queued. A goroutine that holds w.mu may have found the queue open,
		// and queue a request now. It has allocated the waiting part before.
		if w := q.more.Load(); w != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			q.drop(w)
		}
		return true
	}
	w := q.lock()
	defer w.mu.Unlock()
	return q.close(w, err)
}

// CloseOverdue is Close for an Overdue request that must not be sent later. It reports
// false and does nothing if the request has an outcome, which Wait returns, or if the
// lead is free, so that Wait may take it.
func (q *Queue[F]) CloseOverdue(r *Request[F], err error) (ok, leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if r.result() != pending || !q.is(held) {
		return false, false
	}
	return true, q.close(w, err)
}

// close is Close. The caller holds w.mu.
func (q *Queue[F]) close(w *waiting[F], err error) (leading bool) {
	if q.is(closed) {
		return false
	}
	q.state.Or(ended | closed)
	w.err = err
	q.drop(w)
	return q.Take()
}

// drop removes all waiting requests of a closed queue. The caller holds w.mu.
func (q *Queue[F]) drop(w *waiting[F]) {
	for c := range classes {
		w.fail(c, everything)
	}
	if w.last != nil {
		w.put(w.last)
		w.last = nil
	}
	q.update(w)
}

// Err returns the error that was passed to Close.
func (q *Queue[F]) Err() error {
	w := q.more.Load()
	if w == nil {
		return nil
	}
	w.mu.Lock()
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
