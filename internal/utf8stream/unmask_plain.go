//go:build (!amd64 && !arm64) || purego

package utf8stream

// unmaskLong unmasks src into dst and returns the state after dst. If that is refused, the
// contents of dst are undefined.
func unmaskLong(s state, dst, src []byte, key uint32) state {
	return unmaskGeneric(s, dst, src, key)
}
