package utf8stream

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/bhojpur/api/internal/poolcheck"
)

// refusedAt returns the index of the first byte of p that is refused, or len(p) if none is.
// It uses only unicode/utf8.
func refusedAt(p []byte) int {
	for i := 0; i < len(p); {
		if !utf8.FullRune(p[i:]) {
			return len(p)
		}
		r, n := utf8.DecodeRune(p[i:])
		if r != utf8.RuneError || n != 1 {
			i += n
			continue
		}
		// FullRune is also true for invalid sequences, from the refused byte on.
		for j := i + 1; j <= len(p); j++ {
			if utf8.FullRune(p[i:j]) {
				return j - 1
			}
		}
	}
	return len(p)
}

// sequences are byte sequences with the index of the first byte that is refused, or -1, and
// whether the whole is valid.
var sequences = []struct {
	name    string
	p       string
	refused int
	valid   bool
}{
	{"empty", "", -1, true},
	{"NUL", "\x00", -1, true},
	{"DEL", "\x7f", -1, true},
	{"U+0080", "\xc2\x80", -1, true},
	{"U+07FF", "\xdf\xbf", -1, true},
	{"U+0800", "\xe0\xa0\x80", -1, true},
	{"U+0FFF", "\xe0\xbf\xbf", -1, true},
	{"U+1000", "\xe1\x80\x80", -1, true},
	{"U+CFFF", "\xec\xbf\xbf", -1, true},
	{"U+D7FF", "\xed\x9f\xbf", -1, true},
	{"U+E000", "\xee\x80\x80", -1, true},
	{"U+FEFF", "\xef\xbb\xbf", -1, true},
	{"U+FFFD", "\xef\xbf\xbd", -1, true},
	{"U+FFFE", "\xef\xbf\xbe", -1, true},
	{"U+FFFF", "\xef\xbf\xbf", -1, true},
	{"U+10000", "\xf0\x90\x80\x80", -1, true},
	{"U+3FFFF", "\xf0\xbf\xbf\xbf", -1, true},
	{"U+40000", "\xf1\x80\x80\x80", -1, true},
	{"U+FFFFF", "\xf3\xbf\xbf\xbf", -1, true},
	{"U+100000", "\xf4\x80\x80\x80", -1, true},
	{"U+10FFFF", "\xf4\x8f\xbf\xbf", -1, true},
	{"all lengths", "aé€\U0001F600z", -1, true},
	{"long ASCII", strings.Repeat("hello, world ", 20), -1, true},
	{"long mixed", strings.Repeat("κόσμε 世界 \U0001F600 x", 9), -1, true},

	{"continuation alone", "\x80", 0, false},
	{"only the last continuation byte", "\xbf", 0, false},
	{"overlong NUL, 2", "\xc0\x80", 0, false},
	{"overlong DEL, 2", "\xc1\xbf", 0, false},
	{"overlong NUL, 3", "\xe0\x80\x80", 1, false},
	{"overlong U+07FF", "\xe0\x9f\xbf", 1, false},
	{"overlong NUL, 4", "\xf0\x80\x80\x80", 1, false},
	{"overlong U+FFFF", "\xf0\x8f\xbf\xbf", 1, false},
	{"first surrogate", "\xed\xa0\x80", 1, false},
	{"last surrogate", "\xed\xbf\xbf", 1, false},
	{"surrogate pair", "\xed\xa0\x81\xed\xb0\x80", 1, false},
	{"U+110000", "\xf4\x90\x80\x80", 1, false},
	{"U+13FFFF", "\xf4\xbf\xbf\xbf", 1, false},
	{"U+140000", "\xf5\x80\x80\x80", 0, false},
	{"five bytes", "\xf8\x88\x80\x80\x80", 0, false},
	{"six bytes", "\xfc\x84\x80\x80\x80\x80", 0, false},
	{"FE", "\xfe", 0, false},
	{"FF", "\xff", 0, false},
	{"lead, ASCII", "\xc3a", 1, false},
	{"lead, lead", "\xc3\xc3", 1, false},
	{"3 bytes, ASCII second", "\xe2a\x82", 1, false},
	{"3 bytes, ASCII third", "\xe2\x82a", 2, false},
	{"3 bytes, lead third", "\xe2\x82\xe2", 2, false},
	{"4 bytes, ASCII fourth", "\xf0\x9f\x98a", 3, false},
	{"4 bytes, FF fourth", "\xf1\x80\x80\xff", 3, false},
	{"after ASCII", strings.Repeat("a", 37) + "\x80", 37, false},
	{"after mixed", strings.Repeat("é", 37) + "\xed\xa0", 75, false},
	{"in the middle", strings.Repeat("é", 37) + "\xff" + strings.Repeat("é", 37), 74, false},

	{"2 bytes cut", "\xc3", -1, false},
	{"3 bytes cut after 1", "\xe2", -1, false},
	{"3 bytes cut after 2", "\xe2\x82", -1, false},
	{"4 bytes cut after 1", "\xf0", -1, false},
	{"4 bytes cut after 2", "\xf0\x9f", -1, false},
	{"4 bytes cut after 3", "\xf0\x9f\x98", -1, false},
	{"cut after a long text", strings.Repeat("a", 64) + "\xe2\x82", -1, false},
}

func TestSequences(t *testing.T) {
	for _, tc := range sequences {
		t.Run(tc.name, func(t *testing.T) {
			p := []byte(tc.p)
			if got := Valid(p); got != tc.valid || got != utf8.Valid(p) {
				t.Errorf("Valid = %v, want %v (unicode/utf8: %v)", got, tc.valid, utf8.Valid(p))
			}
			at := tc.refused
			if at < 0 {
				at = len(p)
			}
			if got := refusedAt(p); got != at {
				t.Fatalf("refused at %d by the table, at %d by unicode/utf8", at, got)
			}
			for i := range len(p) + 1 {
				checkSplit(t, p, i, at, tc.valid)
			}
		})
	}
}

// checkSplit writes p[:i] and p[i:]. at is the index of the refused byte of p, or len(p).
func checkSplit(t *testing.T, p []byte, i, at int, valid bool) {
	t.Helper()
	var v Validator
	if got, want := v.Write(p[:i]), i <= at; got != want {
		t.Errorf("Write(p[:%d]) = %v, want %v", i, got, want)
	}
	if got, want := v.Complete(), utf8.Valid(p[:i]); got != want {
		t.Errorf("after p[:%d], Complete = %v, want %v", i, got, want)
	}
	if got, want := v.Write(p[i:]), at == len(p); got != want {
		t.Errorf("split at %d: Write of the rest = %v, want %v", i, got, want)
	}
	if got := v.Complete(); got != valid {
		t.Errorf("split at %d: Complete = %v, want %v", i, got, valid)
	}
	v.Reset()
	if !v.Complete() || !v.Write([]byte("ok")) {
		t.Errorf("split at %d: not usable after Reset", i)
	}
}

// Every sequence of up to three bytes, and sequences of four bytes that begin with F0 to
// FF, in each kernel.
func TestShortSequencesAll(t *testing.T) {
	check := func(p []byte) {
		want := utf8.Valid(p)
		for _, k := range kernels {
			if len(p) < k.min {
				continue
			}
			if got := k.advance(boundary, p) == boundary; got != want {
				t.Fatalf("%s: % x: valid = %v, want %v", k.name, p, got, want)
			}
		}
	}
	edges := []byte{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff}
	third := edges
	if !poolcheck.On { // without the race detector
		third = nil
		for c := range 256 {
			third = append(third, byte(c))
		}
	}
	var p [4]byte
	for a := range 256 {
		p[0] = byte(a)
		check(p[:1])
		for b := range 256 {
			p[1] = byte(b)
			check(p[:2])
			for _, c := range third {
				p[2] = c
				check(p[:3])
			}
		}
	}
	for a := 0xf0; a <= 0xff; a++ {
		for _, b := range edges {
			for _, c := range edges {
				for _, d := range edges {
					check([]byte{byte(a), b, c, d})
				}
			}
		}
	}
}

// A sequence at each position of a longer text passes through each path of the kernel.
func TestPlaces(t *testing.T) {
	fillers := []string{"a", "é", "世", "\U0001F600"}
	for _, tc := range sequences {
		for _, filler := range fillers {
			for before := range 40 {
				p := []byte(strings.Repeat(filler, before) + tc.p + strings.Repeat(filler, 40-before))
				want := refusedAt(p) == len(p)
				for _, k := range kernels {
					if got := k.advance(boundary, p) != refused; got != want {
						t.Fatalf("%s: %s after %d of %q: %v, want %v", k.name, tc.name, before, filler, got, want)
					}
				}
				if got := Valid(p); got != utf8.Valid(p) {
					t.Fatalf("%s after %d of %q: Valid = %v", tc.name, before, filler, got)
				}
			}
		}
	}
}

func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 20000
	if poolcheck.On { // with the race detector
		rounds = 2000
	}
	for range rounds {
		p := randomText(r)
		at := refusedAt(p)
		var v Validator
		for i := 0; i < len(p); {
			n := min(1+r.IntN(50), len(p)-i)
			ok := v.Write(p[i : i+n])
			i += n
			if ok != (i <= at) {
				t.Fatalf("%x: Write up to %d = %v, refused at %d", p, i, ok, at)
			}
		}
		if v.Complete() != utf8.Valid(p) || Valid(p) != utf8.Valid(p) {
			t.Fatalf("%x: Complete = %v, Valid = %v, want %v", p, v.Complete(), Valid(p), utf8.Valid(p))
		}
	}
}

// randomText returns text with sequences of all lengths, and in half of the cases with one
// byte replaced.
func randomText(r *rand.Rand) []byte {
	limits := []int32{0x80, 0x80, 0x800, 0x10000, 0x110000}
	var p []byte
	for range r.IntN(80) {
		p = utf8.AppendRune(p, r.Int32N(limits[r.IntN(len(limits))]))
	}
	if len(p) > 0 && r.IntN(2) == 0 {
		p[r.IntN(len(p))] = byte(r.Uint32())
	}
	if len(p) > 0 && r.IntN(4) == 0 {
		p = p[:r.IntN(len(p))]
	}
	return p
}

// IsASCII finds a byte that is not ASCII at each index of any length.
func TestIsASCII(t *testing.T) {
	for n := range 200 {
		p := []byte(strings.Repeat("\x7f", n))
		if !IsASCII(p) {
			t.Fatalf("%d bytes are not ASCII", n)
		}
		for i := range p {
			p[i] = 0x80
			if IsASCII(p) {
				t.Fatalf("%d bytes with 80 at %d are ASCII", n, i)
			}
			p[i] = 0
		}
	}
}

func TestSmall(t *testing.T) {
	if n := unsafe.Sizeof(Validator{}); n > 16 {
		t.Errorf("a Validator has %d bytes, want at most 16", n)
	}
	p := []byte(strings.Repeat("κόσμε ", 30))
	var v Validator
	if n := testing.AllocsPerRun(100, func() { v.Write(p); v.Reset() }); n != 0 {
		t.Errorf("Write allocates %v times", n)
	}
}

// FuzzValidator compares a Validator with unicode/utf8, in any pieces and at any alignment.
func FuzzValidator(f *testing.F) {
	for _, tc := range sequences {
		f.Add([]byte(tc.p), uint16(1), uint16(1))
	}
	for _, text := range texts {
		f.Add(repeat(text.unit, 300), uint16(90), uint16(100)) // long enough for vectors
		f.Add(repeat(text.unit, 700), uint16(0x1d00+1), uint16(333))
	}
	f.Fuzz(func(t *testing.T, p []byte, a, b uint16) {
		shift := int(a>>8) % 64
		p = append(make([]byte, shift, shift+len(p)), p...)[shift:]
		i := int(a) % (len(p) + 1)
		j := i + int(b)%(len(p)-i+1)
		at := refusedAt(p)
		var v Validator
		for _, cut := range []struct{ from, to int }{{0, i}, {i, j}, {j, len(p)}} {
			if got, want := v.Write(p[cut.from:cut.to]), cut.to <= at; got != want {
				t.Fatalf("% x, cut at %d and %d: Write up to %d = %v, refused at %d", p, i, j, cut.to, got, at)
			}
		}
		if got, want := v.Complete(), utf8.Valid(p); got != want {
			t.Fatalf("% x, cut at %d and %d: Complete = %v, want %v", p, i, j, got, want)
		}
		for _, k := range kernels {
			got := k.advance(k.advance(k.advance(boundary, p[:i]), p[i:j]), p[j:])
			if want := advanceBytewise(boundary, p); got != want {
				t.Fatalf("%s: % x, cut at %d and %d: state %d, want %d", k.name, p, i, j, got, want)
			}
		}
	})
}
