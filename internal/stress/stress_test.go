//go:build !js

package stress

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
)

// TestStress calls all methods of connections, on both ends, from many goroutines, at
// random, until the connections end in different ways. Messages must arrive as they
// were sent, and nothing may be left afterwards.
//
// It runs rounds for -stress.time. A round's name contains its seed: -stress.seed
// starts with the same one again, though the schedule is never quite the same.
var (
	stressTime = flag.Duration("stress.time", 3*time.Second, "`duration` of TestStress")
	stressSeed = flag.Uint64("stress.seed", 0, "the first round of TestStress; 0 is any")
)

// stressBound is how long a round may take to end and to release everything. The
// longest wait in it is that for the close handshake, 5 seconds.
const stressBound = 30 * time.Second

// stressTotals counts work over all rounds.
type stressTotals struct {
	connections, messages, calls atomic.Int64
}

func TestStress(t *testing.T) {
	seed := *stressSeed
	for seed == 0 {
		seed = rand.Uint64N(1 << 40)
	}
	// Printed also when the run ends in a panic.
	fmt.Fprintf(os.Stderr, "TestStress begins with -stress.seed %d\n", seed)
	usePoller(t)

	var totals stressTotals
	rounds := 0
	for over := time.Now().Add(*stressTime); time.Now().Before(over); seed++ {
		before := countLeftovers()
		r := newStressRound(seed, &totals)
		if !t.Run(fmt.Sprintf("seed=%d", seed), r.run) {
			t.Fatalf("to begin with this round: -stress.seed %d", seed)
		}
		if after, ok := r.settles(before); !ok {
			t.Fatalf("-stress.seed %d leaves\n%v\nbefore it there were\n%v\n%s", seed, after, before, allStacks())
		}
		rounds++
	}
	t.Logf("%d rounds, %d connections, %d messages, %d calls",
		rounds, totals.connections.Load(), totals.messages.Load(), totals.calls.Load())
}

// usePoller makes the runtime open the file descriptors that it keeps.
func usePoller(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	conntest.WantNoError(t, err)
	l.Close()
}

// leftovers are resources that a round must release.
type leftovers struct {
	goroutines, files int
	contexts          int // registrations with contexts that are not done
	out               map[poolcheck.Kind]int
}

func countLeftovers() leftovers {
	l := leftovers{goroutines: runtime.NumGoroutine(), out: poolcheck.Out()}
	if files, err := filepath.Glob("/proc/self/fd/*"); err == nil {
		l.files = len(files) // 0 except on Linux
	}
	return l
}

func (l leftovers) String() string {
	return fmt.Sprintf("%d goroutines, %d open files, %d registrations with contexts, out of pools: %v",
		l.goroutines, l.files, l.contexts, l.out)
}

// within reports whether no count exceeds that of before.
func (l leftovers) within(before leftovers) bool {
	for kind, n := range l.out {
		if n != before.out[kind] {
			return false
		}
	}
	return l.goroutines <= before.goroutines && l.files <= before.files && l.contexts == 0
}

// settles waits until the round has released everything, which may happen after the
// calls that end a connection have returned.
func (r *stressRound) settles(before leftovers) (after leftovers, ok bool) {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	patience := time.After(stressBound)
	for {
		after = countLeftovers()
		after.contexts = r.registrations()
		if after.within(before) {
			return after, true
		}
		select {
		case <-look.C:
		case <-patience:
			return after, false
		}
	}
}

func allStacks() string {
	stacks := new(strings.Builder)
	pprof.Lookup("goroutine").WriteTo(stacks, 1)
	return stacks.String()
}

// A rng generates the random numbers of one goroutine.
type rng struct{ *rand.Rand }

func newRNG(seed uint64) rng { return rng{rand.New(rand.NewPCG(seed, 0x57e55))} }

// fork returns a generator for another goroutine.
func (r rng) fork() rng { return newRNG(r.Uint64()) }

// oneIn returns true with a probability of 1/n.
func (r rng) oneIn(n int) bool { return r.IntN(n) == 0 }

// upTo returns a number from 0 to n; small ones are more likely.
func (r rng) upTo(n int) int { return r.IntN(1 + r.IntN(1+r.IntN(n+1))) }

// pick returns one of choices.
func pick[T any](r rng, choices ...T) T { return choices[r.IntN(len(choices))] }
