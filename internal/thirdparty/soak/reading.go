package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// reading are the resources of a process at a time.
type reading struct {
	At          time.Duration // since the start of the run
	Heap, Stack int64         // in use in the Go runtime
	Resident    int64         // reported by the operating system
	Goroutines  int
	Descriptors int
	CPU         time.Duration // used so far
	Open        int           // counted by the clients
}

// collections is the number of garbage collections that empty the pools.
const collections = 2

// readProcess reads the resources of this process.
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

// countDescriptors counts open files, including the directory that it reads.
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

// spareDescriptors are those needed in addition to one for each connection: for
// connections that are being closed, and for the process itself.
const spareDescriptors = 500

// raiseDescriptors raises the limit of open files to its maximum, which must be at
// least need.
func raiseDescriptors(need int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < uint64(need) {
		return fmt.Errorf("a process needs %d descriptors, and %d are allowed", need, limit.Max)
	}
	if limit.Cur == limit.Max {
		return nil
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
