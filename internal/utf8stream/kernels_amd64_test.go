//go:build !purego

package utf8stream

import "github.com/bhojpur/api/internal/cpu"

func init() {
	if cpu.SSSE3 {
		followers = append(followers, follower{"SSSE3", minVector, followSSSE3})
		kernels = append(kernels, kernel{"without AVX2", minVector, func(s state, p []byte) state {
			defer func(was bool) { useAVX2 = was }(useAVX2)
			useAVX2 = false
			return advanceLong(s, p)
		}})
	}
	if cpu.AVX2 {
		followers = append(followers, follower{"AVX2", minAVX2, followAVX2})
	}
	kernels = append(kernels, kernel{"vectors", minVector, advanceLong})
	kernels = append(kernels, kernel{"no vectors", minVector, func(s state, p []byte) state {
		defer func(was bool) { haveVectors = was }(haveVectors)
		haveVectors = false
		return advanceLong(s, p)
	}})
}
