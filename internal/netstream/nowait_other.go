//go:build unix && !(linux && (amd64 || arm64) && !race && !msan && !asan)

package netstream

import "syscall"

func readNow(fd uintptr, p []byte) (int, syscall.Errno)  { return readSocket(fd, p) }
func writeNow(fd uintptr, p []byte) (int, syscall.Errno) { return writeSocket(fd, p) }
