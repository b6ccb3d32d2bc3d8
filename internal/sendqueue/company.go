package sendqueue

import (
	"runtime"
	"sync/atomic"
	"time"
)

// company decides when a goroutine lets others run before it takes the lead, so
// that they queue their frames and one batch carries all of them.
//
// On a busy processor a yield can take tens of milliseconds. So each yield is timed,
// and after an expensive one the next requests do not yield.
type company struct {
	expected atomic.Int32  // number of leaders left whose requests yield first
	pause    atomic.Int32  // number of requests left that do not yield
	queued   atomic.Uint32 // number of requests so far
}

const (
	// yields is the number of leaders that send nothing but their own frame before
	// requests stop yielding.
	yields = 8
	// dear is the duration above which a yield is expensive, and turn is the time that
	// each request which was queued meanwhile adds to that. On an idle processor
	// sixteen writers take turns in less.
	dear = 50 * time.Microsecond
	turn = 10 * time.Microsecond
	// share is the time that an expensive yield may add to a request, on average, and
	// maxPause bounds the number of requests that pay for one.
	share    = 500 * time.Nanosecond
	maxPause = 64 << 10
)

// took notes that a leader has taken a request, its own or that of another goroutine.
// The caller holds waiting.mu.
func (c *company) took(own bool) {
	if !own {
		c.expected.Store(yields)
	} else if n := c.expected.Load(); n > 0 && c.pause.Load() == 0 {
		c.expected.Store(n - 1)
	}
}

// Expects reports whether other goroutines are expected to queue frames, so that
// it is worthwhile to queue a request, and Yield, before taking the lead.
func (q *Queue[F]) Expects() bool {
	w := q.more.Load()
	return w != nil && w.company.expected.Load() > 0
}

// Yield lets other goroutines run, after Enqueue and before Wait.
func (q *Queue[F]) Yield() {
	c := &q.more.Load().company
	if c.pause.Load() > 0 {
		c.pause.Add(-1)
		return
	}
	start, queued := time.Now(), c.queued.Load()
	runtime.Gosched()
	took, others := time.Since(start), c.queued.Load()-queued
	if took > dear+time.Duration(others)*turn {
		c.pause.Store(int32(min(took/share, maxPause)))
	}
}
