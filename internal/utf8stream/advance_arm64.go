//go:build !purego

package utf8stream

// Each arm64 processor has what the kernel needs.
const haveVectors = true

// minVector is the least that the kernel can be used for: three bytes, and a
// vector.
const minVector = 3 + 16

// follow reports whether each of the n bytes at p may follow those before it,
// but for the first three, which are right.
//
// The last byte may still be one that never occurs, if it looks like the first
// of a sequence.
//
//go:noescape
func follow(p *byte, n int) bool
