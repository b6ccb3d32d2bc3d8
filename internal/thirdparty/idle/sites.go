package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// writeSites writes the live memory of each allocation site to file, per connection of
// n, largest first. The process must have been started with GODEBUG=memprofilerate=1.
func writeSites(file string, n int) error {
	for range collections {
		runtime.GC()
	}
	var records []runtime.MemProfileRecord
	for count, ok := runtime.MemProfile(nil, false); !ok; {
		records = make([]runtime.MemProfileRecord, count+count/4+50)
		count, ok = runtime.MemProfile(records, false)
		if ok {
			records = records[:count]
		}
	}
	slices.SortFunc(records, func(a, b runtime.MemProfileRecord) int {
		return cmp.Compare(b.InUseBytes(), a.InUseBytes())
	})
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, r := range records {
		if r.InUseBytes() < int64(n) {
			break // less than a byte each
		}
		fmt.Fprintf(w, "%8.1f B/conn %6.2f objects/conn of %6d B  %s\n",
			float64(r.InUseBytes())/float64(n), float64(r.InUseObjects())/float64(n),
			r.InUseBytes()/max(r.InUseObjects(), 1), callers(r.Stack()))
	}
	return w.Flush()
}

// siteDepth is the number of callers that distinguish sites.
const siteDepth = 4

// callers returns the names of the innermost functions of an allocation, without those
// of the runtime.
func callers(stack []uintptr) string {
	var b strings.Builder
	frames := runtime.CallersFrames(stack)
	for depth := 0; depth < siteDepth; {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") {
			name := frame.Function[strings.LastIndex(frame.Function, "/")+1:]
			fmt.Fprintf(&b, "%s:%d < ", name, frame.Line)
			depth++
		}
		if !more {
			break
		}
	}
	return strings.TrimSuffix(b.String(), " < ")
}
