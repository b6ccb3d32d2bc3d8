//go:build !purego

package mask

import "github.com/bhojpur/api/internal/cpu"

// useAVX2 selects the kernel.
var useAVX2 = cpu.AVX2

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
