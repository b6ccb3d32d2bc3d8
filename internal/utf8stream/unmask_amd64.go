//go:build !purego

package utf8stream

// unmaskASCII unmasks src into dst as long as it is ASCII, in steps of 64 or 128
// bytes, and returns how many of the n bytes it unmasked. It jumps to one of the
// kernels.
//
//go:noescape
func unmaskASCII(dst, src *byte, n int, key uint32) int

//go:noescape
func unmaskASCIISSE2(dst, src *byte, n int, key uint32) int

//go:noescape
func unmaskASCIIAVX2(dst, src *byte, n int, key uint32) int

// unmaskFollow unmasks n bytes at from into to, and reports whether each of the n
// bytes at at may follow those before it, as follow does. n is a multiple of 64,
// and not 0. to is at least 64 bytes after at. The 16 bytes before at are valid. It jumps to one of the kernels.
//
//go:noescape
func unmaskFollow(at, to, from *byte, n int, key uint32) bool

//go:noescape
func unmaskFollowSSSE3(at, to, from *byte, n int, key uint32) bool

//go:noescape
func unmaskFollowAVX2(at, to, from *byte, n int, key uint32) bool
