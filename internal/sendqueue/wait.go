package sendqueue

import "context"

// Enqueue queues a request that the caller will Wait for. It returns nil if the
// queue has ended.
func (q *Queue[F]) Enqueue(c Class, f F) *Request[F] {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return nil
	}
	r := w.spares.getAwaited()
	r.Frame, r.class = f, c
	w.lists[c].push(r)
	q.set(queued)
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
	r := w.spares.getAwaited()
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
	var o Outcome
	var messageDone, abandoned <-chan struct{}
	if !q.wakesSoon() {
		o, messageDone = q.look(r)
	}
	for o == pending {
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
		o, messageDone = q.look(r)
	}
	return o
}

// wakesSoon reports whether a request that was just queued has nothing to do until it is
// woken: a goroutine has the lead or yields, and wakes a waiter at the end of it.
func (q *Queue[F]) wakesSoon() bool {
	s := q.state.Load()
	return s&open == 0 && (s&held != 0 || q.more.Load().yielding.active.Load())
}

// look returns the outcome of a request, or takes the lead for it. If the outcome
// is pending and the request waits behind an open message, it returns the Done
// channel of that message's context.
func (q *Queue[F]) look(r *Request[F]) (o Outcome, messageDone <-chan struct{}) {
	if o = r.result(); o != pending {
		q.more.Load().spares.put(r)
		return o, nil
	}
	w := q.lock()
	defer w.mu.Unlock()
	behind := r.class == Message && !r.taken && q.is(open)
	switch {
	case r.result() != pending:
		o = r.result()
		w.put(r)
	case behind:
		messageDone = w.done
	case !r.begins && (r.taken || !w.yielding.active.Load()) && q.Take():
		o = Leading
	}
	return o, messageDone
}

// leave withdraws a request whose context has ended.
func (q *Queue[F]) leave(r *Request[F]) Outcome {
	w := q.lock()
	defer w.mu.Unlock()
	switch {
	case r.result() != pending:
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
	for r.state.Or(overdue)&encoded == 0 {
		<-r.ready
	}
	w := q.lock()
	defer w.mu.Unlock()
	if r.result() != pending {
		return false, false
	}
	r.posted = true
	return true, q.Take()
}
