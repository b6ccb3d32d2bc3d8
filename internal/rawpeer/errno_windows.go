package rawpeer

import "syscall"

// The errors of a system's sockets, as this platform has them.
const (
	ErrReset      = syscall.WSAECONNRESET // the peer has reset the connection
	ErrBrokenPipe = syscall.Errno(10053)  // WSAECONNABORTED, of a write to a peer that does not read
	ErrRefused    = syscall.Errno(10061)  // WSAECONNREFUSED, nothing listens
)
