//go:build race

package conformance

// With the race detector, compression takes 35 times as long, and everything else
// several times. The verdicts are the same.
const (
	fewMessages = 2
	shortness   = 16
)
