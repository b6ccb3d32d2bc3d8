//go:build race && unix

package netstream

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic expects misuse to panic, and the pool to account for all objects.
func wantPanic(t *testing.T, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[poolcheck.Write]
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if n := poolcheck.Out()[poolcheck.Write]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

func TestRawWritingMisuse(t *testing.T) {
	t.Run("ended twice", func(t *testing.T) {
		w := newRawWriting()
		w.end()
		wantPanic(t, w.end)
	})
	t.Run("written after end", func(t *testing.T) {
		wantPanic(t, func() {
			// With the race detector, a pool drops some objects at random.
			for range 100 {
				w := newRawWriting()
				w.end()
				w.n++
				takeAndEnd(10)
				w.n--
			}
		})
	})
}

// takeAndEnd takes n objects. It ends those taken even if taking another one panics.
func takeAndEnd(n int) {
	for range n {
		defer newRawWriting().end()
	}
}
