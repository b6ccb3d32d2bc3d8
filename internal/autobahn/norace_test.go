//go:build !race

package autobahn

// The cases run for faults. The long messages of the compression cases hardly ever
// detect more than the short ones.
const (
	most  = 10 // messages in an exchange with compression
	light = but12And13 + " 12.*.1-5 13.*.1-5 12.*.11 13.*.11"
	long  = but12And13 + " 12.* 13.*"

	sampling = false // all cases run with each fault
)
