//go:build race

package utf8stream

import (
	"os"
	"os/exec"
	"testing"
)

// The race detector reports a race on text that a kernel reads. It is a process
// of its own that has the race, because one fails the run.
func TestRaceIsSeen(t *testing.T) {
	if os.Getenv("UTF8STREAM_RACE") != "" {
		text := make([]byte, 4*minLong)
		done := make(chan struct{})
		go func() {
			defer close(done)
			text[len(text)/2] = 1
		}()
		Valid(text)
		<-done
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRaceIsSeen$")
	cmd.Env = append(os.Environ(), "UTF8STREAM_RACE=1", "GORACE=exitcode=66")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("no race was reported:\n%s", out)
	}
}
