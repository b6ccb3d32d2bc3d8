package mask

import (
	"bytes"
	"testing"

	"github.com/bhojpur/api/internal/guard"
)

// The slices begin or end at a guard page, so an access outside of them is a fault.
func TestNothingOutside(t *testing.T) {
	const maxLen, key = 300, 0x78563412
	from, to := guard.Bytes(t, maxLen), guard.Bytes(t, maxLen)
	copy(from, pattern(len(from)))
	want := make([]byte, maxLen)
	for _, k := range kernels {
		for n := range maxLen + 1 {
			for _, src := range [][]byte{from[:n:n], from[len(from)-n:]} {
				xorBytes(want[:n], src, key)
				for _, dst := range [][]byte{to[:n:n], to[len(to)-n:]} {
					k.mask(dst, src, key)
					if !bytes.Equal(dst, want[:n]) {
						t.Fatalf("%s: length %d: wrong bytes", k.name, n)
					}
				}
				copy(to, src)
				k.mask(to[:n:n], to[:n:n], key)
				if !bytes.Equal(to[:n], want[:n]) {
					t.Fatalf("%s: length %d, in place: wrong bytes", k.name, n)
				}
			}
		}
	}
}
