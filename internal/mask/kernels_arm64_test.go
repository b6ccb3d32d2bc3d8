//go:build !purego

package mask

func init() {
	kernels = append(kernels, kernel{"NEON", 16, func(dst, src []byte, key, after uint32) {
		xorNEON(&dst[0], &src[0], len(src), key, after)
	}})
}
