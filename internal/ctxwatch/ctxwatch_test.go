package ctxwatch

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// direction is a target under test. It records whether calls on it would fail now.
type direction struct {
	busy       atomic.Bool // its lock
	failing    atomic.Bool
	interrupts atomic.Int32
}

func (d *direction) Busy() bool { return d.busy.Load() }
func (d *direction) Interrupt() { d.failing.Store(true); d.interrupts.Add(1) }
func (d *direction) Resume()    { d.failing.Store(false) }

// tryLock and unlock are the operations of a holder around its calls.
func (d *direction) tryLock() bool { return d.busy.CompareAndSwap(false, true) }

func (d *direction) unlock(w *Watch) {
	d.busy.Store(false)
	for w.Raised() && d.tryLock() {
		w.Mend()
		d.busy.Store(false)
	}
}

func newWatch(k Keeping) (*Watch, *direction) {
	w, d := new(Watch), new(direction)
	w.Init(d, k)
	return w, d
}

// registry is a context that counts its registrations.
type registry struct {
	context.Context
	mu         sync.Mutex
	total, now int
}

func newRegistry(t *testing.T) (*registry, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &registry{Context: ctx}, cancel
}

// Value hides the embedded context, so context.AfterFunc uses the AfterFunc method.
func (*registry) Value(any) any { return nil }

// AfterFunc is called by context.AfterFunc.
func (r *registry) AfterFunc(f func()) (stop func() bool) {
	r.add(1)
	stopInner := context.AfterFunc(r.Context, f)
	return func() bool {
		r.add(-1)
		return stopInner()
	}
}

func (r *registry) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now += n
	r.total += max(n, 0)
}

func (r *registry) counts() (total, now int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total, r.now
}

// call locks, and makes a call that does not block.
func call(t *testing.T, w *Watch, d *direction, ctx context.Context) {
	t.Helper()
	begin(t, w, d, ctx)
	if end(w, d) {
		t.Fatal("a call was interrupted before its context ended")
	}
}

func begin(t *testing.T, w *Watch, d *direction, ctx context.Context) {
	t.Helper()
	if !d.tryLock() {
		t.Fatal("the lock is held")
	}
	if !w.Begin(ctx) {
		t.Fatal("Begin returned false for a context that has not ended")
	}
	if d.failing.Load() {
		t.Fatal("a call begins on a direction that is interrupted")
	}
}

func end(w *Watch, d *direction) (wasInterrupted bool) {
	wasInterrupted = w.End()
	d.unlock(w)
	return wasInterrupted
}

// wantRefused expects Begin to return false for an ended context, and to leave no
// state.
func wantRefused(t *testing.T, w *Watch, d *direction, ctx context.Context) {
	t.Helper()
	if !d.tryLock() {
		t.Fatal("the lock is held")
	}
	if w.Begin(ctx) {
		t.Error("Begin returned true for a context that has ended")
		w.End()
	}
	d.unlock(w)
	if d.failing.Load() {
		t.Error("the direction is left interrupted")
	}
}

func TestContextWithoutEnd(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, d := newWatch(Keep)
			early, cancel := context.WithCancel(t.Context())
			call(t, w, d, early)
			call(t, w, d, early) // it stays registered
			begin(t, w, d, context.Background())
			cancel()
			synctest.Wait()
			if end(w, d) || d.interrupts.Load() != 0 {
				t.Error("a call that nothing ends was interrupted")
			}
		})
	})
}

// slowContext is a context whose Err returns after the functions that were registered
// with it have run.
type slowContext struct{ context.Context }

func (c slowContext) Err() error {
	synctest.Wait()
	return c.Context.Err()
}

func TestContextThatHasEnded(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, d := newWatch(Keep)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			ctx := slowContext{ended}
			for range 3 {
				wantRefused(t, w, d, ctx)
				synctest.Wait()
				if d.failing.Load() {
					t.Fatal("the direction is left interrupted")
				}
			}
			if n := d.interrupts.Load(); n != 0 {
				t.Errorf("the direction was interrupted %d times", n)
			}
			call(t, w, d, t.Context())
		})
	})
}

func TestContextEndsDuringACall(t *testing.T) {
	for _, test := range []struct {
		name   string
		k      Keeping
		before int // calls with the same context
	}{
		{"first call", Keep, 0},
		{"second call", Keep, 1},
		{"fourth call", Keep, 3},
		{"not kept", Release, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, d := newWatch(test.k)
				for range 3 {
					ctx, cancel := context.WithCancel(t.Context())
					for range test.before {
						call(t, w, d, ctx)
					}
					begin(t, w, d, ctx)
					cancel()
					synctest.Wait()
					if !d.failing.Load() {
						t.Fatal("the call was not interrupted")
					}
					if !end(w, d) {
						t.Fatal("the interruption was not reported")
					}
					if d.failing.Load() {
						t.Fatal("later calls are interrupted too")
					}
					call(t, w, d, t.Context())
				}
			})
		})
	}
}

// A context that ends while no call is under way does not interrupt the direction.
func TestContextEndsBetweenCalls(t *testing.T) {
	for _, test := range []struct {
		name  string
		k     Keeping
		calls int
	}{
		{"one call", Keep, 1},
		{"two calls", Keep, 2},
		{"three calls", Keep, 3},
		{"three calls, not kept", Release, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, d := newWatch(test.k)
				ctx, cancel := context.WithCancel(t.Context())
				for range test.calls {
					call(t, w, d, ctx)
				}
				cancel()
				synctest.Wait()
				if d.interrupts.Load() != 0 {
					t.Fatal("interrupted with no call under way")
				}
				wantRefused(t, w, d, ctx)
				call(t, w, d, t.Context())
				if d.interrupts.Load() != 0 {
					t.Error("interrupted later")
				}
			})
		})
	}
}

// A context that ends after the last check of a call, but before the unlock, has no
// effect after the unlock.
func TestContextEndsBeforeTheUnlock(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, d := newWatch(Keep)
			ctx, cancel := context.WithCancel(t.Context())
			call(t, w, d, ctx)
			begin(t, w, d, ctx)
			if w.End() {
				t.Fatal("interrupted by nothing")
			}
			cancel()
			synctest.Wait()
			if !d.failing.Load() {
				t.Fatal("the lock is held, and the call was not interrupted")
			}
			d.unlock(w)
			if d.failing.Load() {
				t.Error("the direction is left interrupted")
			}
			call(t, w, d, t.Context())
		})
	})
}

// A call that does not block ignores the end of an earlier call's context.
func TestReady(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, d := newWatch(Keep)
			ctx, cancel := context.WithCancel(t.Context())
			call(t, w, d, ctx)
			call(t, w, d, ctx)
			if !w.BeginNoWait(ctx) {
				t.Error("not ready with a context that has not ended")
			}
			cancel()
			synctest.Wait()
			if !w.BeginNoWait(t.Context()) || w.Raised() {
				t.Error("not ready after an earlier context's end")
			}
			other, cancel := context.WithCancel(t.Context())
			call(t, w, d, other)
			call(t, w, d, other)
			cancel()
			synctest.Wait()
			if w.BeginNoWait(other) || w.Raised() {
				t.Error("ready with a context that has ended")
			}
		})
	})
}

// A context is registered during a call. If it is used twice in a row, it stays
// registered until another one is used.
func TestRegistrations(t *testing.T) {
	w, d := newWatch(Keep)
	ctx, _ := newRegistry(t)
	other, _ := newRegistry(t)
	want := func(r *registry, total, now int) {
		t.Helper()
		if gotTotal, gotNow := r.counts(); gotTotal != total || gotNow != now {
			t.Fatalf("registered %d times, and %d now; want %d and %d", gotTotal, gotNow, total, now)
		}
	}

	call(t, w, d, ctx)
	want(ctx, 1, 0)
	for range 10 {
		call(t, w, d, ctx)
		want(ctx, 2, 1)
	}
	call(t, w, d, other)
	want(ctx, 2, 0)
	want(other, 1, 0)
	call(t, w, d, other)
	want(other, 2, 1)
	w.Close()
	want(other, 2, 0)
	call(t, w, d, other)
	want(other, 3, 0)

	if n := testing.AllocsPerRun(100, func() { call(t, w, d, ctx) }); n != 0 {
		t.Errorf("a context that is used repeatedly allocates %v times", n)
	}
	w.Close()

	w, d = newWatch(Release)
	for i := range 5 {
		call(t, w, d, other)
		want(other, 4+i, 0)
	}
}

// The registration of a long-lived context does not keep a Watch alive, and is removed
// with it.
func TestDroppedWatchIsCollected(t *testing.T) {
	ctx, _ := newRegistry(t)
	collected := make(chan struct{})
	func() {
		w, d := newWatch(Keep)
		for range 3 {
			call(t, w, d, ctx)
		}
		if _, now := ctx.counts(); now != 1 {
			t.Fatalf("%d registrations, want 1", now)
		}
		runtime.AddCleanup(w, func(c chan struct{}) { close(c) }, collected)
	}()
	limit := time.After(time.Minute)
	for {
		runtime.GC()
		select {
		case <-collected:
			for {
				if _, now := ctx.counts(); now == 0 {
					return
				}
				runtime.Gosched()
				select {
				case <-limit:
					t.Fatal("a registration of a collected Watch is left")
				default:
				}
			}
		case <-limit:
			t.Fatal("the context keeps the Watch alive")
		default:
			runtime.Gosched()
		}
	}
}

// The end of an earlier call's context does not interrupt the next call.
func TestLateEnd(t *testing.T) {
	w, d := newWatch(Keep)
	early, cancel := context.WithCancel(t.Context())
	defer cancel()
	later, cancel := context.WithCancel(t.Context())
	defer cancel()

	call(t, w, d, early)
	begin(t, w, d, later)
	w.fire(early.Done())
	if d.interrupts.Load() != 0 {
		t.Error("a call was interrupted by the context of an earlier one")
	}
	if end(w, d) {
		t.Error("the call counts as interrupted")
	}
}

// Contexts end at random moments. After each call the direction works, and no call is
// interrupted whose context has not ended.
func TestStress(t *testing.T) {
	const rounds = 5000
	w, d := newWatch(Keep)
	wasInterrupted := 0
	for i := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		if i%2 == 0 {
			call(t, w, d, ctx)
			call(t, w, d, ctx) // it stays registered
		}
		done := make(chan struct{})
		go func() { cancel(); close(done) }()
		d.tryLock()
		begun := w.Begin(ctx)
		for range i % 16 {
			runtime.Gosched()
		}
		if begun && w.End() {
			wasInterrupted++
		}
		d.unlock(w)
		if i%3 == 0 {
			<-done
		}
		if d.tryLock() {
			if w.Begin(t.Context()) && d.failing.Load() {
				t.Fatal("the next call was interrupted")
			}
			w.End()
			d.unlock(w)
		}
		<-done
	}
	if wasInterrupted == 0 || wasInterrupted == rounds {
		t.Errorf("%d of %d calls were interrupted: they did not race", wasInterrupted, rounds)
	}
	if d.failing.Load() {
		t.Error("the direction is left interrupted")
	}
}

func BenchmarkCallOfSameContext(b *testing.B) {
	w, d := new(Watch), new(direction)
	w.Init(d, Keep)
	d.tryLock()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for b.Loop() {
		w.Begin(ctx)
		w.End()
	}
}
