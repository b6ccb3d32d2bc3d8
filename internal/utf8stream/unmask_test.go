package utf8stream

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/poolcheck"
)

// An unmasker is an implementation of unmaskLong for at least min bytes.
type unmasker struct {
	name   string
	min    int
	unmask func(s state, dst, src []byte, key uint32) state
}

// unmaskers are those that this processor can run. Files for some architectures add theirs.
var unmaskers = []unmasker{
	{"platform", 0, unmaskByValidator},
	{"generic", 0, unmaskGeneric},
}

func unmaskByValidator(s state, dst, src []byte, key uint32) state {
	v := Validator{at: s}
	next, ok := v.Unmask(dst, src, key)
	if want := bits.RotateLeft32(key, -8*(len(src)%4)); next != want {
		panic(fmt.Sprintf("the next key is %08x, want %08x", next, want))
	}
	if ok != (v.at != refused) {
		panic("ok and the state differ")
	}
	return v.at
}

// unmaskTwice is unmaskLong in two passes.
func unmaskTwice(s state, dst, src []byte, key uint32) state {
	mask.Copy(dst, src, key)
	return advanceBytewise(s, dst)
}

const testKey = 0xC3785A12 // some of its bytes are ASCII

// unmaskLengths returns all short lengths, and lengths from which the platform's kernels are
// used.
func unmaskLengths() []int {
	var lengths []int
	for n := range 300 {
		lengths = append(lengths, n)
	}
	for n := 680; n < 840; n += 3 {
		lengths = append(lengths, n)
	}
	for n := 4090; n < 4400; n += 23 {
		lengths = append(lengths, n)
	}
	return lengths
}

// unmaskCase unmasks masked, which is text masked with key, into dst with u, and checks the
// state and the bytes.
func unmaskCase(t *testing.T, u unmasker, s state, dst, masked, text []byte, key uint32, what func() string) {
	t.Helper()
	want := advanceBytewise(s, text)
	if got := u.unmask(s, dst, masked, key); got != want {
		t.Fatalf("%s: %s: state %d, want %d", u.name, what(), got, want)
	}
	if want != refused && !bytes.Equal(dst, text) {
		t.Fatalf("%s: %s: wrong bytes", u.name, what())
	}
}

// All lengths at all alignments of source and destination, with each rotation of the key,
// in place and into other memory. Pieces begin and end anywhere in a sequence.
func TestUnmaskLengthsAndAlignments(t *testing.T) {
	const maxAlign, around = 64, 70
	step := 3
	if poolcheck.On { // with the race detector
		step = 15
	}
	for _, text := range texts {
		whole := repeat(text.unit, 4500+maxAlign)
		states := statesOf(whole)
		for i, n := range unmaskLengths() {
			for align := i % step; align < maxAlign; align += step {
				from := align
				p, s := whole[from:from+n], states[from]
				key := bits.RotateLeft32(testKey, align/3%4*8)
				src := make([]byte, align+n+around)
				mask.Copy(src[align:], p, key)
				shift := (align*7 + 21) % maxAlign
				dst := make([]byte, shift+n+around)
				for _, u := range unmaskers {
					if n < u.min {
						continue
					}
					what := func() string { return fmt.Sprintf("%d bytes of %s at %d, key %08x", n, text.name, align, key) }
					clear(dst)
					unmaskCase(t, u, s, dst[shift:shift+n], src[align:align+n], p, key, what)
					if len(bytes.Trim(dst[:shift], "\x00"))+len(bytes.Trim(dst[shift+n:], "\x00")) > 0 {
						t.Fatalf("%s: %s: wrote around it", u.name, what())
					}
					inPlace := bytes.Clone(src)
					unmaskCase(t, u, s, inPlace[align:align+n], inPlace[align:align+n], p, key, what)
					if !bytes.Equal(inPlace[:align], src[:align]) || !bytes.Equal(inPlace[align+n:], src[align+n:]) {
						t.Fatalf("%s: %s, in place: wrote around it", u.name, what())
					}
				}
			}
		}
	}
}

// One byte is replaced, anywhere in a text that is long enough for the platform's kernels.
func TestUnmaskOneByteAnywhere(t *testing.T) {
	for _, n := range []int{260, 800} {
		for _, text := range texts {
			p := repeat(text.unit, n)
			masked, dst := make([]byte, n), make([]byte, n)
			for i := range n {
				for _, b := range []byte{'a', 0x80, 0xBF, 0xC3, 0xE0, 0xED, 0xF4, 0xFF} {
					was := p[i]
					p[i] = b
					mask.Copy(masked, p, testKey)
					for _, u := range unmaskers {
						if n < u.min {
							continue
						}
						unmaskCase(t, u, boundary, dst, masked, p, testKey, func() string {
							return fmt.Sprintf("%d bytes of %s, %#x at %d", n, text.name, b, i)
						})
					}
					p[i] = was
				}
			}
		}
	}
}

// Each sequence of the table is split between two pieces of a stream. Unmask accepts and
// refuses the same pieces as two passes.
func TestUnmaskSplits(t *testing.T) {
	for _, tc := range sequences {
		for _, text := range texts {
			for _, size := range []int{270, 5000} { // of the text on each side
				filler := repeat(text.unit, size)
				for advanceBytewise(boundary, filler) != boundary {
					filler = filler[:len(filler)-1]
				}
				p := append(append(bytes.Clone(filler), tc.p...), filler...)
				masked := make([]byte, len(p))
				mask.Copy(masked, p, testKey)
				first := max(len(filler)-2, len(filler)+len(tc.p)/2-5)
				for i := first; i <= first+10; i++ {
					checkUnmaskSplit(t, p, masked, i, tc.name+" in "+text.name)
				}
			}
		}
	}
}

func checkUnmaskSplit(t *testing.T, p, masked []byte, i int, name string) {
	t.Helper()
	var v, twin Validator
	got, want := make([]byte, len(p)), make([]byte, len(p))
	key, twinKey := uint32(testKey), uint32(testKey)
	for _, piece := range [][2]int{{0, i}, {i, len(p)}} {
		from, to := piece[0], piece[1]
		var ok bool
		key, ok = v.Unmask(got[from:to], masked[from:to], key)
		twinKey = mask.Copy(want[from:to], masked[from:to], twinKey)
		if wantOK := twin.Write(want[from:to]); ok != wantOK || v != twin || key != twinKey {
			t.Fatalf("%s, cut at %d: Unmask up to %d: %v, state %d, key %08x, want %v, %d, %08x",
				name, i, to, ok, v.at, key, wantOK, twin.at, twinKey)
		}
		if ok && !bytes.Equal(got[from:to], want[from:to]) {
			t.Fatalf("%s, cut at %d: wrong bytes up to %d", name, i, to)
		}
	}
	if v.Complete() != twin.Complete() {
		t.Fatalf("%s, cut at %d: Complete = %v", name, i, v.Complete())
	}
}

// Text with sequences of all lengths in pieces of all lengths.
func TestUnmaskRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	rounds := 300
	if poolcheck.On { // with the race detector
		rounds = 30
	}
	for range rounds {
		var p []byte
		for len(p) < 12000 {
			p = append(p, validText(r)...)
		}
		if r.IntN(2) == 0 {
			p[r.IntN(len(p))] = byte(r.Uint32())
		}
		key := r.Uint32()
		masked := make([]byte, len(p))
		mask.Copy(masked, p, key)
		var v, twin Validator
		for i := 0; i < len(p); {
			n := min(1+r.IntN(1<<r.IntN(14)), len(p)-i)
			var ok bool
			key, ok = v.Unmask(masked[i:i+n], masked[i:i+n], key)
			if want := twin.Write(p[i : i+n]); ok != want || v != twin {
				t.Fatalf("Unmask of %d bytes at %d: %v, state %d, want %v, %d", n, i, ok, v.at, want, twin.at)
			}
			if !ok {
				break
			}
			if !bytes.Equal(masked[i:i+n], p[i:i+n]) {
				t.Fatalf("%d bytes at %d are wrong", n, i)
			}
			i += n
		}
	}
}

// validText returns text whose sequences have up to one, two, three or four bytes.
func validText(r *rand.Rand) []byte {
	limits := []int32{0x80, 0x800, 0xD800, 0x110000}
	limit := limits[r.IntN(len(limits))]
	var p []rune
	for range r.IntN(200) {
		p = append(p, r.Int32N(limit))
	}
	return []byte(string(p))
}

func TestUnmaskAllocatesNothing(t *testing.T) {
	p := repeat(texts[5].unit, 10000)
	var v Validator
	if n := testing.AllocsPerRun(100, func() { v.Unmask(p, p, 0); v.Reset() }); n != 0 {
		t.Errorf("Unmask allocates %v times", n)
	}
}

func TestUnmaskPanicsWhenShort(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Unmask into a shorter slice did not panic")
		}
	}()
	new(Validator).Unmask(make([]byte, 299), make([]byte, 300), 1)
}

// FuzzUnmask compares one pass with two, in three pieces and at any alignment of source and
// destination. The text is repeated, so that short inputs reach the vector kernels.
func FuzzUnmask(f *testing.F) {
	for _, tc := range sequences {
		f.Add([]byte(tc.p), uint32(testKey), uint16(1), uint16(1), uint16(300))
	}
	for _, text := range texts {
		f.Add(repeat(text.unit, 300), uint32(testKey), uint16(90), uint16(100), uint16(2))
		f.Add(repeat(text.unit, 700), uint32(1), uint16(0x1d00+1), uint16(0x2d00+600), uint16(9))
	}
	f.Fuzz(func(t *testing.T, unit []byte, key uint32, a, b, times uint16) {
		p := bytes.Repeat(unit, int(times%512)+1)
		p = p[:min(len(p), 20000)]
		shift, other := int(a>>8)%64, int(b>>8)%64
		src := make([]byte, shift+len(p))[shift:]
		mask.Copy(src, p, key)
		i := int(a) % (len(p) + 1)
		j := i + int(b)%(len(p)-i+1)
		for _, u := range unmaskers {
			dst := make([]byte, other+len(p))[other:]
			s, next := boundary, key
			for _, cut := range [][2]int{{0, i}, {i, j}, {j, len(p)}} {
				from, to := cut[0], cut[1]
				want := advanceBytewise(s, p[from:to])
				got := unmaskTwice(s, dst[from:to], src[from:to], next)
				if to-from >= u.min {
					got = u.unmask(s, dst[from:to], src[from:to], next)
				}
				if got != want || got != refused && !bytes.Equal(dst[from:to], p[from:to]) {
					t.Fatalf("%s: % x %d times, cut at %d and %d: state %d, want %d; bytes equal: %v",
						u.name, unit, times, i, j, got, want, bytes.Equal(dst[from:to], p[from:to]))
				}
				s, next = got, bits.RotateLeft32(next, -8*((to-from)%4))
			}
		}
	})
}

// BenchmarkUnmask compares one pass with two; benchstat -col /kernel puts them side by side.
func BenchmarkUnmask(b *testing.B) {
	twice := unmasker{"twice", 0, func(s state, dst, src []byte, key uint32) state {
		for len(src) > 0 {
			n := min(len(src), 16<<10)
			mask.Copy(dst[:n], src[:n], key)
			s = advance(s, dst[:n])
			dst, src = dst[n:], src[n:]
		}
		return s
	}}
	for _, text := range texts {
		for _, n := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20} {
			for _, u := range append(unmaskers, twice) {
				if n < u.min {
					continue
				}
				b.Run(fmt.Sprintf("%s/n=%d/kernel=%s", text.name, n, u.name), func(b *testing.B) {
					p := repeat(text.unit, n)
					b.SetBytes(int64(n))
					for b.Loop() {
						if u.unmask(boundary, p, p, 0) == refused {
							b.Fatal("not valid")
						}
					}
				})
			}
		}
	}
}
