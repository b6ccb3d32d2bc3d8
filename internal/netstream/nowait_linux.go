//go:build linux && (amd64 || arm64) && !race && !msan && !asan

package netstream

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow are readSocket and writeSocket without the scheduler. The package
// syscall releases the processor of the goroutine during each call, since that may block;
// other threads then look for work, which costs an echo of a short message an eighth of its
// processor time. These calls never block, also if the socket is in blocking mode: they
// fail with EAGAIN. Long ones take tens of microseconds, so they release the processor.
//
// The detectors of races and of invalid memory observe only the package syscall, so this
// file is not built with them.

// maxShort is the maximum length of a call that does not release the processor.
const maxShort = 16 << 10

func readNow(fd uintptr, p []byte) (int, syscall.Errno) {
	if len(p) > maxShort {
		return readSocket(fd, p)
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func writeNow(fd uintptr, p []byte) (int, syscall.Errno) {
	if len(p) > maxShort {
		return writeSocket(fd, p)
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}
