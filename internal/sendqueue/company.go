package sendqueue

import (
	"runtime"
	"sync/atomic"
	"time"
)

// company decides when a goroutine lets others run before it takes the lead, so
// that they queue their frames and one batch carries all of them.
//
// On a processor that other goroutines keep busy, to let them run can cost ten
// milliseconds. So each yield is timed, and after one that was dear the next ones
// are left out, each time twice as many.
type company struct {
	expected atomic.Int32 // for how many more requests others are expected
	pause    atomic.Int32 // for how many requests no yield is tried
	backoff  atomic.Int32 // the last pause
}

const (
	// yields is for how many requests others are expected after a batch that
	// carried frames of others.
	yields = 8
	// dear is above what a yield costs on processors that are not busy with
	// other work: sixteen writers take turns in less.
	dear = 50 * time.Microsecond
	// minPause and maxPause bound the requests without a yield after a dear one.
	// With the longest pause a yield of 10 ms adds 0.3 µs to each request.
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
