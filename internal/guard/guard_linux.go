package guard

import (
	"os"
	"syscall"
	"testing"
)

// Bytes returns at least n bytes, at least one, rounded up to whole pages, between two
// pages that can be neither read nor written. They are unmapped when the test ends.
func Bytes(t testing.TB, n int) []byte {
	t.Helper()
	page := os.Getpagesize()
	size := (max(n, 1) + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	for _, neighbour := range [][]byte{all[:page], all[page+size:]} {
		if err := syscall.Mprotect(neighbour, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return all[page : page+size : page+size]
}
