package utf8stream

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/poolcheck"
)

// A kernel is an implementation of advance for at least min bytes.
type kernel struct {
	name string
	min  int
	long func(state, []byte) state
}

// kernels are those that this processor can run. Files for some architectures add theirs.
var kernels = []kernel{
	{"platform", 0, advance},
	{"generic", 0, advanceGeneric},
	{"bytewise", 0, advanceBytewise},
}

// advance returns the state after p, by the kernel if p is long enough.
func (k kernel) advance(s state, p []byte) state {
	if len(p) < k.min {
		return advanceBytewise(s, p)
	}
	return k.long(s, p)
}

// advanceBytewise is advance by the transition function, one byte at a time.
//
//go:norace
func advanceBytewise(s state, p []byte) state {
	for _, b := range p {
		s = next(s, b)
	}
	return s
}

var texts = []struct{ name, unit string }{
	{"ascii", "The quick brown fox jumps over the lazy dog. "},
	{"latin", "Les élèves français étaient là, à Noël. "},
	{"two", "Съешьжеещёэтихмягкихфранцузскихбулок"},
	{"three", "天地玄黃宇宙洪荒日月盈昃辰宿列張"},
	{"four", "\U0001F600\U0001F601\U0001F602\U0001F603"},
	{"mixed", "key: значение, 値は世界, naïve \U0001F600 ok; "},
	{"rare", strings.Repeat("nothing but ASCII for a while, ", 5) + "—"},
}

// repeat returns the first n bytes of unit repeated. They may end inside a sequence.
func repeat(unit string, n int) []byte {
	return []byte(strings.Repeat(unit, n/len(unit)+1)[:n])
}

// statesOf returns the states before and after each byte of p.
func statesOf(p []byte) []state {
	states := make([]state, len(p)+1)
	for i, b := range p {
		states[i+1] = next(states[i], b)
	}
	return states
}

// Every length at every alignment. Pieces begin and end anywhere in a sequence.
func TestLengthsAndAlignments(t *testing.T) {
	const maxLen, maxAlign = 300, 64
	step := 1
	if poolcheck.On { // with the race detector
		step = 5
	}
	for _, text := range texts {
		p := repeat(text.unit, maxLen+maxAlign)
		states := statesOf(p)
		for _, k := range kernels {
			for n := range maxLen + 1 {
				for from := n % step; from < maxAlign; from += step {
					to := from + n
					if got, want := k.advance(states[from], p[from:to]), states[to]; got != want {
						t.Fatalf("%s: %s[%d:%d]: state %d, want %d", k.name, text.name, from, to, got, want)
					}
				}
			}
		}
	}
}

// One byte is replaced, anywhere in a text of any length.
func TestOneByteAnywhere(t *testing.T) {
	const maxLen = 200
	for _, text := range texts {
		whole := repeat(text.unit, maxLen)
		states := statesOf(whole)
		for _, b := range []byte{'a', 0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xED, 0xF0, 0xF4, 0xFF} {
			for i := range maxLen {
				was := whole[i]
				whole[i] = b
				s := states[i]
				for n := i + 1; n <= maxLen; n++ {
					s = next(s, whole[n-1])
					if n > i+5 && n%7 != 0 {
						continue // these few ends are enough
					}
					for _, k := range kernels {
						if got := k.advance(boundary, whole[:n]); got != s {
							t.Fatalf("%s: the first %d bytes of %s, %#x at %d: state %d, want %d",
								k.name, n, text.name, b, i, got, s)
						}
					}
				}
				whole[i] = was
			}
		}
	}
}

// Each sequence of the table, inside of a text, in two pieces.
func TestSplits(t *testing.T) {
	for _, tc := range sequences {
		for _, text := range texts {
			p := []byte(text.unit + tc.p + text.unit)
			states := statesOf(p)
			for _, k := range kernels {
				for i := range len(p) + 1 {
					s := k.advance(boundary, p[:i])
					if s != states[i] {
						t.Fatalf("%s: %q[:%d]: state %d, want %d", k.name, p, i, s, states[i])
					}
					if s, want := k.advance(s, p[i:]), states[len(p)]; s != want {
						t.Fatalf("%s: %q cut at %d: state %d, want %d", k.name, p, i, s, want)
					}
				}
			}
		}
	}
}

// A refused stream stays refused.
func TestRefusedForGood(t *testing.T) {
	for _, text := range texts {
		for n := range 300 {
			p := repeat(text.unit, n)
			for _, k := range kernels {
				if got := k.advance(refused, p); got != refused {
					t.Fatalf("%s: state %d after %d bytes of %s", k.name, got, n, text.name)
				}
			}
		}
	}
}

// BenchmarkValid compares the kernels with each other and with unicode/utf8; benchstat -col
// /kernel puts them side by side.
func BenchmarkValid(b *testing.B) {
	for _, text := range texts {
		for _, n := range []int{4, 16, 64, 125, 1 << 10, 16 << 10, 1 << 20} {
			p := repeat(text.unit, n)
			for !utf8.Valid(p) {
				p = p[:len(p)-1]
			}
			for _, k := range append(kernels, kernel{"unicode", 0, advanceUnicode}) {
				if len(p) < k.min {
					continue
				}
				b.Run(fmt.Sprintf("%s/n=%d/kernel=%s", text.name, n, k.name), func(b *testing.B) {
					b.SetBytes(int64(len(p)))
					for b.Loop() {
						if k.long(boundary, p) != boundary {
							b.Fatal("not valid")
						}
					}
				})
			}
		}
	}
}

// advanceUnicode is advance by unicode/utf8, for complete texts.
func advanceUnicode(_ state, p []byte) state {
	if utf8.Valid(p) {
		return boundary
	}
	return refused
}
