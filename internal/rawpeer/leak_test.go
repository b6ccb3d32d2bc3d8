package rawpeer

import (
	"testing"
	"testing/synctest"
	"time"
)

// Memory that a timer's function puts back is not leaked: no goroutine exists
// while the timer runs.
func TestSettleAwaitsTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := "a block"
		time.AfterFunc(5*time.Second, func() { left = "" })
		if got := settle(func() string { synctest.Wait(); return left }); got != "" {
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
