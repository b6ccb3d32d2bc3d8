package rawpeer

import "syscall"

// Errors of sockets on this platform.
const (
	ErrReset      = syscall.WSAECONNRESET // the peer has reset the connection
	ErrBrokenPipe = syscall.Errno(10053)  // WSAECONNABORTED, of a write to a peer that no longer reads
	ErrRefused    = syscall.Errno(10061)  // WSAECONNREFUSED, no listener
)
