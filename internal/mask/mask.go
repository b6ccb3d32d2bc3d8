// Package mask masks payloads (RFC 6455 section 5.3): octet i of a payload is combined by
// exclusive or with octet i mod 4 of the masking key. Unmasking is the same operation.
//
// A key is a uint32 whose low byte is the first octet of the key on the wire. XOR and Copy
// return the key rotated to the byte after their input, so that a payload can be masked in
// pieces of any length.
//
// The functions keep no reference to their arguments, and access no memory outside of
// them.
package mask

import (
	"encoding/binary"
	"math/bits"

	"github.com/bhojpur/api/internal/race"
)

// XOR masks p in place and returns the key for the byte after p.
func XOR(p []byte, key uint32) uint32 {
	return xor(p, p, key)
}

// Copy masks src into dst in one pass and returns the key for the byte after src. It does
// not access dst beyond len(src).
//
// dst and src must begin at the same byte or not overlap. Copy panics if dst is shorter
// than src.
func Copy(dst, src []byte, key uint32) uint32 {
	return xor(dst[:len(src)], src, key)
}

// minLong is the length from which the platform's kernel is called: that of the longest
// vector, and about the length at which a call is faster.
const minLong = 32

// xor masks src into dst, which has the same length. Each kernel and each case below
// processes the last bytes as one more word, which overlaps the previous one. Words that
// overlap are all read before one is written, because dst may be src. The last word begins
// a multiple of four bytes before the end, so its key is the key for the byte after src.
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
