//go:build !race

package conformance

// Limits of the longest cases. Higher ones do not change a verdict.
const (
	fewMessages = 20 // of 1,000, in an exchange with compression, unless set by the flag
	shortness   = 1  // divides the messages of other cases
)
