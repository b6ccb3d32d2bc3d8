//go:build !purego

package utf8stream

// unmaskASCII unmasks src into dst as long as it is ASCII, in steps of 64 bytes, and
// returns how many of the n bytes it unmasked.
//
//go:noescape
func unmaskASCII(dst, src *byte, n int, key uint32) int

// unmaskFollow unmasks n bytes at from into to, and reports whether each of the n
// bytes at at may follow those before it, as follow does. n is a multiple of 64,
// and not 0. to is at least 64 bytes after at. The 16 bytes before at are valid.
//
//go:noescape
func unmaskFollow(at, to, from *byte, n int, key uint32) bool
