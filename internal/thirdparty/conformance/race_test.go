//go:build race

package conformance

// Under the race detector compressing takes 35 times as long, and everything else
// several times. It leads to the same verdicts.
const (
	fewMessages = 2
	shortness   = 16
)
