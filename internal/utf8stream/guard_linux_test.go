package utf8stream

import (
	"bytes"
	"testing"

	"github.com/bhojpur/api/internal/guard"
	"github.com/bhojpur/api/internal/mask"
)

// The text begins or ends at a guard page, so a read outside of it is a fault.
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

// The same for text that is unmasked: source and destination begin or end at guard pages.
func TestUnmaskNothingOutside(t *testing.T) {
	const maxLen = 4400
	from, to := guard.Bytes(t, maxLen), guard.Bytes(t, maxLen)
	masked := make([]byte, maxLen)
	for _, text := range texts {
		p := repeat(text.unit, maxLen)
		states := statesOf(p)
		mask.Copy(masked, p, testKey)
		for _, n := range unmaskLengths() {
			for _, src := range [][]byte{from[:n:n], from[len(from)-n:]} {
				for _, u := range unmaskers {
					if n < u.min {
						continue
					}
					for _, dst := range [][]byte{to[:n:n], to[len(to)-n:], src} {
						copy(src, masked)
						got := u.unmask(boundary, dst, src, testKey)
						if got != states[n] || !bytes.Equal(dst, p[:n]) {
							t.Fatalf("%s: %d bytes of %s: state %d, want %d; bytes equal: %v",
								u.name, n, text.name, got, states[n], bytes.Equal(dst, p[:n]))
						}
					}
				}
			}
		}
	}
}
