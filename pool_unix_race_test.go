//go:build race && unix

package websocket

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

func TestRawWritingMisuse(t *testing.T) {
	t.Run("put twice", func(t *testing.T) {
		w := newRawWriting()
		w.end()
		wantPanic(t, poolcheck.Write, w.end)
	})
	t.Run("written after put", func(t *testing.T) {
		wantPanic(t, poolcheck.Write, func() {
			spoil(newRawWriting, (*rawWriting).end, func(w *rawWriting) { w.n++ }, func(w *rawWriting) { w.n-- })
		})
	})
}
