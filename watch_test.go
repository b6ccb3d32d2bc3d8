//go:build !js

package websocket

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// direction is what a watch under test interrupts: it notes whether calls on it
// would fail now.
type direction struct {
	failing    atomic.Bool
	interrupts atomic.Int32
}

func (d *direction) interrupt() { d.failing.Store(true); d.interrupts.Add(1) }
func (d *direction) resume()    { d.failing.Store(false) }

// registry is a context that counts who is registered with it.
type registry struct {
	context.Context
	total, now int
}

func newRegistry(t *testing.T) (*registry, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &registry{Context: ctx}, cancel
}

// Value hides the context within, with which context.AfterFunc would register
// past AfterFunc.
func (*registry) Value(any) any { return nil }

// AfterFunc is what context.AfterFunc calls.
func (r *registry) AfterFunc(f func()) (stop func() bool) {
	r.total++
	r.now++
	stopInner := context.AfterFunc(r.Context, f)
	return func() bool {
		r.now--
		return stopInner()
	}
}

// callWatched arms w as a call does that blocks, and ends it at once.
func callWatched(t *testing.T, w *watch, ctx context.Context) {
	t.Helper()
	armed, err := w.arm(ctx)
	if err != nil || !armed {
		t.Fatalf("arm: %t, %v", armed, err)
	}
	if w.disarm() {
		t.Fatal("a call was interrupted whose context had not ended")
	}
}

func TestWatchOfNoEnd(t *testing.T) {
	var d direction
	w := watch{target: &d}
	armed, err := w.arm(context.Background())
	if armed || err != nil {
		t.Errorf("got %t, %v for a context that never ends", armed, err)
	}
}

func TestWatchOfEnded(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d direction
			w := watch{target: &d}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 3 {
				armed, err := w.arm(ctx)
				if armed || err != errInterrupted {
					t.Fatalf("got %t, %v for a context that has ended", armed, err)
				}
				synctest.Wait()
				if d.failing.Load() {
					t.Fatal("the direction is left interrupted")
				}
			}
			callWatched(t, &w, t.Context())
		})
	})
}

func TestWatchInterrupts(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d direction
			w := watch{target: &d}
			for range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				callWatched(t, &w, ctx) // it is known when it ends
				if _, err := w.arm(ctx); err != nil {
					t.Fatal(err)
				}
				cancel()
				synctest.Wait()
				if !d.failing.Load() {
					t.Fatal("the call was not interrupted")
				}
				if !w.disarm() {
					t.Fatal("the interruption was not reported")
				}
				if d.failing.Load() {
					t.Fatal("later calls are interrupted too")
				}
				callWatched(t, &w, t.Context())
			}
		})
	})
}

// A context that ends when no call is under way interrupts none, be it
// registered or not.
func TestWatchBetweenCalls(t *testing.T) {
	for _, calls := range []int{1, 2, 3} {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d direction
				w := watch{target: &d}
				ctx, cancel := context.WithCancel(t.Context())
				for range calls {
					callWatched(t, &w, ctx)
				}
				cancel()
				synctest.Wait()
				if d.interrupts.Load() != 0 {
					t.Fatal("interrupted with no call under way")
				}
				if armed, err := w.arm(ctx); armed || err != errInterrupted {
					t.Errorf("got %t, %v for a context that has ended", armed, err)
				}
				callWatched(t, &w, t.Context())
			})
		})
	}
}

// A context is registered for the length of a call, and from the second one in
// a row on for good, until another comes.
func TestWatchRegisters(t *testing.T) {
	var d direction
	w := watch{target: &d}
	ctx, _ := newRegistry(t)
	other, _ := newRegistry(t)
	want := func(r *registry, total, now int) {
		t.Helper()
		if r.total != total || r.now != now {
			t.Fatalf("registered %d times, and %d now; want %d and %d", r.total, r.now, total, now)
		}
	}

	callWatched(t, &w, ctx)
	want(ctx, 1, 0)
	for range 10 {
		callWatched(t, &w, ctx)
		want(ctx, 2, 1)
	}
	callWatched(t, &w, other)
	want(ctx, 2, 0)
	want(other, 1, 0)
	callWatched(t, &w, other)
	want(other, 2, 1)
	w.close()
	want(other, 2, 0)
	callWatched(t, &w, other)
	want(other, 3, 0)

	if n := testing.AllocsPerRun(100, func() { callWatched(t, &w, ctx) }); n != 0 {
		t.Errorf("a context that comes again and again allocates %v times", n)
	}
}

// The end of a context that an earlier call was given comes too late for it,
// and is none of the next one's business.
func TestWatchLateEnd(t *testing.T) {
	var d direction
	w := watch{target: &d}
	early, cancel := context.WithCancel(t.Context())
	defer cancel()
	later, cancel := context.WithCancel(t.Context())
	defer cancel()

	callWatched(t, &w, early)
	if _, err := w.arm(later); err != nil {
		t.Fatal(err)
	}
	w.fire(early.Done())
	if d.interrupts.Load() != 0 {
		t.Error("a call was interrupted by the context of an earlier one")
	}
	if w.disarm() {
		t.Error("the call counts as interrupted")
	}
}

// Contexts end at any moment; after disarm the direction works.
func TestWatchStress(t *testing.T) {
	const rounds = 5000
	var d direction
	w := watch{target: &d}
	interrupted := 0
	for i := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		if i%2 == 0 {
			callWatched(t, &w, ctx)
			callWatched(t, &w, ctx) // it stays registered
		}
		done := make(chan struct{})
		go func() { cancel(); close(done) }()
		armed, _ := w.arm(ctx)
		for range i % 16 {
			runtime.Gosched()
		}
		if armed && w.disarm() {
			interrupted++
		}
		if d.failing.Load() {
			t.Fatal("the direction is left interrupted")
		}
		<-done
		if d.failing.Load() {
			t.Fatal("interrupted with no call under way")
		}
	}
	if interrupted == 0 || interrupted == rounds {
		t.Errorf("%d of %d calls were interrupted: they did not race", interrupted, rounds)
	}
}
