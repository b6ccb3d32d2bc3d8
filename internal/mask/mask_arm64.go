//go:build !purego

package mask

// xorLong masks at least minLong bytes of src into dst, which has the same length. after
// is the key for the byte after src.
func xorLong(dst, src []byte, key, after uint32) {
	xorNEON(&dst[0], &src[0], len(src), key, after)
}

// xorNEON takes n >= 16. Each arm64 processor has NEON.
//
//go:noescape
func xorNEON(dst, src *byte, n int, key, after uint32)
