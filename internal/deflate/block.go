package deflate

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// The header bits of blocks that are not the last (RFC 1951 section 3.2.3). Those
// of a stored one are 0.
const (
	blockFixed   = 1 << 1
	blockDynamic = 2 << 1
)

// fewTokens is under how many a block's own codes are not worth their header.
const fewTokens = 24

// endBlock appends the tokens to dst as a block, in the form that is shortest.
func (e *encoder) endBlock(dst []byte) []byte {
	if e.tokens == 0 {
		return dst
	}
	e.litUses[endOfBlock] = 1
	extra := 0
	for s := endOfBlock + 1; s < litSymbols; s++ {
		extra += int(e.litUses[s]) * int(litMeanings[s].extra())
	}
	for s, n := range e.distUses {
		extra += int(n) * int(distMeanings[s].extra())
	}
	fixed := extra
	for s, n := range e.litUses {
		fixed += int(n) * int(fixedCodes[s].n)
	}
	for _, n := range e.distUses {
		fixed += int(n) * 5
	}
	text := e.text[e.block:e.done]
	stored := 8*(len(text)+4*(1+len(text)/maxStored)) + 8
	dynamic := fixed
	if e.tokens >= fewTokens {
		dynamic = extra + e.coder.prepare(e.litUses[:], e.distUses[:])
	}
	switch {
	case stored < min(fixed, dynamic):
		dst = e.putStored(dst, text)
	case dynamic < fixed:
		dst = slices.Grow(dst, dynamic/8+16)
		out := e.output(dst)
		out.put(blockDynamic, 3)
		out.header(&e.coder)
		out.spill()
		out.tokens(e.token[:e.tokens], &e.coder.lit, &e.coder.dist)
		dst = e.input(out)
	default:
		dst = slices.Grow(dst, fixed/8+16)
		out := e.output(dst)
		out.put(blockFixed, 3)
		out.tokens(e.token[:e.tokens], &fixedCodes, &fixedDistCodes)
		dst = e.input(out)
	}
	e.block = e.done
	e.drop()
	return dst
}

const maxStored = 0xffff

// putStored appends p as stored blocks (RFC 1951 section 3.2.4).
func (e *encoder) putStored(dst, p []byte) []byte {
	for len(p) > 0 {
		n := min(len(p), maxStored)
		dst = e.beginStored(dst)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(n))
		dst = append(dst, p[:n]...)
		p = p[n:]
	}
	return dst
}

// beginStored appends the header bits of a stored block, and fills the byte.
func (e *encoder) beginStored(dst []byte) []byte {
	for e.nbits += 3; e.nbits > 0; e.nbits -= min(e.nbits, 8) {
		dst = append(dst, byte(e.bits))
		e.bits >>= 8
	}
	return dst
}

// output goes on with the bits that are out.
func (e *encoder) output(dst []byte) bitWriter {
	return bitWriter{dst: dst, acc: e.bits, n: e.nbits}
}

// input takes back what is left in b, up to whole bytes.
func (e *encoder) input(b bitWriter) []byte {
	b.spill()
	e.bits, e.nbits = b.acc, b.n
	return b.dst
}

// A bitWriter appends bits, the first in the lowest. dst has room for them all,
// and for 8 bytes more.
type bitWriter struct {
	dst []byte
	acc uint64
	n   uint // bits in acc
}

// put takes bits, no more than make 64 together with those that are there.
func (b *bitWriter) put(v uint64, n uint) {
	b.acc |= v << (b.n & 63)
	b.n += n
}

// spill puts out whole bytes, and leaves fewer than 8 bits.
func (b *bitWriter) spill() {
	size := len(b.dst)
	binary.LittleEndian.PutUint64(b.dst[size:size+8], b.acc)
	b.dst = b.dst[:size+int(b.n>>3)]
	b.acc >>= b.n &^ 7 & 63
	b.n &= 7
}

// header writes the header of a dynamic block, after its type (RFC 1951 section
// 3.2.7).
func (b *bitWriter) header(c *coder) {
	b.put(uint64(c.nlit-257), 5)
	b.put(uint64(c.ndist-1), 5)
	b.put(uint64(c.nlens-4), 4)
	for _, s := range lenOrder[:c.nlens] {
		b.spill()
		b.put(uint64(c.lens[s].n), 3)
	}
	for _, r := range c.runs[:c.nruns] {
		b.spill()
		code := c.lens[r.symbol]
		b.put(uint64(code.bits), uint(code.n))
		b.put(uint64(r.extra), runExtra[r.symbol])
	}
}

// tokens writes tokens and the end of the block.
func (b *bitWriter) tokens(tokens []token, lit *[litSymbols]code, dist *[distSymbols]code) {
	out := *b
	out.spill()
	for _, t := range tokens {
		// A match takes 48 bits at most; 63 can be spilled.
		if t&isMatch == 0 {
			if out.n > 63-maxCodeLen {
				out.spill()
			}
			c := lit[t&0xff]
			out.put(uint64(c.bits), uint(c.n))
			continue
		}
		if out.n > 63-48 {
			out.spill()
		}
		length := uint64(t >> 15 & 0xff)
		s := lengthSymbols[length]
		c := lit[s]
		out.put(uint64(c.bits), uint(c.n))
		m := litMeanings[s]
		out.put(length+3-uint64(m.value()), m.extra())
		d := t >> 23 & 31
		c = dist[d]
		out.put(uint64(c.bits), uint(c.n))
		m = distMeanings[d]
		out.put(uint64(t&0x7fff)+1-uint64(m.value()), m.extra())
	}
	out.spill()
	c := lit[endOfBlock]
	out.put(uint64(c.bits), uint(c.n))
	*b = out
}

// lengthSymbols are the symbols of the lengths, less 3; fixedCodes and
// fixedDistCodes the codes of RFC 1951 section 3.2.6.
var (
	lengthSymbols  = makeLengthSymbols()
	fixedCodes     = makeFixedCodes()
	fixedDistCodes = makeFixedDistCodes()
)

func makeLengthSymbols() (symbols [maxMatch - 2]uint16) {
	for s := 257; s <= 285; s++ {
		m := litMeanings[s]
		for v := range 1 << m.extra() {
			symbols[m.value()+v-3] = uint16(s)
		}
	}
	return symbols
}

func makeFixedCodes() (codes [litSymbols]code) {
	for i := range codes {
		c, n := 0x30+i, 8
		switch {
		case i >= 280:
			c = 0xC0 + i - 280
		case i >= 256:
			c, n = i-256, 7
		case i >= 144:
			c, n = 0x190+i-144, 9
		}
		codes[i] = code{bits: bits.Reverse16(uint16(c)) >> (16 - n), n: uint8(n)}
	}
	return codes
}

func makeFixedDistCodes() (codes [distSymbols]code) {
	for i := range codes {
		codes[i] = code{bits: uint16(bits.Reverse8(uint8(i)) >> 3), n: 5}
	}
	return codes
}
