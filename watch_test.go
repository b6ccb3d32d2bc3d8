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
	if err := w.arm(ctx); err != nil {
		t.Fatal(err)
	}
	if w.disarm() {
		t.Fatal("a call was interrupted whose context had not ended")
	}
}

func TestWatchOfNoEnd(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d direction
			w := watch{target: &d, keeps: true}
			early, cancel := context.WithCancel(t.Context())
			callWatched(t, &w, early)
			callWatched(t, &w, early) // it stays registered
			if err := w.arm(context.Background()); err != nil {
				t.Fatal(err)
			}
			cancel()
			synctest.Wait()
			if w.disarm() || d.interrupts.Load() != 0 {
				t.Error("a call that nothing ends was interrupted")
			}
		})
	})
}

func TestWatchOfEnded(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d direction
			w := watch{target: &d, keeps: true}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 3 {
				if err := w.arm(ctx); err != errInterrupted {
					t.Fatalf("got %v for a context that has ended", err)
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
			w := watch{target: &d, keeps: true}
			for range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				callWatched(t, &w, ctx) // it is known when it ends
				if err := w.arm(ctx); err != nil {
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
// registered or not. What can't be resumed is not even interrupted.
func TestWatchBetweenCalls(t *testing.T) {
	for _, test := range []struct {
		name  string
		keeps bool
		calls int
		next  func(w *watch, ctx context.Context) error
	}{
		{"one call", true, 1, (*watch).arm},
		{"two calls", true, 2, (*watch).arm},
		{"three calls", true, 3, (*watch).arm},
		{"three calls, then one that does not block", true, 3, (*watch).ready},
		{"three calls, no way back", false, 3, (*watch).arm},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d direction
				w := watch{target: &d, keeps: test.keeps}
				ctx, cancel := context.WithCancel(t.Context())
				for range test.calls {
					callWatched(t, &w, ctx)
				}
				cancel()
				synctest.Wait()
				if !test.keeps && d.interrupts.Load() != 0 {
					t.Fatal("interrupted with no call under way")
				}
				if err := test.next(&w, ctx); err != errInterrupted {
					t.Errorf("got %v for a context that has ended", err)
				}
				if d.failing.Load() {
					t.Error("the direction is left interrupted")
				}
				callWatched(t, &w, t.Context())
			})
		})
	}
}

// A call that does not block bears the end of an earlier call's context.
func TestWatchReady(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d direction
			w := watch{target: &d, keeps: true}
			ctx, cancel := context.WithCancel(t.Context())
			callWatched(t, &w, ctx)
			callWatched(t, &w, ctx)
			cancel()
			synctest.Wait()
			if err := w.ready(t.Context()); err != nil || d.failing.Load() {
				t.Errorf("%v, and failing: %t", err, d.failing.Load())
			}
		})
	})
}

// A context is registered for the length of a call, and from the second one in
// a row on for good, until another comes.
func TestWatchRegisters(t *testing.T) {
	var d direction
	w := watch{target: &d, keeps: true}
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
	w := watch{target: &d, keeps: true}
	early, cancel := context.WithCancel(t.Context())
	defer cancel()
	later, cancel := context.WithCancel(t.Context())
	defer cancel()

	callWatched(t, &w, early)
	if err := w.arm(later); err != nil {
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
	w := watch{target: &d, keeps: true}
	interrupted := 0
	for i := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		if i%2 == 0 {
			callWatched(t, &w, ctx)
			callWatched(t, &w, ctx) // it stays registered
		}
		done := make(chan struct{})
		go func() { cancel(); close(done) }()
		err := w.arm(ctx)
		for range i % 16 {
			runtime.Gosched()
		}
		if err == nil && w.disarm() {
			interrupted++
			if d.failing.Load() {
				t.Fatal("the direction is left interrupted")
			}
		}
		<-done
		callWatched(t, &w, t.Context())
		if d.failing.Load() {
			t.Fatal("the next call was interrupted")
		}
	}
	if interrupted == 0 || interrupted == rounds {
		t.Errorf("%d of %d calls were interrupted: they did not race", interrupted, rounds)
	}
}
