//go:build race

package sendqueue

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic expects misuse to panic, and to leave nothing out of its pool.
func wantPanic(t *testing.T, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[poolcheck.Waiter]
	defer func() {
		if recover() == nil {
			t.Error("the misuse was not noticed")
		}
		if n := poolcheck.Out()[poolcheck.Waiter]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

// recycled returns a queue, and a request that was recycled to it.
func recycled() (*Queue[int], *Request[int]) {
	q := new(Queue[int])
	r := q.Enqueue(Message, 1)
	q.Recycle(r)
	return q, r
}

func TestRequestMisuse(t *testing.T) {
	t.Run("recycled twice", func(t *testing.T) {
		q, r := recycled()
		r.taken = true // or it would be taken out of a list
		defer func() { r.taken = false }()
		wantPanic(t, func() { q.Recycle(r) })
	})
	t.Run("written after that", func(t *testing.T) {
		q, r := recycled()
		r.Start++
		wantPanic(t, func() { q.Enqueue(Message, 1) })
	})
	t.Run("woken after that", func(t *testing.T) {
		q, r := recycled()
		r.ready <- struct{}{}
		wantPanic(t, func() { q.Enqueue(Message, 1) })
	})
}
