package sendqueue

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// waitResult is a call of Wait.
type waitResult struct {
	outcome   atomic.Uint32
	cancel    context.CancelFunc
	abandoned atomic.Int32
}

// goWait waits for a request, and reports calls of abandon.
func goWait(t *testing.T, q *Queue[int], r *Request[int]) *waitResult {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &waitResult{cancel: cancel}
	go func() {
		w.outcome.Store(uint32(q.Wait(ctx, r, func(<-chan struct{}) { w.abandoned.Add(1) })))
	}()
	synctest.Wait()
	return w
}

// want expects the outcome, which is pending while Wait has not returned.
func (w *waitResult) want(t *testing.T, want Outcome) {
	t.Helper()
	synctest.Wait()
	if got := Outcome(w.outcome.Load()); got != want {
		t.Fatalf("got the outcome %d, want %d", got, want)
	}
}

// take takes the frames that the leader may send now, and expects these. The requests
// are batched.
func take(t *testing.T, q *Queue[int], b *Batch[int], want ...int) {
	t.Helper()
	for i := 0; ; i++ {
		r := q.Next(nil)
		switch {
		case r == nil && i == len(want):
			return
		case r == nil:
			t.Fatalf("nothing is next, want %v", want[i:])
		case i == len(want):
			t.Fatalf("%d is next, want nothing", r.Frame)
		case r.Frame != want[i]:
			t.Fatalf("%d is next, want %d", r.Frame, want[i])
		}
		r.Start, r.End = int64(i), int64(i+1)
		b.Add(r)
	}
}

// settle gives all requests of the batch an outcome.
func settle[F any](q *Queue[F], b *Batch[F], o Outcome) { q.Settle(b, math.MaxInt64, o) }

func must(t *testing.T, what string, ok bool) {
	t.Helper()
	if !ok {
		t.Fatalf("want %s", what)
	}
}

// release gives up the lead.
func release(t *testing.T, q *Queue[int]) {
	t.Helper()
	if d := q.Release(nil); d != Released {
		t.Fatalf("got the duty %d, want none", d)
	}
}

// inBubble runs a test in a bubble: a wake-up that is lost is a deadlock there.
func inBubble(t *testing.T, name string, test func(t *testing.T, q *Queue[int])) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, new(Queue[int])) })
	})
}

func TestTryLead(t *testing.T) {
	for _, test := range []struct {
		name  string
		state uint32
		want  [classes]bool // Control, Part, Message
	}{
		{"idle", 0, [classes]bool{true, true, true}},
		{"held", held, [classes]bool{}},
		{"queued", queued, [classes]bool{}},
		{"open", open, [classes]bool{true, true, false}},
		{"open, queued", open | queued, [classes]bool{}},
		{"open, held", open | held, [classes]bool{}},
		{"ended", ended, [classes]bool{}},
		{"halted", halted, [classes]bool{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for c, want := range test.want {
				var q Queue[int]
				q.state.Store(test.state)
				if got := q.TryLead(Class(c)); got != want {
					t.Errorf("class %d: %t, want %t", c, got, want)
				}
				if got := q.state.Load() != test.state; got != want {
					t.Errorf("class %d: the state changed: %t, want %t", c, got, want)
				}
			}
		})
	}
}

func TestTryRelease(t *testing.T) {
	for _, test := range []struct {
		state uint32
		want  bool
	}{
		{held, true},
		{held | open, true},
		{held | queued, false},
		{held | ended, false},
		{held | halted, false},
	} {
		var q Queue[int]
		q.state.Store(test.state)
		if got := q.TryRelease(); got != test.want {
			t.Errorf("state %04b: %t, want %t", test.state, got, test.want)
		}
	}
}

func TestOrder(t *testing.T) {
	inBubble(t, "messages", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		var b Batch[int]
		var all []*waitResult
		for i := range 4 {
			all = append(all, goWait(t, q, q.Enqueue(Message, i)))
		}
		take(t, q, &b, 0, 1, 2, 3)
		settle(q, &b, Sent)
		for _, w := range all {
			w.want(t, Sent)
		}
		must(t, "to release the lead", q.TryRelease())
	})
	inBubble(t, "classes", func(t *testing.T, q *Queue[int]) {
		// The open message is the leader's, which sends a part of it.
		goWait(t, q, q.Begin(nil)).want(t, Sent)
		must(t, "the lead", q.TryLead(Part))
		message := goWait(t, q, q.Enqueue(Message, 1))
		part := goWait(t, q, q.Enqueue(Part, 2))
		control := goWait(t, q, q.Enqueue(Control, 3))
		q.PostPart(4)
		q.PostControl(5, Pong, 9)
		q.PostMessage(6, 1, -1)
		var b Batch[int]
		take(t, q, &b, 3, 5, 2, 4)
		settle(q, &b, Sent)
		control.want(t, Sent)
		part.want(t, Sent)
		release(t, q)
		message.want(t, pending)
		must(t, "no lead", !q.Finish()) // the message's goroutine also sends the posted requests
		message.want(t, Leading)
		take(t, q, &b, 1, 6)
		settle(q, &b, Sent)
		release(t, q)
	})
}

// A batch that is sent in part settles its sent frames.
func TestSettle(t *testing.T) {
	inBubble(t, "in part", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		first, second := goWait(t, q, q.Enqueue(Message, 1)), goWait(t, q, q.Enqueue(Message, 2))
		q.PostMessage(3, 1, -1)
		var b Batch[int]
		take(t, q, &b, 1, 2, 3)
		q.Settle(&b, 0, Sent)
		first.want(t, pending)
		q.Settle(&b, 1, Sent)
		first.want(t, Sent)
		second.want(t, pending)
		if r := b.First(); r == nil || r.Frame != 2 {
			t.Fatal("the second request is not the first of the batch")
		}
		settle(q, &b, Failed)
		second.want(t, Failed)
		if b.First() != nil {
			t.Fatal("a posted request is left in the batch")
		}
		release(t, q)
	})
}

// A leader whose context ended leaves the rest of its batch to the goroutine of the
// first request that is not sent to its end.
func TestReleaseUnfinished(t *testing.T) {
	inBubble(t, "wakes its goroutine", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		w := goWait(t, q, r)
		other := goWait(t, q, q.Enqueue(Message, 2))
		var b Batch[int]
		take(t, q, &b, 1, 2)
		if d := q.Release(r); d != Released {
			t.Fatalf("got the duty %d, want none", d)
		}
		w.want(t, Leading)
		settle(q, &b, Sent)
		other.want(t, Sent)
		q.Recycle(r)
		release(t, q)
		must(t, "the lead", q.TryLead(Message))
	})
}

func TestBatchWithdraw(t *testing.T) {
	type span struct{ start, end int64 }
	for _, test := range []struct {
		name        string
		start, size int64
		want        []span
	}{
		{"first", 0, 2, []span{{0, 3}, {3, 7}}},
		{"middle", 2, 3, []span{{0, 2}, {2, 6}}},
		{"last", 5, 4, []span{{0, 2}, {2, 5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b Batch[int]
			for _, s := range []span{{0, 2}, {2, 5}, {5, 9}} {
				b.Add(&Request[int]{Start: s.start, End: s.end})
			}
			b.Withdraw(test.start, test.size)
			for _, want := range test.want {
				r := b.First()
				if r == nil || (span{r.Start, r.End}) != want {
					t.Fatalf("got %+v, want %v", r, want)
				}
				b.taken.remove(r)
			}
			if b.First() != nil {
				t.Error("the request was not removed")
			}
		})
	}
	t.Run("frame without a request", func(t *testing.T) {
		var b Batch[int]
		r := &Request[int]{Start: 5, End: 7}
		b.Add(r)
		b.Withdraw(0, 5)
		if b.First() != r || r.Start != 0 || r.End != 2 {
			t.Errorf("got %d to %d, want 0 to 2", r.Start, r.End)
		}
	})
}

func TestBegin(t *testing.T) {
	inBubble(t, "idle", func(t *testing.T, q *Queue[int]) {
		goWait(t, q, q.Begin(nil)).want(t, Sent)
		must(t, "an open message", q.Open())
		must(t, "no lead for a message", !q.TryLead(Message))
		must(t, "no lead", !q.Finish())
		must(t, "the lead for a message", q.TryLead(Message))
	})
	inBubble(t, "the lead is taken", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		w := goWait(t, q, q.Begin(nil))
		w.want(t, pending)
		release(t, q)
		w.want(t, Sent)
	})
	inBubble(t, "behind messages", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		ahead := goWait(t, q, q.Enqueue(Message, 1))
		begins := goWait(t, q, q.Begin(nil))
		behind := goWait(t, q, q.Enqueue(Message, 2))
		release(t, q)
		ahead.want(t, Leading)
		var b Batch[int]
		take(t, q, &b, 1)
		settle(q, &b, Sent)
		begins.want(t, pending)
		release(t, q)
		begins.want(t, Sent)
		behind.want(t, pending)
		must(t, "no lead", !q.Finish())
		behind.want(t, Leading)
		take(t, q, &b, 2)
	})
	// What compresses messages is the leader's while a batch is not sent to its end,
	// and the open message's afterwards.
	inBubble(t, "a batch is unfinished", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		var b Batch[int]
		take(t, q, &b, 1)
		if d := q.Release(r); d != Released {
			t.Fatalf("got the duty %d, want none", d)
		}
		begins := goWait(t, q, q.Begin(nil))
		begins.want(t, pending)
		w := goWait(t, q, r)
		w.want(t, Leading)
		settle(q, &b, Sent)
		q.Recycle(r)
		release(t, q)
		begins.want(t, Sent)
	})
	inBubble(t, "a batch is unfinished, and another leader ends it", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		var b Batch[int]
		take(t, q, &b, 1)
		if d := q.Release(r); d != Released {
			t.Fatalf("got the duty %d, want none", d)
		}
		must(t, "no lead for one that does not wait", !q.TryLead(Control))
		must(t, "the lead", q.Take())
		begins := goWait(t, q, q.Begin(nil))
		w := goWait(t, q, r)
		settle(q, &b, Sent)
		w.want(t, Sent)
		release(t, q)
		begins.want(t, Sent)
	})
}

// Waiters behind an open message whose context has ended abandon it once.
func TestAbandonOpenMessage(t *testing.T) {
	for _, test := range []struct {
		name  string
		early bool // the waiter came before the message was opened
	}{{"later waiter", false}, {"earlier waiter", true}} {
		inBubble(t, test.name, func(t *testing.T, q *Queue[int]) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			must(t, "the lead", q.TryLead(Message))
			begins := goWait(t, q, q.Begin(ctx.Done()))
			if !test.early {
				release(t, q)
			}
			first := goWait(t, q, q.Enqueue(Message, 1))
			second := goWait(t, q, q.Begin(nil))
			if test.early {
				release(t, q)
			}
			begins.want(t, Sent)
			first.cancel() // the next waiter watches then
			first.want(t, Withdrawn)
			cancel()
			second.want(t, pending)
			if n := second.abandoned.Load(); n != 1 {
				t.Fatalf("the message was abandoned %d times, want once", n)
			}
			must(t, "no lead", !q.Finish())
			second.want(t, Sent)
		})
	}
}

func TestContextEnds(t *testing.T) {
	inBubble(t, "in the queue", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		for c := range classes {
			w := goWait(t, q, q.Enqueue(c, 1))
			w.cancel()
			w.want(t, Withdrawn)
		}
		w := goWait(t, q, q.Begin(nil))
		w.cancel()
		w.want(t, Withdrawn)
		must(t, "to release the lead", q.TryRelease())
	})
	inBubble(t, "ahead of a posted message", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		q.PostMessage(2, 1, -1)
		release(t, q)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		// The goroutine was woken, and its context ends before it runs.
		if o := q.leave(r); o != WithdrawnLeading {
			t.Fatalf("got the outcome %d, want %d", o, WithdrawnLeading)
		}
		<-ctx.Done()
		var b Batch[int]
		take(t, q, &b, 2)
		settle(q, &b, Sent)
		release(t, q)
	})
	inBubble(t, "ahead of a waiter", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		first := q.Enqueue(Message, 1)
		second := goWait(t, q, q.Enqueue(Message, 2))
		release(t, q)
		if o := q.leave(first); o != Withdrawn {
			t.Fatalf("got the outcome %d, want %d", o, Withdrawn)
		}
		second.want(t, Leading)
	})
	inBubble(t, "taken, and sent later", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		w := goWait(t, q, r)
		var b Batch[int]
		take(t, q, &b, 1)
		w.cancel()
		w.want(t, Overdue)
		ok, leading := q.Abandon(r)
		must(t, "an abandoned request, and no lead", ok && !leading && r.Posted())
		if d := q.Release(b.First()); d != Drain {
			t.Fatalf("got the duty %d, want Drain", d)
		}
		settle(q, &b, Sent)
		release(t, q)
	})
	inBubble(t, "taken, and the lead is free", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		var b Batch[int]
		take(t, q, &b, 1)
		if o := q.leave(r); o != Overdue {
			t.Fatalf("got the outcome %d, want Overdue", o)
		}
		q.Release(r)
		ok, leading := q.Abandon(r)
		must(t, "the lead, to send the rest", ok && leading)
	})
	inBubble(t, "sent meanwhile", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		var b Batch[int]
		take(t, q, &b, 1)
		if o := q.leave(r); o != Overdue {
			t.Fatalf("got the outcome %d, want Overdue", o)
		}
		settle(q, &b, Sent)
		ok, leading := q.Abandon(r)
		must(t, "no abandoned request", !ok && !leading)
		goWait(t, q, r).want(t, Sent)
	})
}

// TestCloseOverdue closes a queue because of a request whose context has ended. Only a
// request that a leader is sending may end the connection.
func TestCloseOverdue(t *testing.T) {
	errEnded := errors.New("the context ended")
	overdue := func(t *testing.T, q *Queue[int], b *Batch[int]) *Request[int] {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		take(t, q, b, 1)
		if o := q.leave(r); o != Overdue {
			t.Fatalf("got the outcome %d, want Overdue", o)
		}
		return r
	}
	inBubble(t, "being sent", func(t *testing.T, q *Queue[int]) {
		var b Batch[int]
		r := overdue(t, q, &b)
		ok, leading := q.CloseOverdue(r, errEnded)
		must(t, "a closed queue, and no lead", ok && !leading && q.Ended() && q.Err() == errEnded)
		if d := q.Release(b.First()); d != Discard {
			t.Fatalf("got the duty %d, want Discard", d)
		}
		settle(q, &b, Failed)
		goWait(t, q, r).want(t, Failed)
	})
	inBubble(t, "sent meanwhile", func(t *testing.T, q *Queue[int]) {
		var b Batch[int]
		r := overdue(t, q, &b)
		settle(q, &b, Sent)
		ok, leading := q.CloseOverdue(r, errEnded)
		must(t, "no closed queue", !ok && !leading && !q.Ended())
		goWait(t, q, r).want(t, Sent)
		release(t, q)
	})
	inBubble(t, "the lead is free", func(t *testing.T, q *Queue[int]) {
		var b Batch[int]
		r := overdue(t, q, &b)
		q.Release(r)
		ok, leading := q.CloseOverdue(r, errEnded)
		must(t, "no closed queue", !ok && !leading && !q.Ended())
		goWait(t, q, r).want(t, Leading)
		b.Withdraw(r.Start, r.End-r.Start)
		q.Recycle(r)
		release(t, q)
	})
}

func TestRecycle(t *testing.T) {
	inBubble(t, "in the queue", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		q.Recycle(q.Enqueue(Message, 1))
		must(t, "an empty queue", !q.Queued() && q.TryRelease())
	})
	inBubble(t, "failed", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		r := q.Enqueue(Message, 1)
		q.Close(nil)
		q.Recycle(r)
	})
	t.Run("bounded", func(t *testing.T) {
		var q Queue[int]
		must(t, "the lead", q.TryLead(Message))
		var all []*Request[int]
		for i := range 10 * maxFree {
			all = append(all, q.Enqueue(Message, i))
		}
		for _, r := range all {
			q.Recycle(r)
		}
		if n := q.more.Load().spares.len(); n != maxFree {
			t.Errorf("%d requests are kept, want %d", n, maxFree)
		}
	})
}

func TestEnd(t *testing.T) {
	refuses := func(t *testing.T, q *Queue[int]) {
		t.Helper()
		if q.Enqueue(Control, 0) != nil || q.Begin(nil) != nil || q.PostPart(0) {
			t.Error("a request was accepted after the end")
		}
		if ok, _ := q.PostControl(0, Pong, 9); ok {
			t.Error("a posted control frame was accepted after the end")
		}
		if ok, _ := q.PostMessage(0, 1, -1); ok {
			t.Error("a posted message was accepted after the end")
		}
		if ok, leading := q.End(0); ok || leading {
			t.Error("a second final frame was accepted")
		}
		must(t, "an ended queue", q.Ended())
	}
	inBubble(t, "idle", func(t *testing.T, q *Queue[int]) {
		ok, leading := q.End(1)
		must(t, "the lead", ok && leading)
		refuses(t, q)
		var b Batch[int]
		take(t, q, &b, 1)
		settle(q, &b, Sent)
		release(t, q)
	})
	inBubble(t, "requests wait", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		message, begins := goWait(t, q, q.Enqueue(Message, 1)), goWait(t, q, q.Begin(nil))
		control := goWait(t, q, q.Enqueue(Control, 2))
		q.PostMessage(3, 1, -1)
		q.PostControl(4, Pong, 9)
		ok, leading := q.End(5)
		must(t, "no lead", ok && !leading)
		refuses(t, q)
		message.want(t, Failed)
		begins.want(t, Failed)
		control.want(t, pending)
		var b Batch[int]
		take(t, q, &b, 2, 4, 3, 5)
		settle(q, &b, Sent)
		control.want(t, Sent)
		release(t, q)
	})
	inBubble(t, "a message is open", func(t *testing.T, q *Queue[int]) {
		goWait(t, q, q.Begin(nil)).want(t, Sent)
		must(t, "the lead", q.TryLead(Part))
		part := goWait(t, q, q.Enqueue(Part, 1))
		q.PostMessage(2, 1, -1)
		q.PostControl(3, Pong, 9)
		ok, leading := q.End(4)
		must(t, "no lead", ok && !leading)
		part.want(t, Failed)
		var b Batch[int]
		take(t, q, &b, 3, 4)
		settle(q, &b, Sent)
		release(t, q)
		must(t, "no lead", !q.Finish())
	})
}

func TestClose(t *testing.T) {
	reason := errors.New("a reason")
	inBubble(t, "idle", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.Close(reason))
		must(t, "no lead", !q.Close(errors.New("a later reason")) && !q.Take() && !q.TryLead(Control))
		if q.Err() != reason {
			t.Errorf("got the reason %v", q.Err())
		}
		if d := q.Release(nil); d != Discard {
			t.Errorf("got the duty %d, want Discard", d)
		}
		must(t, "no lead", !q.Take())
	})
	inBubble(t, "requests wait", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		var all []*waitResult
		for c := range classes {
			all = append(all, goWait(t, q, q.Enqueue(c, 1)))
		}
		all = append(all, goWait(t, q, q.Begin(nil)))
		r := q.Enqueue(Control, 2)
		taken := goWait(t, q, r)
		var b Batch[int]
		for {
			n := q.Next(nil)
			b.Add(n)
			if n == r {
				break
			}
		}
		q.PostMessage(3, 1, -1)
		must(t, "no lead", !q.Close(nil))
		all[Part].want(t, Failed)
		all[Message].want(t, Failed)
		all[classes].want(t, Failed)
		taken.want(t, pending)
		take(t, q, &b)
		settle(q, &b, Sent)
		taken.want(t, Sent)
		must(t, "no release", !q.TryRelease())
		if d := q.Release(nil); d != Discard {
			t.Errorf("got the duty %d, want Discard", d)
		}
	})
	inBubble(t, "after the end", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		q.End(1)
		must(t, "no lead", !q.Close(nil))
		var b Batch[int]
		take(t, q, &b)
	})
	inBubble(t, "idle, without a reason", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.Close(nil))
		must(t, "no allocation", q.more.Load() == nil)
		must(t, "no lead", !q.Close(errors.New("a later reason")) && !q.Take() && !q.TryLead(Control))
		must(t, "no request", q.Enqueue(Message, 1) == nil && q.Begin(nil) == nil && !q.PostPart(1))
		ok, leading := q.End(1)
		must(t, "no final request", !ok && !leading && q.Err() == nil)
		if d := q.Release(nil); d != Discard {
			t.Errorf("got the duty %d, want Discard", d)
		}
	})
}

// A request that is queued while the queue is closed has an outcome.
func TestCloseMeanwhile(t *testing.T) {
	inBubble(t, "two goroutines", func(t *testing.T, _ *Queue[int]) {
		const rounds = 20_000
		queues := make([]Queue[int], rounds)
		var ready atomic.Int32
		outcomes := make(chan Outcome)
		go func() {
			for i := range queues {
				q := &queues[i]
				ready.Store(int32(i + 1))
				var o Outcome
				if r := q.Enqueue(Message, 1); r != nil {
					if o = q.Wait(context.Background(), r, nil); o == Leading {
						q.Recycle(r)
						q.Release(nil)
					}
				}
				outcomes <- o
			}
		}()
		for i := range queues {
			for ready.Load() <= int32(i) {
				runtime.Gosched()
			}
			queues[i].Close(nil)
			if o := <-outcomes; o != pending && o != Leading && o != Failed {
				t.Fatalf("got the outcome %d", o)
			}
		}
	})
}

// The lead changes without an allocation, and a request that waits costs none
// either once one has waited before.
func TestAllocations(t *testing.T) {
	q := new(Queue[int])
	if n := testing.AllocsPerRun(100, func() {
		if !q.TryLead(Message) || !q.TryRelease() {
			t.Fatal("the lead was not free")
		}
	}); n != 0 || q.more.Load() != nil {
		t.Errorf("%v allocations for the lead", n)
	}
	var b Batch[int]
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		q.TryLead(Message)
		r := q.Enqueue(Message, 1)
		q.PostMessage(2, 1, -1)
		q.PostControl(3, Pong, 9)
		for r := q.Next(nil); r != nil; r = q.Next(nil) {
			b.Add(r)
		}
		settle(q, &b, Sent)
		q.Release(nil)
		q.Wait(ctx, r, nil)
		r = q.Begin(nil)
		q.Wait(ctx, r, nil)
		q.Finish()
	}); n != 0 {
		t.Errorf("%v allocations for requests that wait", n)
	}
}

// Release wakes one waiter, however many there are.
func TestWakesOne(t *testing.T) {
	var q Queue[int]
	must(t, "the lead", q.TryLead(Message))
	var all []*Request[int]
	for i := range 50 {
		all = append(all, q.Enqueue(Class(i%int(classes)), i))
	}
	release(t, &q)
	woken := 0
	for _, r := range all {
		woken += len(r.ready)
	}
	if woken != 1 {
		t.Errorf("%d waiters were woken, want 1", woken)
	}
}

// len returns the number of requests that are kept.
func (s *spares[F]) len() (n int) {
	for i := range s {
		if s[i].Load() != nil {
			n++
		}
	}
	return n
}

// Requests yield while frames join batches, and not for a while after a yield that took
// longer than these allow.
func TestYieldBudget(t *testing.T) {
	q := new(Queue[int])
	q.lock().mu.Unlock()
	y := &q.more.Load().yielding
	if q.ShouldYield() {
		t.Error("yields before frames have joined a batch")
	}
	for range 3 {
		y.took(false)
	}
	y.spent(3 * gain)
	if !q.ShouldYield() {
		t.Error("does not yield, though it was worth it")
	}
	// The second and the third of a row are followed by more requests that do not yield.
	for _, want := range []int{100, 400, 1600, 1600} {
		y.spent(100 * maxShare)
		got := 0
		for !q.ShouldYield() {
			got++
		}
		if got != want {
			t.Errorf("%d requests do not yield after an expensive yield, want %d", got, want)
		}
	}
	y.took(false)
	y.spent(gain) // it was worth it
	if y.spent(100 * maxShare); y.skip.Load() != 800 {
		t.Errorf("%d requests do not yield, want fewer after one that was worth it: 800", y.skip.Load())
	}
	y.skip.Store(0)
	for range maxBudget {
		if !q.ShouldYield() {
			t.Error("does not yield again")
		}
		y.took(true)
	}
	if q.ShouldYield() {
		t.Error("yields though frames are sent alone")
	}
	y.took(false)
	for range 2 * maxCredit / gain {
		y.took(false)
	}
	y.spent(maxCredit + time.Hour)
	if got := y.skip.Load(); got != maxSkip {
		t.Errorf("%d requests are to pay for an hour, want %d", got, maxSkip)
	}
}

// While a goroutine yields, others wait for it, and none is forgotten if it does not lead.
func TestYieldBehindOpenMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := new(Queue[int])
		w := goWait(t, q, q.Begin(nil))
		synctest.Wait()
		w.want(t, Sent)
		behind := q.Enqueue(Message, 1)
		q.more.Load().yielding.active.Store(true)
		part := goWait(t, q, q.Enqueue(Part, 2))
		synctest.Wait()
		part.want(t, pending)
		q.more.Load().yielding.active.Store(false)
		q.Yield()
		synctest.Wait()
		part.want(t, Leading)
		q.Recycle(behind)
	})
}
