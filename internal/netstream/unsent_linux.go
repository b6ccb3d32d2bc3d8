package netstream

import (
	"syscall"
	"unsafe"
)

// unsent asks the system for the size of a socket's send queue.
func unsent(fd uintptr) (n int, ok bool) {
	var size int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&size)))
	return int(size), errno == 0
}
