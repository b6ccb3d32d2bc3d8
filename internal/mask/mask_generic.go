package mask

import "encoding/binary"

// xorGeneric is xorLong in Go, eight bytes at a time. Platforms without assembly use it,
// and the tests compare the other kernels with it.
func xorGeneric(dst, src []byte, key, after uint32) {
	n := len(src)
	dst = dst[:n]
	end := dst[n-8:]
	last := binary.LittleEndian.Uint64(src[n-8:]) ^ (uint64(after) | uint64(after)<<32)

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
}
