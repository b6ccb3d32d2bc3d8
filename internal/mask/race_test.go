//go:build race

package mask

import (
	"os"
	"os/exec"
	"testing"
)

// The race detector reports a race on memory that a kernel reads. The race is in a process
// of its own, because it fails the run.
func TestRaceIsDetected(t *testing.T) {
	if os.Getenv("MASK_RACE") != "" {
		src, dst := make([]byte, 4*minLong), make([]byte, 4*minLong)
		done := make(chan struct{})
		go func() {
			defer close(done)
			src[len(src)/2] = 1
		}()
		Copy(dst, src, 1)
		<-done
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRaceIsDetected$")
	cmd.Env = append(os.Environ(), "MASK_RACE=1", "GORACE=exitcode=66")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("no race was reported:\n%s", out)
	}
}
