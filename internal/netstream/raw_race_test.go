//go:build race && unix

package netstream

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic wants misuse to panic, and to leave nothing out of its pool.
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
			// The pool drops some of what is put there.
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

// takeAndEnd takes n of them, and ends those that it got also when taking one panics.
func takeAndEnd(n int) {
	for range n {
		defer newRawWriting().end()
	}
}
