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

// leakPatience bounds the wait for resources that are released after the tests. The
// library's longest timer runs for 5 seconds: it closes a connection whose peer does
// not read the reply to its close frame. No goroutine exists while such a timer runs,
// yet the connection holds pooled memory.
const leakPatience = 30 * time.Second

// LeakCheck runs the tests and returns the exit code. If they pass, it waits until no
// goroutine remains that the tests or the code under test started and, with the race
// detector, until all pooled objects have been returned. The run fails if anything
// remains after leakPatience:
//
//	func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }
func LeakCheck(m *testing.M) int {
	code := m.Run()
	if code != 0 {
		return code
	}
	if left := settle(leftovers); left != "" {
		fmt.Fprintln(os.Stderr, left)
		return 1
	}
	return 0
}

// settle calls look until it returns "" or leakPatience has passed. It returns the last
// result.
func settle(look func() string) string {
	const minPause, maxPause = time.Millisecond, 100 * time.Millisecond
	deadline := time.Now().Add(leakPatience)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		left := look()
		if left == "" || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
	}
}

// leftovers describes the goroutines and connections that remain after the tests, or returns "".
func leftovers() string {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	if leaked := leakedOf(allStacks()); len(leaked) > 0 {
		return fmt.Sprintf("%d goroutines remain after the tests:\n\n%s", len(leaked), strings.Join(leaked, "\n\n"))
	}
	if left := poolcheck.Out(); len(left) > 0 {
		return fmt.Sprintf("out of their pools after the tests: %v", left)
	}
	return ""
}

func allStacks() string {
	for size := 1 << 20; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size {
			return string(b[:n])
		}
	}
}

// leakedOf returns the goroutines in stacks that belong neither to the runtime nor to
// package testing. The first one is the caller's.
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
		"\nos/signal.loop(",     // of signal.Notify, permanent
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
