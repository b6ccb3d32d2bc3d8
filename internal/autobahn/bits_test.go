package autobahn

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter writes DEFLATE blocks for tests, valid ones and those that no compressor
// writes.
type bitWriter struct {
	out  []byte
	used int // bits used in the last byte
}

// bits appends the low n bits of v, lowest first.
func (w *bitWriter) bits(v, n int) {
	for range n {
		if w.used%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[len(w.out)-1] |= byte(v&1) << (w.used % 8)
		w.used++
		v >>= 1
	}
}

// code appends a Huffman code of n bits, highest first.
func (w *bitWriter) code(v, n int) { w.bits(int(bits.Reverse16(uint16(v))>>(16-n)), n) }

// align skips to the next byte boundary.
func (w *bitWriter) align() { w.used = 8 * len(w.out) }

// stored appends a stored block.
func (w *bitWriter) stored(p []byte) {
	w.bits(0, 3)
	w.align()
	w.out = binary.LittleEndian.AppendUint16(w.out, uint16(len(p)))
	w.out = binary.LittleEndian.AppendUint16(w.out, ^uint16(len(p)))
	w.out = append(w.out, p...)
	w.align()
}

// fixed appends a symbol of a block with the fixed codes (RFC 1951 section 3.2.6).
func (w *bitWriter) fixed(symbol int) {
	switch {
	case symbol < 144:
		w.code(0x30+symbol, 8)
	case symbol < 256:
		w.code(0x190+symbol-144, 9)
	case symbol < 280:
		w.code(symbol-256, 7)
	default:
		w.code(0xc0+symbol-280, 8)
	}
}

// match appends a block with the fixed codes: the literals p and one match.
func (w *bitWriter) match(p string, length, distance int) {
	w.bits(1<<1, 3)
	for i := range len(p) {
		w.fixed(int(p[i]))
	}
	symbol, base, extra := lengthSymbol(length)
	w.fixed(symbol)
	w.bits(length-base, extra)
	symbol, base, extra = distanceSymbol(distance)
	w.code(symbol, 5)
	w.bits(distance-base, extra)
	w.fixed(256)
}

// lengthSymbol and distanceSymbol return the symbol, base and number of extra bits of a
// length or a distance (RFC 1951 section 3.2.5).
func lengthSymbol(length int) (symbol, base, extra int) {
	switch {
	case length == 258:
		return 285, 258, 0
	case length <= 10:
		return 257 + length - 3, length, 0
	}
	extra = bits.Len(uint(length-3)) - 3
	step := (length - 3) >> extra // 4 to 7
	return 257 + 4*extra + step, step<<extra + 3, extra
}

func distanceSymbol(distance int) (symbol, base, extra int) {
	if distance <= 4 {
		return distance - 1, distance, 0
	}
	extra = bits.Len(uint(distance-1)) - 2
	step := (distance - 1) >> extra // 2 or 3
	return 2*extra + step, step<<extra + 1, extra
}

// dynamic appends the header of a block with dynamic codes, given the code lengths of
// the literal/length and distance alphabets.
func (w *bitWriter) dynamic(lengths, distances []int) {
	// The code of the code lengths has 4 bits for each of 0 to 15.
	w.bits(2<<1, 3)
	w.bits(len(lengths)-257, 5)
	w.bits(len(distances)-1, 5)
	w.bits(19-4, 4)
	for _, symbol := range codeLengthOrder {
		if symbol < 16 {
			w.bits(4, 3)
		} else {
			w.bits(0, 3)
		}
	}
	for _, list := range [][]int{lengths, distances} {
		for _, n := range list {
			w.code(n, 4)
		}
	}
}

// payload ends the data with an empty block and removes its tail, as a sender does.
func (w *bitWriter) payload() []byte {
	w.bits(0, 3)
	return w.out
}

// lengthsOf returns n code lengths: those in symbols, otherwise 0.
func lengthsOf(n int, symbols map[int]int) []int {
	list := make([]int, n)
	for symbol, length := range symbols {
		list[symbol] = length
	}
	return list
}
