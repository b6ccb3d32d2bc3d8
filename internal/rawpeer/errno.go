//go:build !plan9 && !windows

package rawpeer

import "syscall"

// Errors of sockets on this platform.
const (
	ErrReset      = syscall.ECONNRESET   // the peer has reset the connection
	ErrBrokenPipe = syscall.EPIPE        // of a write to a peer that no longer reads
	ErrRefused    = syscall.ECONNREFUSED // no listener
)
