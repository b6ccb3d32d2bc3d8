package rawpeer

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Memory that a timer function returns to a pool is not reported, though no goroutine
// exists while the timer runs.
func TestSettleAwaitsTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var putBack atomic.Bool
		time.AfterFunc(5*time.Second, func() { putBack.Store(true) })
		look := func() string {
			synctest.Wait()
			if putBack.Load() {
				return ""
			}
			return "a block"
		}
		if got := settle(look); got != "" {
			t.Errorf("%s was put back, but is reported", got)
		}
	})
}

func TestSettleReportsLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := settle(func() string { return "a block" }); got != "a block" {
			t.Errorf("got %q for a leak", got)
		}
	})
}
