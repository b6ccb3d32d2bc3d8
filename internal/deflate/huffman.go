package deflate

import "math/bits"

const (
	maxCodeLen = 15 // RFC 1951 section 3.2.7

	litSymbols  = 288 // of which 286 and 287 never occur
	distSymbols = 32  // of which 30 and 31 never occur
	endOfBlock  = 256

	// The widths of the first-level tables, and the most entries that a table
	// of that width with its second levels has for a complete code of at most
	// 15 bits.
	litTableBits  = 10
	litTableSize  = 1334
	distTableBits = 8
	distTableSize = 402
	lenTableBits  = 7
	lenTableSize  = 1 << lenTableBits
	lenSymbols    = 19
)

// An entry of a table says what the next bits of the input are:
//
//	bits 0-3    how many of them the code takes, at this level
//	bits 4-7    how many extra bits follow (in a link: the next level's width)
//	bits 8-10   what kind of entry it is
//	bits 16-31  the literal, the base of the length or distance, or where the
//	            next level begins
type entry uint32

const (
	kindLiteral entry = iota << 8
	kindBase          // a length or a distance
	kindEnd           // end of block
	kindLink          // the code is longer than the first level
	kindInvalid       // no code, or a symbol that never occurs
	kindMask    entry = 7 << 8
)

func (e entry) codeLen() uint { return uint(e & 15) }
func (e entry) extra() uint   { return uint(e >> 4 & 15) }
func (e entry) value() int    { return int(e >> 16) }

// invalid takes one bit, so that it is not met before there is one.
const invalid = kindInvalid | 1

// A table decodes one Huffman code. A code of more than root bits goes through
// a second level, which a link of the first leads to.
type table struct {
	entries []entry
	root    uint
}

// build makes t the table of the canonical code with these lengths (RFC 1951
// section 3.2.2), of which symbols says what each symbol means. It reports
// whether the lengths are a complete code, or one of the two other kinds that
// zlib's peers make: no code at all, and a single code of one bit.
// t.entries has room for the table.
func (t *table) build(lens []uint8, symbols []entry, rootBits uint) bool {
	count := countLens(lens)
	longest := uint(maxCodeLen)
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	if longest == 0 {
		t.root = 0
		t.entries = t.entries[:1]
		t.entries[0] = invalid
		return true
	}
	left := 1
	var next [maxCodeLen + 1]uint16  // the first code of each length
	var place [maxCodeLen + 1]uint16 // where its symbols begin in sorted
	code, n := 0, 0
	for size := 1; size <= int(longest); size++ {
		next[size], place[size] = uint16(code), uint16(n)
		code = (code + count[size]) << 1
		n += count[size]
		left = left<<1 - count[size]
		if left < 0 {
			return false
		}
	}
	if left > 0 && (longest != 1 || count[1] != 1) {
		return false
	}

	var sorted [litSymbols]uint16 // the symbols that have codes, in the order of these
	for symbol, size := range lens {
		if size > 0 {
			sorted[place[size]] = uint16(symbol)
			place[size]++
		}
	}
	t.root = min(rootBits, longest)
	t.entries = t.entries[:1<<t.root]
	if left > 0 {
		t.entries[0], t.entries[1] = symbols[sorted[0]]|1, invalid
		return true
	}
	rest := t.fill(&count, sorted[:n], symbols)
	if longest > t.root {
		t.link(&count, &next, longest)
		for size := t.root + 1; size <= longest; size++ {
			for i := range count[size] {
				c := next[size] + uint16(i)
				t.putLong(uint(bits.Reverse16(c)>>(16-size)), size, symbols[rest[i]])
			}
			rest = rest[count[size]:]
		}
	}
	return true
}

// countLens counts the codes of each length, with count[0] for none. Four at a
// time have counters of their own, as each that is counted twice in a row waits
// for the first time.
func countLens(lens []uint8) (count [maxCodeLen + 1]int) {
	var counts [4][maxCodeLen + 1]uint16
	i := 0
	for ; i+4 <= len(lens); i += 4 {
		l := lens[i : i+4 : i+4]
		counts[0][l[0]&maxCodeLen]++
		counts[1][l[1]&maxCodeLen]++
		counts[2][l[2]&maxCodeLen]++
		counts[3][l[3]&maxCodeLen]++
	}
	for ; i < len(lens); i++ {
		counts[0][lens[i]&maxCodeLen]++
	}
	for n := range count {
		count[n] = int(counts[0][n] + counts[1][n] + counts[2][n] + counts[3][n])
	}
	return count
}

// fill makes the first level for the codes that fit, of which the shortest come
// first, and returns the symbols of the longer ones. A table for codes of up to n
// bits, twice in a row, is one for codes of up to n+1 bits: so each code is put
// into it once, and what it is the beginning of is copied.
func (t *table) fill(count *[maxCodeLen + 1]int, sorted []uint16, symbols []entry) []uint16 {
	size := 1
	code := 0 // in the order of the input's bits
	for n := 1; n <= int(t.root); n++ {
		if n > 1 {
			copy(t.entries[size:2*size], t.entries[:size])
		}
		size = 1 << n
		for _, s := range sorted[:count[n]] {
			t.entries[code] = symbols[s] | entry(n)
			// The next code: carry from the highest bit down.
			bit := size >> 1
			for code&bit != 0 {
				bit >>= 1
			}
			code = code&(bit-1) | bit
		}
		sorted = sorted[count[n]:]
	}
	return sorted
}

// link makes the second levels, each as wide as the longest code in it needs.
func (t *table) link(count *[maxCodeLen + 1]int, next *[maxCodeLen + 1]uint16, longest uint) {
	// Codes of one length are in order, and the longer ones after the shorter:
	// the codes past the first level fill its last slots, in order too.
	prefix := int(next[t.root]) + count[t.root]
	n := t.root + 1
	left := count[n]
	for ; prefix < 1<<t.root; prefix++ {
		// Widen until the codes that remain fill the slot.
		for left == 0 {
			n++
			left = count[n]
		}
		width, room := n-t.root, 1<<(n-t.root)
		at, have := n, left
		for have < room {
			room = (room - have) << 1
			width++
			at++
			have = count[at]
		}
		n, left = at, have-room
		slot := bits.Reverse16(uint16(prefix)) >> (16 - t.root)
		t.entries[slot] = kindLink | entry(t.root) | entry(width<<4) | entry(len(t.entries)<<16)
		t.entries = t.entries[:len(t.entries)+1<<width]
	}
}

// putLong writes a symbol's entry into the second level that its code, given in
// the order of the input's bits, leads to, wherever the rest of the code is the
// beginning of the index.
func (t *table) putLong(code, n uint, symbol entry) {
	link := t.entries[code&(1<<t.root-1)]
	level := t.entries[link.value() : link.value()+1<<link.extra()]
	n -= t.root
	e := symbol | entry(n)
	for i := code >> t.root; i < uint(len(level)); i += 1 << n {
		level[i] = e
	}
}

// What the symbols of each code mean (RFC 1951 section 3.2.5).
var (
	litMeanings  = makeLitMeanings()
	distMeanings = makeDistMeanings()
	lenMeanings  = makeLenMeanings()
)

func makeLitMeanings() (m [litSymbols]entry) {
	for i := range endOfBlock {
		m[i] = kindLiteral | entry(i<<16)
	}
	m[endOfBlock] = kindEnd
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		m[257+i] = kindBase | entry(extra<<4) | entry(base<<16)
		base += 1 << extra
	}
	m[285] = kindBase | entry(258<<16)
	m[286], m[287] = kindInvalid, kindInvalid
	return m
}

func makeDistMeanings() (m [distSymbols]entry) {
	base := 1
	for i := range 30 {
		extra := max(0, i/2-1)
		m[i] = kindBase | entry(extra<<4) | entry(base<<16)
		base += 1 << extra
	}
	m[30], m[31] = kindInvalid, kindInvalid
	return m
}

func makeLenMeanings() (m [lenSymbols]entry) {
	for i := range m {
		m[i] = kindLiteral | entry(i<<16)
	}
	return m
}

// The fixed code of RFC 1951 section 3.2.6.
var fixedLit, fixedDist = makeFixed()

func makeFixed() (lit, dist table) {
	var lens [litSymbols]uint8
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	lit.entries = make([]entry, litTableSize)
	lit.build(lens[:], litMeanings[:], litTableBits)
	for i := range distSymbols {
		lens[i] = 5
	}
	dist.entries = make([]entry, distTableSize)
	dist.build(lens[:distSymbols], distMeanings[:], distTableBits)
	return lit, dist
}
