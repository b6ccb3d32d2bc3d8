package rawpeer

import "syscall"

// The errors of a system's sockets, as this platform has them.
const (
	ErrReset      = syscall.ErrorString("connection reset")   // the peer has reset the connection
	ErrBrokenPipe = syscall.ErrorString("connection closed")  // of a write to a peer that does not read
	ErrRefused    = syscall.ErrorString("connection refused") // nothing listens
)
