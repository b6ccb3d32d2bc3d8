package sendqueue

// PostPart queues a frame of the open message without waiting for it. If it returns
// true, the caller has the lead and must send it.
func (q *Queue[F]) PostPart(f F) (leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) {
		return false
	}
	r := w.spares.get()
	r.Frame, r.class, r.posted = f, Part, true
	w.lists[Part].push(r)
	return q.lead(q.update(w))
}

// A Kind distinguishes the control frames that are posted.
type Kind uint8

const (
	Pong Kind = iota
	Ping

	kinds
)

// PostControl queues a control frame without waiting for it. If limit frames of its kind
// are queued, f replaces the newest of them. It reports false, and queues nothing, if the
// queue has ended or limit is not positive. If leading is true, the caller has the lead
// and must send the frame.
func (q *Queue[F]) PostControl(f F, k Kind, limit int) (ok, leading bool) {
	w := q.lock()
	defer w.mu.Unlock()
	if q.is(ended) || limit <= 0 {
		return false, false
	}
	if w.posted[k] >= limit {
		r := w.lists[Control].tail
		for !r.posted || r.kind != k {
			r = r.prev
		}
		r.Frame = f
		return true, false
	}
	r := w.spares.get()
	r.Frame, r.class, r.kind, r.posted = f, Control, k, true
	w.posted[k]++
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
	r := w.spares.get()
	r.Frame, r.class, r.posted, r.size = f, Message, true, size
	w.postedBytes += size
	w.lists[Message].push(r)
	return true, q.lead(q.update(w))
}
