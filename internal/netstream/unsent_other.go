//go:build !linux && !darwin

package netstream

// unsent reports that the size of a socket's send queue is not known.
func unsent(uintptr) (n int, ok bool) { return 0, false }
