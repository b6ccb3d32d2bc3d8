package sendqueue

// A Batch is a sequence of requests that a leader has taken.
type Batch[F any] struct{ taken list[F] }

// Add appends a request whose frame has been encoded, and is not read again.
func (b *Batch[F]) Add(r *Request[F]) {
	b.taken.push(r)
	if r.state.Or(encoded)&overdue != 0 {
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
		w.yielding.took(r == own)
	}
	q.update(w)
	return r
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
	if !r.taken && r.result() == pending {
		w.lists[r.class].remove(r)
		q.update(w)
	}
	w.put(r)
}
