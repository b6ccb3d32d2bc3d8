//go:build race

package ctxlock

import (
	"context"
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// A spare waiter that is handed the lock, or written to, causes a panic when it is
// reused.
func TestWaiterMisuse(t *testing.T) {
	for name, misuse := range map[string]func(w *Waiter){
		"written after its use": func(w *Waiter) { w.queued = true },
		"handed the lock":       func(w *Waiter) { w.ready <- struct{}{} },
	} {
		t.Run(name, func(t *testing.T) {
			var m Mutex
			mustTryLock(t, &m)
			w := m.Enqueue()
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			m.Wait(ended, nil, w)
			misuse(w)
			before := poolcheck.Out()[poolcheck.Waiter]
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
				if n := poolcheck.Out()[poolcheck.Waiter]; n != before {
					t.Errorf("%d more are out than before", n-before)
				}
			}()
			m.Enqueue()
		})
	}
}
