package sendqueue

import (
	"runtime"
	"sync/atomic"
	"time"
)

// company decides when a goroutine lets others run before it takes the lead, so
// that they queue their frames and one batch carries all of them.
//
// On a busy processor a yield can take ten milliseconds. So each yield is timed, and
// after an expensive one the next ones are skipped, each time twice as many.
type company struct {
	expected atomic.Int32 // number of requests left that yield first
	pause    atomic.Int32 // number of requests left that do not yield
	backoff  atomic.Int32 // the last pause
}

const (
	// yields is the number of requests that yield first, after a batch with frames of
	// other goroutines.
	yields = 8
	// dear is the duration above which a yield is expensive. On an idle processor
	// sixteen writers take turns in less.
	dear = 50 * time.Microsecond
	// minPause and maxPause bound the number of requests without a yield after an
	// expensive one. With the longest pause a yield of 10 ms adds 0.3 µs to each request.
	minPause = 64
	maxPause = 32 << 10
)

// met notes that a leader has taken the request of another goroutine.
func (c *company) met() { c.expected.Store(yields) }

// Expects reports whether other goroutines are expected to queue frames, so that
// it is worthwhile to queue a request, and Yield, before taking the lead.
func (q *Queue[F]) Expects() bool {
	w := q.more.Load()
	return w != nil && w.company.expected.Load() > 0
}

// Yield lets other goroutines run, after Enqueue and before Wait.
func (q *Queue[F]) Yield() {
	c := &q.more.Load().company
	if c.expected.Add(-1) < 0 {
		c.expected.Store(0)
	}
	if c.pause.Load() > 0 {
		c.pause.Add(-1)
		return
	}
	start := time.Now()
	runtime.Gosched()
	if time.Since(start) <= dear {
		c.backoff.Store(0)
		return
	}
	pause := min(max(minPause, 2*c.backoff.Load()), maxPause)
	c.backoff.Store(pause)
	c.pause.Store(pause)
}
