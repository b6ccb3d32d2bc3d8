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

// TestStress calls everything that a connection has, on both of its ends, from
// many goroutines, at random, until it ends in one way or another. What arrives
// has to be what was sent; when it is over, nothing may be left.
//
// It goes on for -stress.time, in rounds. A round's name is what it was made of:
// -stress.seed begins with the same again, though what runs at the same time is
// never quite the same.
var (
	stressTime = flag.Duration("stress.time", 3*time.Second, "how long TestStress goes on")
	stressSeed = flag.Uint64("stress.seed", 0, "the first round of TestStress; 0 is any")
)

// stressBound is how long a round may take to end, and to leave nothing behind.
// Nothing in it waits for longer than closing does, which is 5 seconds.
const stressBound = 30 * time.Second

// stressTotals count what was done in all.
type stressTotals struct {
	connections, messages, calls atomic.Int64
}

func TestStress(t *testing.T) {
	seed := *stressSeed
	for seed == 0 {
		seed = rand.Uint64N(1 << 40)
	}
	// Seen when the run fails, be it by a panic.
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
			t.Fatalf("-stress.seed %d leaves\n%v\nbefore it were\n%v\n%s", seed, after, before, allStacks())
		}
		rounds++
	}
	t.Logf("%d rounds, %d connections, %d messages, %d calls",
		rounds, totals.connections.Load(), totals.messages.Load(), totals.calls.Load())
}

// usePoller makes the runtime open the files that it keeps.
func usePoller(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	conntest.WantNoError(t, err)
	l.Close()
}

// leftovers are what a round must not add to.
type leftovers struct {
	goroutines, files int
	contexts          int // registrations with contexts that have not ended
	out               map[poolcheck.Kind]int
}

func countLeftovers() leftovers {
	l := leftovers{goroutines: runtime.NumGoroutine(), out: poolcheck.Out()}
	if files, err := filepath.Glob("/proc/self/fd/*"); err == nil {
		l.files = len(files) // none but on Linux
	}
	return l
}

func (l leftovers) String() string {
	return fmt.Sprintf("%d goroutines, %d open files, %d registrations with contexts, out of pools: %v",
		l.goroutines, l.files, l.contexts, l.out)
}

// within reports whether there is no more of anything than before.
func (l leftovers) within(before leftovers) bool {
	for kind, n := range l.out {
		if n != before.out[kind] {
			return false
		}
	}
	return l.goroutines <= before.goroutines && l.files <= before.files && l.contexts == 0
}

// settles waits until the round has left nothing behind: who ends a connection
// does not wait for all that this takes.
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

// A rng makes the numbers of one goroutine.
type rng struct{ *rand.Rand }

func newRNG(seed uint64) rng { return rng{rand.New(rand.NewPCG(seed, 0x57e55))} }

// fork makes another, for another goroutine.
func (r rng) fork() rng { return newRNG(r.Uint64()) }

// oneIn is true once in n times.
func (r rng) oneIn(n int) bool { return r.IntN(n) == 0 }

// upTo is 0 to n, and more often little.
func (r rng) upTo(n int) int { return r.IntN(1 + r.IntN(1+r.IntN(n+1))) }

// pick is one of those.
func pick[T any](r rng, choices ...T) T { return choices[r.IntN(len(choices))] }
