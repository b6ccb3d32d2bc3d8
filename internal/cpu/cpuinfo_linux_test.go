//go:build amd64 && !purego

package cpu

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The detected instruction sets are those that Linux lists.
func TestThisProcessor(t *testing.T) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\nflags")
	line, _, _ := strings.Cut(after, "\n")
	flags := strings.Fields(line)
	if !slices.Contains(flags, "sse2") {
		t.Fatalf("no flags in /proc/cpuinfo: %q", line)
	}
	if want := slices.Contains(flags, "ssse3"); SSSE3 != want {
		t.Errorf("SSSE3 = %v, want %v", SSSE3, want)
	}
	if want := slices.Contains(flags, "avx2"); AVX2 != want {
		t.Errorf("AVX2 = %v, want %v", AVX2, want)
	}
}
