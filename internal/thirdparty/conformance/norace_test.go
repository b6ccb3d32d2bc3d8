//go:build !race

package conformance

// How much of the longest cases is run. More does not change a verdict.
const (
	fewMessages = 20 // of 1,000, in an exchange with compression, unless the flag says so
	shortness   = 1  // what messages of other cases are divided by
)
