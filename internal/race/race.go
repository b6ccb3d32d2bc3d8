//go:build race

// Package race reports to the race detector which memory assembly reads and writes. The
// detector observes only Go code. Without it the functions do nothing.
package race

import (
	"runtime"
	"unsafe"
)

// Read reports a read of p.
func Read(p []byte) {
	if len(p) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&p[0]), len(p))
	}
}

// Write reports a write of p.
func Write(p []byte) {
	if len(p) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&p[0]), len(p))
	}
}
