package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// readProcess reads the operating system's counts for this process, if available.
func (m *memory) readProcess() error {
	rss, err := procField("/proc/self/status", "VmRSS:")
	if err != nil {
		return err
	}
	pss, err := procField("/proc/self/smaps_rollup", "Pss:")
	if err != nil {
		return err
	}
	m.resident, m.pss = rss, pss
	return nil
}

// procField returns a field in bytes, or 0 if the file does not exist.
func procField(file, field string) (int64, error) {
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), field)
		if !ok {
			continue
		}
		var kib int64
		if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
			return 0, fmt.Errorf("%s: %s %w", file, field, err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("%s has no %s", file, field)
}
