//go:build !purego

package utf8stream

func init() {
	followers = append(followers, follower{"NEON", minVector, follow})
	kernels = append(kernels, kernel{"vectors", minVector, advanceLong})
}
