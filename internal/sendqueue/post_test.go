package sendqueue

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestPostControl(t *testing.T) {
	inBubble(t, "idle", func(t *testing.T, q *Queue[int]) {
		ok, leading := q.PostControl(1, Pong, 1)
		must(t, "the lead", ok && leading)
		var b Batch[int]
		take(t, q, &b, 1)
		settle(q, &b, Sent)
		release(t, q)
	})
	inBubble(t, "the newest is replaced", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		q.PostControl(1, Pong, 2)
		q.PostControl(2, Pong, 2)
		goWait(t, q, q.Enqueue(Control, 3))
		ok, leading := q.PostControl(4, Pong, 2)
		must(t, "no lead", ok && !leading)
		q.PostControl(5, Pong, 2)
		var b Batch[int]
		take(t, q, &b, 1, 5, 3)
		q.PostControl(6, Pong, 2) // those that are taken do not count
		take(t, q, &b, 6)
	})
	inBubble(t, "the newest of its kind is replaced", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		q.PostControl(1, Pong, 2)
		q.PostControl(2, Pong, 2)
		q.PostControl(3, Ping, 1)
		q.PostControl(4, Pong, 2)
		q.PostControl(5, Ping, 1)
		var b Batch[int]
		take(t, q, &b, 1, 4, 5)
	})
	inBubble(t, "none is allowed", func(t *testing.T, q *Queue[int]) {
		for _, limit := range []int{0, -1} {
			ok, leading := q.PostControl(1, Pong, limit)
			must(t, "no request", !ok && !leading && !q.Queued())
		}
		must(t, "the lead", q.TryLead(Message))
		goWait(t, q, q.Enqueue(Control, 2))
		ok, leading := q.PostControl(1, Pong, 0)
		must(t, "no request", !ok && !leading)
		var b Batch[int]
		take(t, q, &b, 2)
	})
	inBubble(t, "a leader has to send it", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		q.PostControl(1, Pong, 1)
		must(t, "no release", !q.TryRelease())
		if d := q.Release(nil); d != SendPosted {
			t.Fatalf("got the duty %d, want SendPosted", d)
		}
		var b Batch[int]
		take(t, q, &b, 1)
		if d := q.Release(b.First()); d != Drain {
			t.Fatalf("got the duty %d, want Drain", d)
		}
		settle(q, &b, Sent)
		release(t, q)
	})
	inBubble(t, "a waiter has to send it", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		w := goWait(t, q, q.Enqueue(Message, 1))
		q.PostControl(2, Pong, 1)
		release(t, q)
		w.want(t, Leading)
	})
}

func TestPostMessage(t *testing.T) {
	for _, test := range []struct {
		name        string
		waits       []int64
		size, limit int64
		want        bool
	}{
		{"first", nil, 5, 10, true},
		{"first above the limit", nil, 50, 10, true},
		{"first, limit 0", nil, 5, 0, true},
		{"up to the limit", []int64{5}, 5, 10, true},
		{"above the limit", []int64{5}, 6, 10, false},
		{"no limit", []int64{5}, 1 << 40, -1, true},
	} {
		inBubble(t, test.name, func(t *testing.T, q *Queue[int]) {
			must(t, "the lead", q.TryLead(Message))
			for i, n := range test.waits {
				q.PostMessage(i, n, -1)
			}
			ok, leading := q.PostMessage(9, test.size, test.limit)
			if ok != test.want || leading {
				t.Fatalf("got %t and %t, want %t and false", ok, leading, test.want)
			}
		})
	}
	inBubble(t, "a posted request counts until it is sent", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		q.PostMessage(1, 10, 10)
		var b Batch[int]
		take(t, q, &b, 1)
		ok, _ := q.PostMessage(2, 10, 10)
		must(t, "no posted message", !ok)
		settle(q, &b, Sent)
		ok, _ = q.PostMessage(2, 10, 10)
		must(t, "a posted message", ok)
	})
	inBubble(t, "behind an open message", func(t *testing.T, q *Queue[int]) {
		goWait(t, q, q.Begin(nil)).want(t, Sent)
		ok, leading := q.PostMessage(1, 1, -1)
		must(t, "no lead", ok && !leading)
		must(t, "the lead when the message ends", q.Finish())
		var b Batch[int]
		take(t, q, &b, 1)
		settle(q, &b, Sent)
		release(t, q)
	})
	inBubble(t, "behind one that is about to begin", func(t *testing.T, q *Queue[int]) {
		must(t, "the lead", q.TryLead(Message))
		begins := goWait(t, q, q.Begin(nil))
		q.PostMessage(1, 1, -1)
		release(t, q)
		begins.want(t, Sent)
		must(t, "the lead when the message ends", q.Finish())
	})
}

func TestPostPart(t *testing.T) {
	inBubble(t, "idle", func(t *testing.T, q *Queue[int]) {
		goWait(t, q, q.Begin(nil)).want(t, Sent)
		must(t, "the lead", q.PostPart(1))
		must(t, "no lead", !q.PostPart(2))
		var b Batch[int]
		take(t, q, &b, 1, 2)
		settle(q, &b, Sent)
		release(t, q)
	})
}

// The lead is given to one goroutine at a time: by posting, by waiting, and by Take,
// which needs no lock.
func TestOneLead(t *testing.T) {
	var q Queue[int]
	var leaders atomic.Int32
	lead := func() {
		if leaders.Add(1) != 1 {
			t.Error("two goroutines have the lead")
		}
		var b Batch[int]
		for {
			for r := q.Next(nil); r != nil; r = q.Next(nil) {
				b.Add(r)
			}
			settle(&q, &b, Sent)
			leaders.Add(-1)
			if q.Release(nil) == Released {
				return
			}
			if leaders.Add(1) != 1 {
				t.Error("two goroutines have the lead")
			}
		}
	}
	var all sync.WaitGroup
	const rounds = 50_000
	for range 2 {
		all.Go(func() {
			for range rounds {
				if q.Take() {
					lead()
				}
			}
		})
		all.Go(func() {
			for i := range rounds {
				if _, leading := q.PostControl(i, Pong, 4); leading {
					lead()
				}
			}
		})
	}
	all.Wait()
}
