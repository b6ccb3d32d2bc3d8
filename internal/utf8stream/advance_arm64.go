//go:build !purego

package utf8stream

// Each arm64 processor has NEON.
const haveVectors = true

// minVector is the minimum length for the kernel: three bytes and a vector.
const minVector = 3 + 16

// follow reports whether each of the n bytes at p may follow those before it. The first
// three are not tested and must be valid.
//
// follow accepts a last byte that never occurs if it has the form of a first byte of a
// sequence.
//
//go:noescape
func follow(p *byte, n int) bool
