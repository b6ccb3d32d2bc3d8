//go:build !plan9 && !windows

package rawpeer

import "syscall"

// The errors of a system's sockets, as this platform has them.
const (
	ErrReset      = syscall.ECONNRESET   // the peer has reset the connection
	ErrBrokenPipe = syscall.EPIPE        // of a write to a peer that does not read
	ErrRefused    = syscall.ECONNREFUSED // nothing listens
)
