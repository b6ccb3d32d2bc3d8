//go:build !purego

package utf8stream

// unmaskASCII unmasks blocks of 64 or 128 bytes up to the first that is not ASCII, and
// returns the number of bytes unmasked, at most n. It jumps to one of the kernels.
//
//go:noescape
func unmaskASCII(dst, src *byte, n int, key uint32) int

//go:noescape
func unmaskASCIISSE2(dst, src *byte, n int, key uint32) int

//go:noescape
func unmaskASCIIAVX2(dst, src *byte, n int, key uint32) int

// unmaskFollow unmasks n bytes of from into to, and validates n bytes of at as follow
// does. n is a positive multiple of 64. to is at least 64 bytes after at. The 16 bytes
// before at are valid. It jumps to one of the kernels.
//
//go:noescape
func unmaskFollow(at, to, from *byte, n int, key uint32) bool

//go:noescape
func unmaskFollowSSSE3(at, to, from *byte, n int, key uint32) bool

//go:noescape
func unmaskFollowAVX2(at, to, from *byte, n int, key uint32) bool
