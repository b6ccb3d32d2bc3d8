package deflate

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

const (
	// shortDict is how much of the window a short message is matched with.
	shortDict = 4 << 10

	shortHashBits = 12
	shortMatch    = 4 // the shortest match that is looked for
)

// A shortEncoder compresses messages of fewer than minMatched bytes, for which
// flate finds no matches, and which have the most to gain from the messages
// before them. It writes one block of the fixed code, whose table costs
// nothing, and holds little.
type shortEncoder struct {
	// text is the end of the window and the message.
	text [shortDict + minMatched]byte

	// last has, by the hash of the bytes there, the last place in text.
	last [1 << shortHashBits]uint16
}

var shortEncoders = sync.Pool{New: func() any { return new(shortEncoder) }}

// appendShort appends the payload of p, which has fewer than minMatched bytes
// and comes after w, to dst.
func appendShort(dst, p []byte, w *window) []byte {
	if len(p) == 0 {
		return append(dst, 0)
	}
	e := shortEncoders.Get().(*shortEncoder)
	// All of text fits in the window, hence so does every distance.
	text := w.appendLast(e.text[:0], min(shortDict, w.limit-len(p)))
	begin := len(text)
	text = append(text, p...)
	mark := len(dst)
	dst = e.block(dst, text, begin)
	shortEncoders.Put(e)
	if len(dst)-mark > len(p)+6 {
		dst = appendStored(dst[:mark], p)
	}
	return dst
}

// appendStored appends the payload of p as a stored block (RFC 1951 section
// 3.2.4), and the header bits of the empty one whose end is the tail.
func appendStored(dst, p []byte) []byte {
	dst = append(dst, 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(p)))
	dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(p)))
	dst = append(dst, p...)
	return append(dst, 0)
}

// block compresses text[begin:].
func (e *shortEncoder) block(dst, text []byte, begin int) []byte {
	clear(e.last[:])
	// Places are held with 1 added; 0 is none.
	for i := 0; i < begin && i+shortMatch <= len(text); i++ {
		e.last[shortHash(text[i:])] = uint16(i + 1)
	}
	out := bitWriter{dst: dst}
	out.put(0b010, 3) // not final, fixed code
	for i := begin; i < len(text); {
		length, back := e.find(text, i)
		if length == 0 {
			out.literal(text[i])
			i++
			continue
		}
		out.match(length, back)
		for end := i + length; i < end; i++ {
			if i+shortMatch <= len(text) {
				e.last[shortHash(text[i:])] = uint16(i + 1)
			}
		}
	}
	out.put(0, 7) // end of block
	out.put(0, 3) // an empty stored block, not final
	return out.bytes()
}

// find looks for a match of what begins at text[i], and makes i the last place
// of its kind.
func (e *shortEncoder) find(text []byte, i int) (length, back int) {
	if i+shortMatch > len(text) {
		return 0, 0
	}
	h := shortHash(text[i:])
	at := int(e.last[h]) - 1
	e.last[h] = uint16(i + 1)
	if at < 0 {
		return 0, 0
	}
	for i+length < len(text) && length < maxMatch && text[at+length] == text[i+length] {
		length++
	}
	if length < shortMatch {
		return 0, 0
	}
	return length, i - at
}

func shortHash(p []byte) uint32 {
	return binary.LittleEndian.Uint32(p) * 0x9E3779B1 >> (32 - shortHashBits)
}

// A bitWriter appends bits, the first in the lowest.
type bitWriter struct {
	dst []byte
	acc uint64
	n   uint // bits in acc, fewer than 32 between two symbols
}

func (b *bitWriter) put(v uint64, n uint) {
	b.acc |= v << (b.n & 63)
	b.n += n
}

func (b *bitWriter) literal(c byte) {
	b.symbol(int(c))
	b.spill()
}

// match writes a length and a distance (RFC 1951 section 3.2.5), 31 bits at
// most.
func (b *bitWriter) match(length, back int) {
	s := fixedLengths[length-3]
	b.symbol(int(s))
	m := litMeanings[s]
	b.put(uint64(length-m.value()), m.extra())

	v := uint(back - 1)
	s = uint16(v)
	var extra uint
	if v >= 4 {
		extra = uint(bits.Len(v)) - 2
		s = uint16(2*extra + v>>extra)
	}
	b.put(uint64(bits.Reverse8(uint8(s))>>3), 5)
	b.put(uint64(v&(1<<extra-1)), extra)
	b.spill()
}

func (b *bitWriter) symbol(s int) {
	c := fixedCodes[s]
	b.put(uint64(c.code), uint(c.n))
}

func (b *bitWriter) spill() {
	if b.n >= 32 {
		b.dst = binary.LittleEndian.AppendUint32(b.dst, uint32(b.acc))
		b.acc >>= 32
		b.n -= 32
	}
}

// bytes appends what is left, up to a whole byte, and returns it all.
func (b *bitWriter) bytes() []byte {
	for ; b.n > 0; b.n -= min(b.n, 8) {
		b.dst = append(b.dst, byte(b.acc))
		b.acc >>= 8
	}
	return b.dst
}

// fixedCodes are the codes of RFC 1951 section 3.2.6, in the order of the
// input's bits; fixedLengths the symbols of the lengths, less 3.
var (
	fixedCodes   = makeFixedCodes()
	fixedLengths = makeFixedLengths()
)

func makeFixedCodes() (codes [litSymbols]struct {
	code uint16
	n    uint8
}) {
	for i := range codes {
		code, n := 0x30+i, 8
		switch {
		case i >= 280:
			code = 0xC0 + i - 280
		case i >= 256:
			code, n = i-256, 7
		case i >= 144:
			code, n = 0x190+i-144, 9
		}
		codes[i].code = bits.Reverse16(uint16(code)) >> (16 - n)
		codes[i].n = uint8(n)
	}
	return codes
}

func makeFixedLengths() (symbols [maxMatch - 2]uint16) {
	for s := 257; s <= 285; s++ {
		m := litMeanings[s]
		for v := range 1 << m.extra() {
			symbols[m.value()+v-3] = uint16(s)
		}
	}
	return symbols
}
