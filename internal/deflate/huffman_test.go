package deflate

import (
	"bytes"
	"errors"
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestBuild(t *testing.T) {
	tests := []struct {
		name string
		lens []uint8
		ok   bool
	}{
		{"no code", []uint8{0, 0, 0}, true},
		{"one code of one bit", []uint8{0, 1, 0}, true},
		{"one code of two bits", []uint8{0, 2, 0}, false},
		{"two codes", []uint8{1, 0, 1}, true},
		{"three lengths", []uint8{1, 2, 3, 3}, true},
		{"too many", []uint8{1, 1, 1}, false},
		{"too many later", []uint8{1, 2, 2, 15}, false},
		{"too few", []uint8{1, 2, 3}, false},
		{"all lengths", []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15}, true},
	}
	for _, tc := range tests {
		tab := table{entries: make([]entry, distTableSize)}
		if ok := tab.build(tc.lens, distEntries[:], distTableBits); ok != tc.ok {
			t.Errorf("%s: build = %v, want %v", tc.name, ok, tc.ok)
		}
	}
}

// randomLens are the lengths of a complete code of n symbols. The more skew,
// the longer the longest.
func randomLens(r *rand.Rand, n int, skew float64) []uint8 {
	lens := []uint8{1, 1}
	for len(lens) < n {
		i := r.IntN(len(lens))
		if r.Float64() < skew {
			i = len(lens) - 1
		}
		if lens[i] == maxCodeLen {
			continue
		}
		lens[i]++
		lens = append(lens, lens[i])
	}
	r.Shuffle(len(lens), func(i, j int) { lens[i], lens[j] = lens[j], lens[i] })
	return lens
}

// Every code of a table is found, whatever follows it, and the tables have room
// for what complete codes need.
func TestTablesDecode(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	codes := []struct {
		symbols, size int
		meanings      []entry
		root          uint
	}{
		{286, litTableSize, litEntries[:], litTableBits},
		{30, distTableSize, distEntries[:], distTableBits},
		{19, 1 << 7, lenEntries[:], lenTableBits},
	}
	for _, c := range codes {
		for i := range 500 {
			lens := randomLens(r, 2+r.IntN(c.symbols-1), []float64{0, 0.01, 0.1, 0.5, 0.9}[i%5])
			if c.root == lenTableBits {
				for i := range lens {
					if lens[i] > 7 {
						lens = nil
						break
					}
				}
			}
			checkTable(t, lens, c.meanings, c.root, c.size)
		}
	}
}

func checkTable(t *testing.T, lens []uint8, meanings []entry, root uint, size int) {
	t.Helper()
	tab := table{entries: make([]entry, size)}
	if !tab.build(lens, meanings, root) {
		t.Fatalf("not a complete code: %v", lens)
	}
	code := 0
	for n := uint8(1); n <= maxCodeLen; n++ {
		for symbol, l := range lens {
			if l != n {
				continue
			}
			for _, after := range []uint64{0, 0x2aaaa, 0x3ffff} {
				d := decoder{nbits: 40}
				d.bits = uint64(bits.Reverse16(uint16(code))>>(16-n)) | after<<n
				e, at, ok := d.lookUp(&tab, 0)
				code := e.codeLen()
				if !ok || at+code != uint(n) || e != meanings[symbol].coded(code) {
					t.Fatalf("symbol %d of %d bits: entry %08x, %d bits, %v; want %08x", symbol, n, e, at+code, ok, meanings[symbol])
				}
			}
			code++
		}
		code <<= 1
	}
}

// A bitWriter collects bits, the first in the lowest of a byte.
type bitWriter struct {
	dst   []byte
	bits  uint64
	nbits uint
}

func (w *bitWriter) put(v uint64, n uint) {
	w.bits |= v << w.nbits
	for w.nbits += n; w.nbits >= 8; w.nbits -= 8 {
		w.dst = append(w.dst, byte(w.bits))
		w.bits >>= 8
	}
}

// dynamicBlock begins a dynamic block with these code lengths, each written as
// four bits, and leaves its symbols to rest.
func dynamicBlock(lit, dist []uint8, rest func(*bitWriter)) []byte {
	w := bitWriter{dst: make([]byte, 0, 1000)}
	put := w.put
	put(0b100, 3)
	put(uint64(len(lit)-257), 5)
	put(uint64(len(dist)-1), 5)
	put(19-4, 4)
	for _, symbol := range lenOrder {
		n := uint64(4)
		if symbol > 15 {
			n = 0
		}
		put(n, 3)
	}
	for _, n := range append(bytes.Clone(lit), dist...) {
		put(uint64(bits.Reverse8(n)>>4), 4)
	}
	rest(&w)
	put(0, 3+7) // up to the end of the byte
	return w.dst
}

func TestDynamicBlocks(t *testing.T) {
	// The codes: 'a', end of block and length 3 have 2, 2 and 1 bits.
	lens := func(a, end, length3 uint8) []uint8 {
		p := make([]uint8, 258)
		p['a'], p[endOfBlock], p[257] = a, end, length3
		return p
	}
	const a, end, three = 0b01, 0b11, 0b0
	put := func(codes ...uint64) func(*bitWriter) {
		return func(w *bitWriter) {
			for i := 0; i < len(codes); i += 2 {
				w.put(codes[i], uint(codes[i+1]))
			}
		}
	}
	tests := []struct {
		name string
		p    []byte
		want string // "-" if corrupt
	}{
		{"literals, no distances", dynamicBlock(lens(2, 2, 1), []uint8{0}, put(a, 2, a, 2, end, 2)), "aa"},
		{"one distance", dynamicBlock(lens(2, 2, 1), []uint8{1}, put(a, 2, three, 1, 0, 1, end, 2)), "aaaa"},
		{"the other code of one", dynamicBlock(lens(2, 2, 1), []uint8{1}, put(a, 2, three, 1, 1, 1, end, 2)), "-"},
		{"a match without distances", dynamicBlock(lens(2, 2, 1), []uint8{0}, put(a, 2, three, 1, 0, 1, end, 2)), "-"},
		{"end of block alone", dynamicBlock(lens(0, 1, 0), []uint8{0}, put(0, 1)), ""},
		{"no end of block", dynamicBlock(lens(1, 0, 1), []uint8{0}, put(0, 1)), "-"},
		{"too many codes", dynamicBlock(lens(1, 1, 1), []uint8{0}, put(0, 1)), "-"},
		{"too few codes", dynamicBlock(lens(2, 2, 2), []uint8{0}, put(0, 1)), "-"},
		{"too few distances", dynamicBlock(lens(2, 2, 1), []uint8{2, 2}, put(end, 2)), "-"},
	}
	for _, tc := range tests {
		for _, source := range sources {
			t.Run(tc.name+"/"+source.name, func(t *testing.T) {
				got, err := readMessage(NewInflater(maxWindowBits, false), source.wrap(bytes.NewReader(tc.p)), 10)
				if tc.want == "-" {
					if !errors.Is(err, ErrCorrupt) {
						t.Fatalf("%q, error %v; want one that is ErrCorrupt", got, err)
					}
				} else if err != nil || string(got) != tc.want {
					t.Fatalf("%q, error %v; want %q", got, err, tc.want)
				}
			})
		}
	}
}
