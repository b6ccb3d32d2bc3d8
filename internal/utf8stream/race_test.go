//go:build race

package utf8stream

import (
	"os"
	"os/exec"
	"testing"
)

// The race detector reports a race on memory that a kernel reads or writes. The race
// is in a process of its own, because it fails the run.
func TestRaceIsDetected(t *testing.T) {
	text, src, dst := make([]byte, 4*minLong), make([]byte, 4*minOnePass), make([]byte, 4*minOnePass)
	races := []struct {
		name string
		p    []byte // is written by another goroutine
		call func()
	}{
		{"text", text, func() { Valid(text) }},
		{"source", src, func() { new(Validator).Unmask(dst, src, 1) }},
		{"destination", dst, func() { new(Validator).Unmask(dst, src, 1) }},
	}
	for _, tc := range races {
		t.Run(tc.name, func(t *testing.T) {
			if os.Getenv("UTF8STREAM_RACE") != "" {
				done := make(chan struct{})
				go func() {
					defer close(done)
					tc.p[len(tc.p)/2] = 1
				}()
				tc.call()
				<-done
				return
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestRaceIsDetected$/^"+tc.name+"$")
			cmd.Env = append(os.Environ(), "UTF8STREAM_RACE=1", "GORACE=exitcode=66")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("no race was reported:\n%s", out)
			}
		})
	}
}
