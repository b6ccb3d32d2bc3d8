package autobahn

import (
	"math/bits"
	"sync"
)

// An entry says what the bits that come next mean. From the lowest bit:
//
//	0-7    bits to take, extra bits among them
//	8-11   how many of them are the code, in front of the extra bits
//	13-15  kinds, below
//	16-30  a literal; the number that extra bits are added to; where a
//	       second table begins
//	31     literalEntry
type entry uint32

const (
	// literalEntry is an output byte, or a code length.
	literalEntry entry = 1 << 31

	// oddEntry is neither a literal nor a base: one of the two below, or a
	// code that means nothing.
	oddEntry entry = 1 << 15
	subEntry entry = 1 << 14 // the code goes on in a second table, 8-11: its bits
	endEntry entry = 1 << 13 // the end of the block
)

func (e entry) take() uint     { return uint(e & 0xff) }
func (e entry) codeBits() uint { return uint(e >> 8 & 0xf) }
func (e entry) base() int      { return int(e >> 16 & 0x7fff) }

// value returns the base with the extra bits of b, which begins with the code.
func (e entry) value(b bitBuffer) int {
	return e.base() + int(b.next&(1<<(e.take()&63)-1)>>e.codeBits())
}

// withCode returns the meaning e, which has its extra bits in 0-7, of a code of
// n bits.
func (e entry) withCode(n int) entry { return e + entry(n) | entry(n)<<8 }

const (
	maxCodeBits  = 15
	maxTableBits = 11 // of a first table, which so fits into the first cache
	maxSymbols   = 288
)

// A table decodes one Huffman code (RFC 1951 section 3.2.2).
type table struct {
	first [1 << maxTableBits]entry
	mask  uint64 // of the bits that index first
	bits  uint   // their number

	// second is for codes that are longer. The first table says where.
	second []entry
}

// lookup returns what the code that comes next means, by the first table.
func (t *table) lookup(b bitBuffer) entry {
	return t.first[b.next&t.mask&(1<<maxTableBits-1)]
}

// lookupSecond returns the same by the second table, where e, of the first, says
// that the code goes on. The bits of the first table are taken then.
func (t *table) lookupSecond(e entry, b bitBuffer) (entry, bitBuffer) {
	b = b.drop(t.bits)
	return t.second[e.base()+int(b.next&(1<<e.codeBits()-1))], b
}

// build makes the table of the code whose symbol i has lengths[i] bits, 0 for
// none, and means meanings[i]. It reports whether that is a code, as zlib sees
// it: what is over-subscribed is none, nor is what is incomplete, but for a
// single symbol of one bit, and for no symbols, which are an error only when one
// is read.
func (t *table) build(lengths []uint8, meanings []entry) bool {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	symbols := len(lengths) - count[0]
	count[0] = 0
	longest, left := 0, 1 // of the code's space
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

	// Symbols in the order of their codes: by length, and then by number.
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

// fill enters symbols, sorted by code, of which there are count[n] of n bits.
func (t *table) fill(sorted []uint16, count *[maxCodeBits + 1]int, meanings []entry) {
	code, i := 0, 0 // the next code, and its symbol's place in sorted
	short := int(t.bits)
	for n := 1; n <= short; n++ {
		// What shorter codes mean, they mean whichever bit comes next.
		copy(t.first[1<<(n-1):1<<n], t.first[:1<<(n-1)])
		for range count[n] {
			t.first[reverse(code, n)] = meanings[sorted[i]].withCode(n)
			i, code = i+1, code+1
		}
		code <<= 1
	}
	prefix, width, begin := -1, 0, 0 // of the second table at hand
	for n := short + 1; n <= maxCodeBits; n++ {
		for range count[n] {
			rest := n - short
			if p := code >> rest; p != prefix {
				// As wide as the codes that share the prefix need.
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

// reverse returns the low n bits of code in the other order: codes come from
// their highest bit, everything else from its lowest.
func reverse(code, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }

// Meanings of symbols, without their codes (RFC 1951 section 3.2.5).
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

// makeLengthMeanings is of literals, the end of a block and lengths of matches.
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

// fixedTables are those of RFC 1951 section 3.2.6, made when they are first used.
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
