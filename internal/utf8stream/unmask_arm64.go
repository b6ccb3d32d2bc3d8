//go:build !purego

package utf8stream

// unmaskASCII unmasks blocks of 64 bytes up to the first that is not ASCII, and returns
// the number of bytes unmasked, at most n.
//
//go:noescape
func unmaskASCII(dst, src *byte, n int, key uint32) int

// unmaskFollow unmasks n bytes of from into to, and validates n bytes of at as follow
// does. n is a positive multiple of 64. to is at least 64 bytes after at. The 16 bytes
// before at are valid.
//
//go:noescape
func unmaskFollow(at, to, from *byte, n int, key uint32) bool
