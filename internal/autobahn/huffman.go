package autobahn

import (
	"math/bits"
	"sync"
)

// An entry is the meaning of the next bits of the input. From the lowest bit:
//
//	0-7    number of bits to take, including extra bits
//	8-11   number of bits of the code, before the extra bits
//	13-15  kinds, below
//	16-30  a literal; the base to which extra bits are added; the start of
//	       a second table
//	31     literalEntry
type entry uint32

const (
	// literalEntry is an output byte, or a code length.
	literalEntry entry = 1 << 31

	// oddEntry is neither a literal nor a base: it is one of the two below, or an
	// invalid code.
	oddEntry entry = 1 << 15
	subEntry entry = 1 << 14 // the code continues in a second table with this number of bits in 8-11
	endEntry entry = 1 << 13 // the end of the block
)

func (e entry) take() uint     { return uint(e & 0xff) }
func (e entry) codeBits() uint { return uint(e >> 8 & 0xf) }
func (e entry) base() int      { return int(e >> 16 & 0x7fff) }

// value returns the base with the extra bits of b, which begins with the code.
func (e entry) value(b bitBuffer) int {
	return e.base() + int(b.next&(1<<(e.take()&63)-1)>>e.codeBits())
}

// withCode returns e, which has its extra bits in 0-7, for a code of n bits.
func (e entry) withCode(n int) entry { return e + entry(n) | entry(n)<<8 }

const (
	maxCodeBits  = 15
	maxTableBits = 11 // of a first table, which fits into the first-level cache
	maxSymbols   = 288
)

// A table decodes one Huffman code (RFC 1951 section 3.2.2).
type table struct {
	first [1 << maxTableBits]entry
	mask  uint64 // of the bits that index first
	bits  uint   // their number

	// second is for longer codes. The first table has the offsets.
	second []entry
}

// lookup returns the entry of the next code in the first table.
func (t *table) lookup(b bitBuffer) entry {
	return t.first[b.next&t.mask&(1<<maxTableBits-1)]
}

// lookupSecond returns the entry in the second table, given the first table's entry e
// for a longer code. It also takes the bits of the first table.
func (t *table) lookupSecond(e entry, b bitBuffer) (entry, bitBuffer) {
	b = b.drop(t.bits)
	return t.second[e.base()+int(b.next&(1<<e.codeBits()-1))], b
}

// build builds the table of the code whose symbol i has lengths[i] bits, 0 for none,
// and the entry meanings[i]. It reports whether the code is valid by zlib's rules: not
// over-subscribed, and not incomplete, except for a single symbol of one bit, and for
// no symbols, which are an error only when one is read.
func (t *table) build(lengths []uint8, meanings []entry) bool {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	symbols := len(lengths) - count[0]
	count[0] = 0
	longest, left := 0, 1 // unassigned part of the code space
	for n := 1; n <= maxCodeBits; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return false
		}
		if count[n] > 0 {
			longest = n
		}
	}
	if left > 0 && longest > 1 {
		return false
	}
	t.bits = uint(min(max(longest, 1), maxTableBits))
	t.mask = 1<<t.bits - 1
	t.second = t.second[:0]
	if left > 0 {
		t.first[0], t.first[1] = oddEntry, oddEntry
	}

	// Sort symbols in the order of their codes: by length, then by number.
	var next [maxCodeBits + 2]int
	for n := 1; n <= maxCodeBits; n++ {
		next[n+1] = next[n] + count[n]
	}
	var sorted [maxSymbols]uint16
	for symbol, n := range lengths {
		if n > 0 {
			sorted[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	t.fill(sorted[:symbols], &count, meanings)
	return true
}

// fill adds symbols, sorted by code; count[n] of them have n bits.
func (t *table) fill(sorted []uint16, count *[maxCodeBits + 1]int, meanings []entry) {
	code, i := 0, 0 // the next code, and the index of its symbol in sorted
	short := int(t.bits)
	for n := 1; n <= short; n++ {
		// Entries of shorter codes apply to both values of the next bit.
		copy(t.first[1<<(n-1):1<<n], t.first[:1<<(n-1)])
		for range count[n] {
			t.first[reverse(code, n)] = meanings[sorted[i]].withCode(n)
			i, code = i+1, code+1
		}
		code <<= 1
	}
	prefix, width, begin := -1, 0, 0 // of the current second table
	for n := short + 1; n <= maxCodeBits; n++ {
		for range count[n] {
			rest := n - short
			if p := code >> rest; p != prefix {
				// Use the width of the longest code with this prefix.
				prefix, width = p, rest
				for room := 1<<width - count[n]; room > 0; {
					width++
					room = room<<1 - count[short+width]
				}
				begin = len(t.second)
				t.second = append(t.second, make([]entry, 1<<width)...)
				t.first[reverse(p, short)] = oddEntry | subEntry | entry(width)<<8 | entry(begin)<<16
			}
			e := meanings[sorted[i]].withCode(rest)
			for at := reverse(code&(1<<rest-1), rest); at < 1<<width; at += 1 << rest {
				t.second[begin+at] = e
			}
			count[n]--
			i, code = i+1, code+1
		}
		code <<= 1
	}
}

// reverse reverses the low n bits of code: codes are stored from their highest bit, all
// other values from their lowest.
func reverse(code, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }

// Entries of symbols, without their codes (RFC 1951 section 3.2.5).
var (
	lengthMeanings     = makeLengthMeanings()
	distanceMeanings   = makeDistanceMeanings()
	codeLengthMeanings = makeLiterals(19)
)

func makeLiterals(n int) []entry {
	var m []entry
	for i := range n {
		m = append(m, literalEntry|entry(i)<<16)
	}
	return m
}

// makeLengthMeanings returns the entries of literals, the end of a block and match
// lengths.
func makeLengthMeanings() []entry {
	m := append(makeLiterals(256), oddEntry|endEntry)
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		m = append(m, entry(base)<<16|entry(extra))
		base += 1 << extra
	}
	return append(m, 258<<16, oddEntry, oddEntry)
}

func makeDistanceMeanings() []entry {
	var m []entry
	base := 1
	for i := range 30 {
		extra := max(0, i/2-1)
		m = append(m, entry(base)<<16|entry(extra))
		base += 1 << extra
	}
	return append(m, oddEntry, oddEntry)
}

// fixedTables are the tables of RFC 1951 section 3.2.6, built on first use.
var fixedTables = sync.OnceValue(func() *[2]table {
	var lengths [maxSymbols]uint8
	for i := range lengths {
		switch {
		case i < 144 || i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	var distances [32]uint8
	for i := range distances {
		distances[i] = 5
	}
	t := new([2]table)
	t[0].build(lengths[:], lengthMeanings)
	t[1].build(distances[:], distanceMeanings)
	return t
})
