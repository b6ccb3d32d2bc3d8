//go:build !race

package autobahn

// The cases that faults meet. The long messages of compression hardly ever find
// more than the others.
const (
	most  = 10 // messages of an exchange with compression
	light = but12And13 + " 12.*.1-5 13.*.1-5 12.*.11 13.*.11"
	long  = but12And13 + " 12.* 13.*"
)
