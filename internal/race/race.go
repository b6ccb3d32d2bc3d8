//go:build race

// Package race tells the race detector of memory that assembly reads and writes:
// it sees what Go code does and nothing else. Without the detector its functions
// do nothing.
package race

import (
	"runtime"
	"unsafe"
)

// Read notes that p is read.
func Read(p []byte) {
	if len(p) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&p[0]), len(p))
	}
}

// Write notes that p is written.
func Write(p []byte) {
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&p[0]), len(p))
	}
}
