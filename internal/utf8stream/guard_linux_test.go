package utf8stream

import (
	"testing"

	"github.com/bhojpur/api/internal/guard"
)

// A text that begins or ends where a page does meets each read outside of it.
func TestNothingOutside(t *testing.T) {
	const maxLen = 300
	page := guard.Bytes(t, maxLen)
	for _, text := range texts {
		p := repeat(text.unit, maxLen)
		states := statesOf(p)
		for _, k := range kernels {
			for n := range maxLen + 1 {
				for _, at := range [][]byte{page[:n:n], page[len(page)-n:]} {
					copy(at, p)
					if got := k.advance(boundary, at); got != states[n] {
						t.Fatalf("%s: %d bytes of %s: state %d, want %d", k.name, n, text.name, got, states[n])
					}
				}
			}
		}
	}
}
