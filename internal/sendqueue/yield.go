package sendqueue

import (
	"runtime"
	"sync/atomic"
	"time"
)

// yielding decides when a goroutine yields the processor before it takes the lead, so
// that other goroutines queue their frames and one batch carries all of them.
//
// On a busy processor a yield can take tens of milliseconds. So the time of yields is
// compared with the number of frames that joined batches. If it was spent in vain, the
// next requests do not yield: they take the lead as soon as it is free. Their number
// grows with the duration of the yield, and with expensive yields in a row.
type yielding struct {
	budget atomic.Int32 // number of leaders left whose requests yield first
	skip   atomic.Int32 // number of requests left that do not, after expensive yields
	active atomic.Bool  // a goroutine yields; others do not take the lead

	// Guarded by waiting.mu.
	credit   time.Duration // that yields may take
	discount int           // the share of an expensive yield that a request bears is maxShare >> discount
}

const (
	// maxBudget is the number of leaders that send nothing but their own frame before
	// requests stop yielding.
	maxBudget = 8
	// gain is the time that a yield may take for each frame that joins a batch: some
	// times what a system call takes.
	gain = 5 * time.Microsecond
	// maxCredit is the credit of 200 such frames.
	maxCredit = time.Millisecond
	// An expensive yield is followed by requests that do not yield: as many as its time
	// beyond the credit has shares, but at most maxSkip. The share falls to a sixteenth
	// if further yields are expensive: the cause of a single one may have passed.
	maxShare    = 1600 * time.Nanosecond
	maxDiscount = 4
	maxSkip     = 1 << 20
)

// took notes that a leader has taken a request, its own or that of another goroutine.
// The caller holds waiting.mu.
func (y *yielding) took(own bool) {
	if !own {
		if y.budget.Load() != maxBudget {
			y.budget.Store(maxBudget)
		}
		y.credit = min(y.credit+gain, maxCredit)
	} else if n := y.budget.Load(); n > 0 && y.skip.Load() == 0 {
		y.budget.Store(n - 1)
	}
}

// spent subtracts the duration of a yield from the credit. The caller holds waiting.mu.
func (y *yielding) spent(d time.Duration) {
	if y.credit -= d; y.credit >= 0 {
		y.discount = max(y.discount-1, 0)
		return
	}
	y.skip.Store(int32(min(-y.credit/(maxShare>>y.discount), maxSkip)))
	y.credit = 0
	y.discount = min(y.discount+2, maxDiscount)
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

// Yield lets other goroutines run, after Enqueue and before Wait, if no goroutine has
// the lead and no other one yields. Meanwhile those that queue requests block, and the
// caller sends them.
func (q *Queue[F]) Yield() {
	w := q.more.Load()
	y := &w.yielding
	if q.Held() || !y.active.CompareAndSwap(false, true) {
		return
	}
	start := time.Now()
	runtime.Gosched()
	took := time.Since(start)
	w.mu.Lock()
	defer w.mu.Unlock()
	y.spent(took)
	y.active.Store(false)
	if !q.Held() {
		q.update(w) // the caller may not be the one that leads
	}
}
