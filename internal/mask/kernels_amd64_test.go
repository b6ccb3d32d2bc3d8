//go:build !purego

package mask

import "github.com/bhojpur/api/internal/cpu"

func init() {
	kernels = append(kernels,
		kernel{"SSE2", 16, func(dst, src []byte, key, after uint32) {
			xorSSE2(&dst[0], &src[0], len(src), key, after)
		}},
		kernel{"without AVX2", 0, func(dst, src []byte, key, _ uint32) {
			defer func(was bool) { useAVX2 = was }(useAVX2)
			useAVX2 = false
			xor(dst, src, key)
		}})
	if cpu.AVX2 {
		kernels = append(kernels, kernel{"AVX2", 32, func(dst, src []byte, key, after uint32) {
			xorAVX2(&dst[0], &src[0], len(src), key, after)
		}})
	}
}
