//go:build !purego

package mask

// xorLong masks at least minLong bytes of src into dst, which is as long. after
// is the key for the byte after src.
func xorLong(dst, src []byte, key, after uint32) {
	xorNEON(&dst[0], &src[0], len(src), key, after)
}

// xorNEON takes n >= 16. Each arm64 processor has what it needs.
//
//go:noescape
func xorNEON(dst, src *byte, n int, key, after uint32)
