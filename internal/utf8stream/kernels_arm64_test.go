//go:build !purego

package utf8stream

func init() {
	followers = append(followers, follower{"NEON", minVector, follow})
	kernels = append(kernels, kernel{"vectors", minVector, advanceLong})
	unmaskers = append(unmaskers,
		unmasker{"vectors", 8, unmaskLong},
		unmasker{"following", leastFollowing, unmaskFollowing})
}
