package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// printMachine prints the lines at the start of the output of `go test -bench`.
func printMachine(w io.Writer) {
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: github.com/bhojpur/api/internal/thirdparty/idle\n", runtime.GOOS, runtime.GOARCH)
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return // not available on every system
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(name) == "model name" {
			fmt.Fprintf(w, "cpu: %s\n", strings.TrimSpace(value))
			return
		}
	}
}
