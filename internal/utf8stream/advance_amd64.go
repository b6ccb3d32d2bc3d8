//go:build !purego

package utf8stream

import "github.com/bhojpur/api/internal/cpu"

// The kernels that this processor can run.
var (
	haveVectors = cpu.SSSE3
	useAVX2     = cpu.AVX2
)

// minVector is the minimum length for each kernel: three bytes and a vector. The kernel for
// AVX2 is used from minAVX2 bytes on.
const (
	minVector = 3 + 16
	minAVX2   = 3 + 64
)

// follow reports whether each of the n bytes at p may follow those before it. The first
// three are not tested and must be valid. It jumps to one of the kernels.
//
// follow accepts a last byte that never occurs if it has the form of a first byte of a
// sequence.
//
//go:noescape
func follow(p *byte, n int) bool

//go:noescape
func followSSSE3(p *byte, n int) bool

//go:noescape
func followAVX2(p *byte, n int) bool
