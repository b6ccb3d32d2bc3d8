//go:build !purego

package utf8stream

import "github.com/bhojpur/api/internal/cpu"

// The kernels that this processor has.
var (
	haveVectors = cpu.SSSE3
	useAVX2     = cpu.AVX2
)

// minVector is the least that each kernel can be used for: three bytes, and a
// vector. The one for AVX2 is used from minAVX2 bytes on.
const (
	minVector = 3 + 16
	minAVX2   = 3 + 64
)

// follow reports whether each of the n bytes at p may follow those before it,
// but for the first three, which are right. It goes on to one of the kernels.
//
// The last byte may still be one that never occurs, if it looks like the first
// of a sequence.
//
//go:noescape
func follow(p *byte, n int) bool

//go:noescape
func followSSSE3(p *byte, n int) bool

//go:noescape
func followAVX2(p *byte, n int) bool
