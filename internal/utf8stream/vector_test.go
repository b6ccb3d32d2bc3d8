//go:build (amd64 || arm64) && !purego

package utf8stream

import "testing"

// A pair of bytes is invalid by the tables if it occurs in no text. There are two
// exceptions: the kernels decide about two continuations, and a second byte that never
// occurs is invalid in the pair that it begins.
func TestLookup(t *testing.T) {
	for before := range 256 {
		for b := range 256 {
			second := byte(b)
			if b >= 0xC0 {
				second = 0xC3 // stands for all that have the form of a first byte
			}
			possible := false
			for s := boundary; s < pastStates; s += fieldBits {
				possible = possible || s != refused && next(next(s, byte(before)), second) != refused
			}
			got := lookup[0][before>>4] & lookup[1][before&15] & lookup[2][b>>4]
			var want string
			switch {
			case before>>6 == 2 && b>>6 == 2:
				if got != 0x80 {
					want = "only the high bit"
				}
			case possible && got != 0:
				want = "nothing"
			case !possible && got&0x7F == 0:
				want = "a low bit"
			}
			if want != "" {
				t.Fatalf("%02x %02x: %08b, want %s", before, b, got, want)
			}
		}
	}
}

// A follower is follow or a kernel that it jumps to, for at least min bytes.
type follower struct {
	name   string
	min    int
	follow func(p *byte, n int) bool
}

// followers are those that this processor can run.
var followers []follower

// A kernel finds an invalid byte at each index but the first three and the last.
func TestFollow(t *testing.T) {
	for _, text := range texts {
		for _, f := range followers {
			for n := f.min; n <= 200; n++ {
				p := repeat(text.unit, n)
				if !f.follow(&p[0], n) {
					t.Fatalf("%s: %d bytes of %s are refused", f.name, n, text.name)
				}
				for i := 3; i < n-1; i++ {
					was := p[i]
					p[i] = 0xFF
					if f.follow(&p[0], n) {
						t.Fatalf("%s: FF is not found at %d in %d bytes of %s", f.name, i, n, text.name)
					}
					p[i] = was
				}
			}
		}
	}
}
