//go:build !purego

package mask

import "github.com/bhojpur/api/internal/cpu"

// useAVX2 selects the kernel.
var useAVX2 = cpu.AVX2

const (
	// prefetch is the number of bytes ahead of its loads that the AVX2 kernel prefetches.
	prefetch = 512
	// minPrefetch is the length from which it does, apart from a vector, if dst is not
	// src. Shorter sources are often in the first-level cache, where prefetches cost a
	// tenth of the time.
	minPrefetch = 16 << 10
)

// xorLong masks at least minLong bytes of src into dst, which has the same length. after
// is the key for the byte after src.
func xorLong(dst, src []byte, key, after uint32) {
	xorVectors(&dst[0], &src[0], len(src), key, after)
}

// xorVectors jumps to one of the kernels. A jump in assembly saves a call.
//
//go:noescape
func xorVectors(dst, src *byte, n int, key, after uint32)

// xorSSE2 takes n >= 16.
//
//go:noescape
func xorSSE2(dst, src *byte, n int, key, after uint32)

// xorAVX2 takes n >= 32.
//
//go:noescape
func xorAVX2(dst, src *byte, n int, key, after uint32)
