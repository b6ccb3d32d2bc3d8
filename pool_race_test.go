//go:build race && !js

package websocket

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic wants misuse to panic, and to leave nothing out of its pool.
func wantPanic(t *testing.T, kind poolcheck.Kind, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[kind]
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed")
		}
		if n := poolcheck.Out()[kind]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

func TestWaiterMisuse(t *testing.T) {
	var g gate
	mustTryLock(t, &g)
	defer g.unlock()
	take := func() *waiter { return g.join(frame{lead: noFrame}) }
	put := func(w *waiter) {
		g.leave(w)
		g.retire(w)
	}
	t.Run("put twice", func(t *testing.T) {
		w := take()
		put(w)
		wantPanic(t, poolcheck.Waiter, func() { g.retire(w) })
	})
	for name, misuse := range map[string]func(w *waiter){
		"written after put": func(w *waiter) { w.start++ },
		"told after put":    func(w *waiter) { w.ready <- sent },
	} {
		t.Run(name, func(t *testing.T) {
			var g gate
			mustTryLock(t, &g)
			w := g.join(frame{lead: noFrame})
			g.leave(w)
			g.retire(w)
			misuse(w)
			wantPanic(t, poolcheck.Waiter, func() { g.join(frame{lead: noFrame}) })
		})
	}
}
