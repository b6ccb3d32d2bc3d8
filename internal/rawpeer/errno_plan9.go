package rawpeer

import "syscall"

// Errors of sockets on this platform.
const (
	ErrReset      = syscall.ErrorString("connection reset")   // the peer has reset the connection
	ErrBrokenPipe = syscall.ErrorString("connection closed")  // of a write to a peer that no longer reads
	ErrRefused    = syscall.ErrorString("connection refused") // no listener
)
