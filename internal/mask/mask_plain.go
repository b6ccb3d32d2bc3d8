//go:build (!amd64 && !arm64) || purego

package mask

// xorLong masks at least minLong bytes of src into dst, which has the same length. after
// is the key for the byte after src.
func xorLong(dst, src []byte, key, after uint32) {
	xorGeneric(dst, src, key, after)
}
