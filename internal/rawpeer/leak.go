package rawpeer

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/poolcheck"
)

// LeakCheck runs the tests and returns the code to exit with. It makes the run
// fail when goroutines remain that the tests or the code under test started, and,
// with the race detector, when something was taken from a pool and not given
// back:
//
//	func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }
func LeakCheck(m *testing.M) int {
	code := m.Run()
	if leaked := leakedGoroutines(); code == 0 && len(leaked) > 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines remain after the tests:\n\n%s\n", len(leaked), strings.Join(leaked, "\n\n"))
		code = 1
	}
	// Goroutines that ended have given back what they had.
	if left := poolcheck.Out(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "out of their pools after the tests: %v\n", left)
		code = 1
	}
	return code
}

// leakedGoroutines returns the stacks of the goroutines that remain. It gives
// them some time, for what they do last is often to end after they told so.
func leakedGoroutines() []string {
	const patience, pause = 2 * time.Second, 10 * time.Millisecond
	for deadline := time.Now().Add(patience); ; time.Sleep(pause) {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
		leaked := leakedOf(allStacks())
		if len(leaked) == 0 || time.Now().After(deadline) {
			return leaked
		}
	}
}

func allStacks() string {
	for size := 1 << 20; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size {
			return string(b[:n])
		}
	}
}

// leakedOf returns those of the goroutines in stacks that no part of the
// runtime or of package testing accounts for. The first is the caller's.
func leakedOf(stacks string) []string {
	var leaked []string
	_, others, _ := strings.Cut(stacks, "\n\n")
	for stack := range strings.SplitSeq(others, "\n\n") {
		if stack != "" && !isSystem(stack) {
			leaked = append(leaked, strings.TrimSpace(stack))
		}
	}
	return leaked
}

func isSystem(stack string) bool {
	for _, frame := range []string{
		"\ntesting.(*M).",       // alarms
		"\nos/signal.loop(",     // of signal.Notify, for good
		"\nruntime/trace.",      // -trace
		"\nruntime/pprof.",      // -cpuprofile
		"\ninternal/fuzz.",      // the fuzzing engine
		"\nruntime.ensureSigM",  // signals
		"\nruntime.handleEvent", // of JavaScript, with GOOS=js
	} {
		if strings.Contains(stack, frame) {
			return true
		}
	}
	return false
}
