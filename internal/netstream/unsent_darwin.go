package netstream

import "syscall"

// soNWrite is SO_NWRITE, which package syscall lacks: the size of a socket's send queue.
const soNWrite = 0x1024

// unsent asks the system for the size of a socket's send queue.
func unsent(fd uintptr) (n int, ok bool) {
	n, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, soNWrite)
	return n, err == nil
}
