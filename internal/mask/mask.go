// Package mask applies the masking of RFC 6455 section 5.3: each octet of a
// client's payload is combined by exclusive or with one octet of a four-octet
// key, in turn. Masking and unmasking are the same operation.
//
// A key is held as a uint32 whose low byte is the first octet of the key as it
// is on the wire (binary.LittleEndian.Uint32 of the four octets). Both
// functions return the key turned to where the sequence stands after the
// bytes they were given, so that a payload may be masked in pieces of any
// length.
//
// The functions keep no reference to the memory they are given, and read and
// write nothing outside of it.
package mask

import (
	"encoding/binary"
	"math/bits"

	"github.com/bhojpur/api/internal/race"
)

// XOR masks or unmasks p in place and returns the key for the byte after p.
func XOR(p []byte, key uint32) uint32 {
	return xor(p, p, key)
}

// Copy masks or unmasks src into dst, which costs one read and one write of
// each byte, and returns the key for the byte after src. The bytes of dst past
// len(src) are not touched.
//
// dst and src begin at the same byte or do not overlap at all. Copy panics
// when dst is shorter than src.
func Copy(dst, src []byte, key uint32) uint32 {
	return xor(dst[:len(src)], src, key)
}

// minLong is the length from which the platform's kernel takes over: that of
// its longest vector, and about where its call begins to pay.
const minLong = 32

// xor masks src into dst, which is as long. Each kernel, and each case here,
// takes the last bytes as one more word, which overlaps the one before it. All
// words of an overlap are read before any is written, because dst may be src.
// The last word begins a multiple of four bytes before the end, so that the key
// for it is the key for the byte after the end.
func xor(dst, src []byte, key uint32) uint32 {
	n := len(src)
	dst = dst[:n]
	after := bits.RotateLeft32(key, -8*(n&3))
	k := uint64(key) | uint64(key)<<32
	last := uint64(after) | uint64(after)<<32
	switch {
	case n >= minLong:
		race.Read(src)
		race.Write(dst)
		xorLong(dst, src, key, after)
	case n >= 16:
		a := binary.LittleEndian.Uint64(src) ^ k
		b := binary.LittleEndian.Uint64(src[8:]) ^ k
		c := binary.LittleEndian.Uint64(src[n-16:]) ^ last
		d := binary.LittleEndian.Uint64(src[n-8:]) ^ last
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[8:], b)
		binary.LittleEndian.PutUint64(dst[n-16:], c)
		binary.LittleEndian.PutUint64(dst[n-8:], d)
	case n >= 8:
		a := binary.LittleEndian.Uint64(src) ^ k
		b := binary.LittleEndian.Uint64(src[n-8:]) ^ last
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[n-8:], b)
	case n >= 4:
		a := binary.LittleEndian.Uint32(src) ^ key
		b := binary.LittleEndian.Uint32(src[n-4:]) ^ after
		binary.LittleEndian.PutUint32(dst, a)
		binary.LittleEndian.PutUint32(dst[n-4:], b)
	default:
		for i, b := range src {
			dst[i] = b ^ byte(key)
			key >>= 8
		}
	}
	return after
}
