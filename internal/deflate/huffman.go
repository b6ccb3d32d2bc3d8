package deflate

import "math/bits"

const (
	maxCodeLen = 15 // RFC 1951 section 3.2.7

	litSymbols  = 288 // of which 286 and 287 never occur
	distSymbols = 32  // of which 30 and 31 never occur
	endOfBlock  = 256

	// The widths of the first-level tables, and the maximum number of entries of such
	// a table with its second levels, for a complete code of at most 15 bits.
	litTableBits  = 10
	litTableSize  = 1334
	distTableBits = 8
	distTableSize = 402
	lenTableBits  = 7
	lenTableSize  = 1 << lenTableBits
	lenSymbols    = 19
)

// An entry of a table describes the symbol that the next bits of the input code:
//
//	bits 0-5    number of bits of the symbol at this level, extra bits included
//	bits 8-11   number of bits of the code at this level
//	bits 12-14  kind of the entry, unless it is a literal
//	bits 16-30  the literal, the base of the length or distance, or the index of
//	            the next level
//	bit 31      set for a literal
//
// In a link, bits 8-11 are the width of the next level.
type entry uint32

const (
	kindBase    entry = iota << 12 // a length or a distance
	kindEnd                        // end of block
	kindLink                       // the code is longer than the first level
	kindInvalid                    // no code, or a symbol that never occurs

	kindLiteral entry = 1 << 31
	kindMask          = kindLiteral | 7<<12
)

// newEntry returns an entry for a symbol with extra extra bits, without its code.
func newEntry(kind entry, extra, value int) entry {
	return kind | entry(extra) | entry(value<<16)
}

// coded returns e with a code, or a rest of a code, of n bits.
func (e entry) coded(n uint) entry { return e + entry(n|n<<8) }

// taken returns the number of bits of the symbol at this level, extra bits included.
func (e entry) taken() uint { return uint(e & 63) }

// codeLen returns the number of bits of the code at this level.
func (e entry) codeLen() uint { return uint(e >> 8 & 15) }

// width returns the width of the level that a link refers to.
func (e entry) width() uint { return uint(e >> 8 & 15) }

func (e entry) kind() entry { return e & kindMask }
func (e entry) value() int  { return int(e >> 16 & 0x7fff) }

// number returns the length or distance that e and its extra bits stand for. bits begins
// with the code.
func (e entry) number(bits uint64) int {
	return e.value() + int(bits&(1<<e.taken()-1)>>e.codeLen())
}

// invalid has one bit, so that it is not found in empty input.
const invalid = kindInvalid | 1 | 1<<8

// A table decodes one Huffman code. The next root bits of the input are the index in its
// first level. For a longer code that has a link to a second level.
type table struct {
	entries []entry
	root    uint
}

// build makes t the table of the canonical code with the given lengths (RFC 1951 section
// 3.2.2). symbols has the entry of each symbol. It reports whether the lengths are a
// complete code, no code at all, or a single code of one bit, which some compressors send.
// t.entries must have room for the table.
func (t *table) build(lens []uint8, symbols []entry, rootBits uint) bool {
	t.root = rootBits
	t.entries = t.entries[:1<<rootBits]
	count := countLens(lens)
	longest := uint(maxCodeLen)
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	left := 1
	var next [maxCodeLen + 1]uint16  // the first code of each length
	var place [maxCodeLen + 1]uint16 // the index of its first symbol in sorted
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
	if left > 0 {
		if longest > 1 {
			return false
		}
		// At most one code, which is 0.
		t.entries[0], t.entries[1] = invalid, invalid
		for symbol, size := range lens {
			if size > 0 {
				t.entries[0] = symbols[symbol].coded(1)
			}
		}
		t.repeat(2)
		return true
	}

	var sorted [litSymbols]uint16 // the symbols that have codes, in the order of the codes
	for symbol, size := range lens {
		if size > 0 {
			sorted[place[size]] = uint16(symbol)
			place[size]++
		}
	}
	rest := t.fill(&count, sorted[:n], symbols)
	if longest > t.root {
		t.link(&count, &next)
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

// repeat fills the first level with its first n entries.
func (t *table) repeat(n int) {
	for ; n < len(t.entries); n *= 2 {
		copy(t.entries[n:], t.entries[:n])
	}
}

// countLens counts the codes of each length. count[0] is the number of symbols without a
// code. It uses four counters for each length, because an increment waits for the previous
// one of the same counter.
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

// fill makes the first level for the codes that fit, the shortest first, and returns the
// symbols of longer ones. Two copies of a table for codes of up to n bits are a table for
// codes of up to n+1 bits. So each code is stored once, and copied for all indexes that it
// is the beginning of.
func (t *table) fill(count *[maxCodeLen + 1]int, sorted []uint16, symbols []entry) []uint16 {
	size := 1
	code := 0 // in the order of the input's bits
	for n := uint(1); n <= t.root; n++ {
		if len(sorted) == 0 {
			t.repeat(size)
			break
		}
		if n > 1 {
			copy(t.entries[size:2*size], t.entries[:size])
		}
		size = 1 << n
		for _, s := range sorted[:count[n]] {
			t.entries[code] = symbols[s].coded(n)
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

// link makes the second levels, each as wide as its longest code requires.
func (t *table) link(count *[maxCodeLen + 1]int, next *[maxCodeLen + 1]uint16) {
	// Codes are ordered by length, and consecutive within a length. So the codes that
	// are too long for the first level fill its last slots, in order.
	prefix := int(next[t.root]) + count[t.root]
	n := t.root + 1
	left := count[n]
	for ; prefix < 1<<t.root; prefix++ {
		// Widen until the remaining codes fill the slot.
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
		t.entries[slot] = kindLink | entry(t.root) | entry(width<<8) | entry(len(t.entries)<<16)
		t.entries = t.entries[:len(t.entries)+1<<width]
	}
}

// putLong stores the entry of a symbol in the second level of its code, at each index that
// begins with the rest of the code. The code is in the order of the input's bits.
func (t *table) putLong(code, n uint, symbol entry) {
	link := t.entries[code&(1<<t.root-1)]
	level := t.entries[link.value() : link.value()+1<<link.width()]
	n -= t.root
	e := symbol.coded(n)
	for i := code >> t.root; i < uint(len(level)); i += 1 << n {
		level[i] = e
	}
}

// The entries of the symbols of each code (RFC 1951 section 3.2.5).
var (
	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
	lenEntries  = makeLenEntries()
)

func makeLitEntries() (m [litSymbols]entry) {
	for i := range endOfBlock {
		m[i] = newEntry(kindLiteral, 0, i)
	}
	m[endOfBlock] = kindEnd
	base := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		m[257+i] = newEntry(kindBase, extra, base)
		base += 1 << extra
	}
	m[285] = newEntry(kindBase, 0, maxMatch)
	m[286], m[287] = kindInvalid, kindInvalid
	return m
}

func makeDistEntries() (m [distSymbols]entry) {
	base := 1
	for i := range 30 {
		extra := max(0, i/2-1)
		m[i] = newEntry(kindBase, extra, base)
		base += 1 << extra
	}
	m[30], m[31] = kindInvalid, kindInvalid
	return m
}

func makeLenEntries() (m [lenSymbols]entry) {
	for i := range m {
		m[i] = newEntry(kindLiteral, 0, i)
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
	lit.build(lens[:], litEntries[:], litTableBits)
	for i := range distSymbols {
		lens[i] = 5
	}
	dist.entries = make([]entry, distTableSize)
	dist.build(lens[:distSymbols], distEntries[:], distTableBits)
	return lit, dist
}
