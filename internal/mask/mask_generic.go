package mask

import (
	"encoding/binary"
	"math/bits"
)

// xor is the kernel of this platform. len(dst) == len(src).
func xor(dst, src []byte, key uint32) uint32 {
	return xorGeneric(dst, src, key)
}

// xorGeneric masks src into dst a word at a time. The last eight bytes are one
// more word, which overlaps the one before it: it is read before anything is
// written, because dst may be src.
func xorGeneric(dst, src []byte, key uint32) uint32 {
	n := len(src)
	dst = dst[:n]
	after := bits.RotateLeft32(key, -8*(n&3))
	if n < 8 {
		xorShort(dst, src, key)
		return after
	}

	// The last word begins n-8 bytes into the sequence, which is n modulo 4.
	endKey := uint64(after) | uint64(after)<<32
	end := dst[n-8:]
	last := binary.LittleEndian.Uint64(src[n-8:]) ^ endKey

	k := uint64(key) | uint64(key)<<32
	for len(src) >= 64 && len(dst) >= 64 {
		d, s := dst[:64:64], src[:64:64]
		binary.LittleEndian.PutUint64(d[0:], binary.LittleEndian.Uint64(s[0:])^k)
		binary.LittleEndian.PutUint64(d[8:], binary.LittleEndian.Uint64(s[8:])^k)
		binary.LittleEndian.PutUint64(d[16:], binary.LittleEndian.Uint64(s[16:])^k)
		binary.LittleEndian.PutUint64(d[24:], binary.LittleEndian.Uint64(s[24:])^k)
		binary.LittleEndian.PutUint64(d[32:], binary.LittleEndian.Uint64(s[32:])^k)
		binary.LittleEndian.PutUint64(d[40:], binary.LittleEndian.Uint64(s[40:])^k)
		binary.LittleEndian.PutUint64(d[48:], binary.LittleEndian.Uint64(s[48:])^k)
		binary.LittleEndian.PutUint64(d[56:], binary.LittleEndian.Uint64(s[56:])^k)
		dst, src = dst[64:], src[64:]
	}
	for len(src) >= 8 && len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^k)
		dst, src = dst[8:], src[8:]
	}
	binary.LittleEndian.PutUint64(end, last)
	return after
}

// xorShort masks fewer than eight bytes.
func xorShort(dst, src []byte, key uint32) {
	if len(src) >= 4 && len(dst) >= 4 {
		binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src)^key)
		dst, src = dst[4:], src[4:]
	}
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = b ^ byte(key)
		key >>= 8
	}
}
