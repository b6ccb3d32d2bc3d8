//go:build race

package wspb

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

func wantPanic(t *testing.T, misuse func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed")
		}
		if n := poolcheck.Out()[poolcheck.Buffer]; n != 0 {
			t.Errorf("%d are out", n)
		}
	}()
	misuse()
}

func TestBufferMisuse(t *testing.T) {
	t.Run("put twice", func(t *testing.T) {
		for _, size := range []int{1, 2 * maxKept} {
			b := newBuffer()
			b.buf.Grow(size)
			keep(b)
			wantPanic(t, func() { keep(b) })
		}
	})
	t.Run("written after put", func(t *testing.T) {
		wantPanic(t, func() {
			// The pool drops what was put there at random.
			for range 100 {
				b := newBuffer()
				b.buf.Grow(100)
				keep(b)
				b.memory()[99]++
				keep(newBuffer())
				b.memory()[99]--
			}
		})
	})
}
