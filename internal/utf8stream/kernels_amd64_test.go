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
	unmaskers = append(unmaskers,
		unmasker{"vectors", 8, unmaskLong},
		unmasker{"no vectors", 8, func(s state, dst, src []byte, key uint32) state {
			defer func(was bool) { haveVectors = was }(haveVectors)
			haveVectors = false
			return unmaskLong(s, dst, src, key)
		}})
	if cpu.SSSE3 {
		without := func(unmask func(state, []byte, []byte, uint32) state) func(state, []byte, []byte, uint32) state {
			return func(s state, dst, src []byte, key uint32) state {
				defer func(was bool) { useAVX2 = was }(useAVX2)
				useAVX2 = false
				return unmask(s, dst, src, key)
			}
		}
		unmaskers = append(unmaskers,
			unmasker{"following", leastFollowing, unmaskFollowing},
			unmasker{"without AVX2", 8, without(unmaskLong)},
			unmasker{"following without AVX2", leastFollowing, without(unmaskFollowing)})
	}
}
