//go:build race

package bufpool

import (
	"os"
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if left := poolcheck.Out(); code == 0 && len(left) > 0 {
		println("buffers are out at the end")
		code = 1
	}
	os.Exit(code)
}

// wantPanic expects misuse to panic, and the pool to account for all objects.
func wantPanic(t *testing.T, kind poolcheck.Kind, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[kind]
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if n := poolcheck.Out()[kind]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

func TestBlockMisuse(t *testing.T) {
	t.Run("freed twice", func(t *testing.T) {
		for _, size := range []int{1, MaxBlock, MaxBlock + 1} {
			b := Get(size)
			b.Free()
			wantPanic(t, poolcheck.Block, b.Free)
		}
	})
	t.Run("written after Free", func(t *testing.T) {
		wantPanic(t, poolcheck.Block, func() {
			// With the race detector, a pool drops some objects at random.
			for range 100 {
				b := Get(MaxBlock)
				b.Free()
				b.B[MaxBlock-1]++
				getAndFree(10)
				b.B[MaxBlock-1]--
			}
		})
	})
	t.Run("freed by Grow", func(t *testing.T) {
		b := Get(1)
		b.Grow(0, MinBlock+1).Free()
		wantPanic(t, poolcheck.Block, b.Free)
	})
	t.Run("owned and freed twice", func(t *testing.T) {
		b := NewOwned(128).Use(128)
		b.Free()
		wantPanic(t, poolcheck.Block, b.Free)
	})
	t.Run("owned and used twice", func(t *testing.T) {
		b := NewOwned(128).Use(128)
		defer b.Free()
		wantPanic(t, poolcheck.Block, func() { b.Use(128) })
	})
}

// getAndFree takes n blocks. It frees those taken even if taking another one panics.
func getAndFree(n int) {
	for range n {
		defer Get(MaxBlock).Free()
	}
}

func TestBufferMisuse(t *testing.T) {
	t.Run("freed twice", func(t *testing.T) {
		for _, size := range []int{1, 2 * maxKept} {
			b := GetBuffer()
			b.Grow(size)
			b.Free()
			wantPanic(t, poolcheck.Buffer, b.Free)
		}
	})
	t.Run("written after Free", func(t *testing.T) {
		wantPanic(t, poolcheck.Buffer, func() {
			for range 100 {
				b := GetBuffer()
				b.Grow(100)
				b.Free()
				b.memory()[99]++
				GetBuffer().Free()
				b.memory()[99]--
			}
		})
	})
}
