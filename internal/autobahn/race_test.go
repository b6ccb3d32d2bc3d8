//go:build race

package autobahn

// The race detector makes compression 35 times slower.
const (
	most  = 3
	light = but12And13 + " 12.*.1 12.*.4 13.*.1 13.*.4 12.1.11 13.1.11"
	long  = but12And13 + " 12.*.4 13.*.4 12.1.9 13.1.14"

	sampling = true // a part of the cases runs with each fault
)
