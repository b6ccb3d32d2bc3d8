//go:build (amd64 || arm64) && !purego

package utf8stream

import (
	"encoding/binary"
	"unsafe"

	"github.com/bhojpur/api/internal/mask"
)

const (
	// lag is the distance between the bytes that unmaskFollow unmasks and those that
	// it validates. A load of bytes of two stores waits until both have left the
	// store buffer. At this distance they have.
	lag = 512

	// minFollow is the length from which text that is not ASCII is unmasked and
	// validated in one pass. Shorter text is in the first-level cache after it was
	// unmasked, and two passes take the same time.
	minFollow = 4 << 10
)

// unmaskLong unmasks src, which has at least 8 bytes, into dst and returns the state after
// dst. If that is refused, the contents of dst are undefined.
func unmaskLong(s state, dst, src []byte, key uint32) state {
	if !haveVectors {
		return unmaskGeneric(s, dst, src, key)
	}
	first := binary.LittleEndian.Uint64(src) ^ (uint64(key) | uint64(key)<<32)
	if s == boundary && first&highBits64 == 0 {
		n := unmaskASCII(&dst[0], &src[0], len(src), key)
		if n == len(src) {
			return boundary
		}
		dst, src = dst[n:], src[n:]
	}
	if len(src) < minFollow {
		mask.Copy(dst, src, key)
		return advance(s, dst)
	}
	return unmaskFollowing(s, dst, src, key)
}

// leastFollowing is the minimum length for unmaskFollowing.
const leastFollowing = 64 + 63 + lag + 64

// unmaskFollowing is unmaskLong with unmaskFollow, which begins at an aligned byte of dst.
func unmaskFollowing(s state, dst, src []byte, key uint32) state {
	at := 64 + int(-uintptr(unsafe.Pointer(&dst[0]))&63)
	to := at + lag
	n := (len(src) - to) &^ 63
	key = mask.Copy(dst[:to], src[:to], key)
	s = advance(s, dst[:at])
	if s == refused || !unmaskFollow(&dst[at], &dst[to], &src[to], n, key) {
		return refused
	}
	mask.Copy(dst[to+n:], src[to+n:], key)
	return advanceFollowing(dst[at+n-3:])
}
