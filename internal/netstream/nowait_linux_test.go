//go:build linux && (amd64 || arm64) && !race && !msan && !asan

package netstream

import (
	"bytes"
	"syscall"
	"testing"
)

// The calls do not wait, although the sockets are in blocking mode.
func TestNoWait(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	near, far := uintptr(pair[0]), uintptr(pair[1])
	defer syscall.Close(pair[0])
	p := make([]byte, maxShort)
	if n, errno := readNow(near, p); n > 0 || errno != syscall.EAGAIN {
		t.Errorf("a read of nothing: %d bytes, %v", n, errno)
	}
	var sent, got []byte
	for {
		n, errno := writeNow(far, bytes.Repeat([]byte{byte(len(sent))}, len(p)))
		if errno == syscall.EAGAIN {
			break
		}
		if n <= 0 || errno != 0 {
			t.Fatalf("a write into a buffer with room: %d bytes, %v", n, errno)
		}
		sent = append(sent, bytes.Repeat([]byte{byte(len(sent))}, n)...)
	}
	syscall.Close(pair[1])
	for {
		n, errno := readNow(near, p)
		if errno != 0 {
			t.Fatal(errno)
		}
		if n == 0 {
			break
		}
		got = append(got, p[:n]...)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes were read of %d that were written, or others", len(got), len(sent))
	}
	if n, errno := writeNow(near, p); n > 0 || errno != syscall.EPIPE {
		t.Errorf("a write to a closed socket: %d bytes, %v", n, errno)
	}
}
