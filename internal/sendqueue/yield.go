package sendqueue

import (
	"runtime"
	"sync/atomic"
	"time"
)

// yielding decides when a goroutine yields the processor before it takes the lead, so
// that other goroutines queue their frames and one batch carries all of them.
//
// On a busy processor a yield can take tens of milliseconds. So each yield is timed,
// and after an expensive one the next requests do not yield: they take the lead as soon
// as it is free.
type yielding struct {
	budget atomic.Int32  // number of leaders left whose requests yield first
	skip   atomic.Int32  // number of requests left that do not, after an expensive yield
	queued atomic.Uint32 // number of requests so far
}

const (
	// maxBudget is the number of leaders that send nothing but their own frame before
	// requests stop yielding.
	maxBudget = 8
	// maxYields is the number of yields of a request while another goroutine leads. A
	// few of them take less time than to block and to be woken.
	maxYields = 6
	// expensive is the duration above which a yield is expensive, and turn is the time
	// that each request which was queued meanwhile adds to that. On an idle processor
	// sixteen writers take turns in less.
	expensive = 50 * time.Microsecond
	turn      = 10 * time.Microsecond
	// share is the time that an expensive yield may add to a request, on average, and
	// maxSkip bounds the number of requests that pay for one.
	share   = 50 * time.Nanosecond
	maxSkip = 1 << 20
)

// took notes that a leader has taken a request, its own or that of another goroutine.
// The caller holds waiting.mu.
func (y *yielding) took(own bool) {
	if !own {
		y.budget.Store(maxBudget)
	} else if n := y.budget.Load(); n > 0 && y.skip.Load() == 0 {
		y.budget.Store(n - 1)
	}
}

// ShouldYield reports whether a request should be queued before its goroutine tries to
// take the lead, and Yield be called, because other goroutines are expected to queue
// frames.
func (q *Queue[F]) ShouldYield() bool {
	w := q.more.Load()
	if w == nil || w.yielding.budget.Load() == 0 {
		return false
	}
	y := &w.yielding
	if y.skip.Load() > 0 {
		y.skip.Add(-1)
		return false
	}
	return true
}

// Yield lets other goroutines run, after Enqueue of r and before Wait: once, and again while
// another goroutine has the lead, whose batch may include r.
func (q *Queue[F]) Yield(r *Request[F]) {
	y := &q.more.Load().yielding
	start, queued := time.Now(), y.queued.Load()
	runtime.Gosched()
	took := time.Since(start)
	for i := 1; i < maxYields && took < expensive && q.Held() && r.result() == pending; i++ {
		runtime.Gosched()
		took = time.Since(start)
	}
	others := y.queued.Load() - queued
	if took > expensive+time.Duration(others)*turn {
		y.skip.Store(int32(min(took/share, maxSkip)))
	}
}
