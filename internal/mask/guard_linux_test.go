package mask

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bhojpur/api/internal/guard"
)

// The slices begin or end at a guard page, so an access outside of them is a fault.
func TestNothingOutside(t *testing.T) {
	const maxLen, key = 20 << 10, 0x78563412
	lengths := slices.Clone(longLengths)
	for n := range 301 {
		lengths = append(lengths, n)
	}
	from, to := guard.Bytes(t, maxLen), guard.Bytes(t, maxLen)
	copy(from, pattern(len(from)))
	want := make([]byte, maxLen)
	for _, k := range kernels {
		for _, n := range lengths {
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
