package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// reading is what a process holds at a time.
type reading struct {
	At          time.Duration // since the run began
	Heap, Stack int64         // bytes of the Go runtime that are in use
	Resident    int64         // bytes of the operating system
	Goroutines  int
	Descriptors int
	CPU         time.Duration // that the process has used so far
	Open        int           // connections, as the clients count them
}

// collections frees what pools keep, for which it takes two.
const collections = 2

// readProcess looks at this process.
func readProcess() (r reading, err error) {
	for range collections {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	r.Heap, r.Stack = int64(stats.HeapAlloc), int64(stats.StackInuse)
	r.Goroutines = runtime.NumGoroutine()
	if r.Descriptors, err = countDescriptors(); err != nil {
		return reading{}, err
	}
	if r.Resident, err = residentBytes(); err != nil {
		return reading{}, err
	}
	r.CPU, err = processorTime()
	return r, err
}

// countDescriptors counts open files, the one that it reads from included.
func countDescriptors() (int, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return len(names), err
}

func residentBytes() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	const field = "VmRSS:"
	_, rest, ok := bytes.Cut(status, []byte(field))
	if !ok {
		return 0, fmt.Errorf("/proc/self/status has no %s", field)
	}
	var kib int64
	if _, err := fmt.Fscanf(bytes.NewReader(rest), "%d kB", &kib); err != nil {
		return 0, fmt.Errorf("%s %w", field, err)
	}
	return kib << 10, nil
}

func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// spareDescriptors are what a process needs besides one for each connection:
// those that are being closed while others come already, and its own.
const spareDescriptors = 500

// raiseDescriptors raises the limit of open files as far as it goes, which has to
// be far enough.
func raiseDescriptors(need int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < uint64(need) {
		return fmt.Errorf("this takes %d descriptors of a process, and %d are allowed", need, limit.Max)
	}
	if limit.Cur == limit.Max {
		return nil
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
