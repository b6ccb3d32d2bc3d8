// Package ctxwatch interrupts a blocked call when a context ends.
//
// A [Watch] belongs to one direction of a stream, in which one call is under way at
// a time, by the holder of a lock. The holder calls Begin before a call that may
// block, and End after it. If the context ends in between, the Watch interrupts the
// direction, its [Target], and resumes it in End.
//
// Registering with a context takes longer than reading a small message, and allocates. So
// a context that is used twice in a row stays registered, and is recognized by its Done
// channel: Begin and End are a few loads then. Such a registration does not prevent the
// garbage collection of the Watch and the object that it is part of.
//
// If a context that stays registered ends while no call is under way, it interrupts
// nothing: it raises a flag, which the next Begin checks. The lock of the direction shows
// whether a call is under way, so a call needs no atomic operation for that. Since the
// lock may be released when a context ends, the holder checks the flag after the unlock:
//
//	mu.Lock()
//	if w.Begin(ctx) {
//		n, err = read(p)
//		interrupted = w.End()
//	}
//	mu.Unlock()
//	for w.Raised() && mu.TryLock() {
//		w.Mend()
//		mu.Unlock()
//	}
package ctxwatch

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// Target is one direction of a stream, which a Watch interrupts. Interrupt and Resume are
// called alternately, never concurrently.
type Target interface {
	// Busy reports whether the direction's lock is held, so that a call may be
	// under way. It may be called at any time. It and the operations of the lock are
	// atomic in the sense of package sync/atomic.
	Busy() bool
	// Interrupt makes the call under way return, and later calls too.
	Interrupt()
	// Resume makes calls work again, as far as they can.
	Resume()
}

// Keeping says whether a context that is used again stays registered.
type Keeping uint8

const (
	// Keep is for targets that can be resumed.
	Keep Keeping = iota
	// Release is for targets that can't be resumed: they must not be interrupted when
	// the lock is held and no call is under way.
	Release
)

// Watch watches the context of one call at a time. Its methods are called by the
// holder of the direction's lock, but for Raised, which may be called at any time.
// Init has to be called first.
type Watch struct {
	target Target

	// Owned by the holder of the direction's lock.
	stop func() bool   // unregisters; nil when no context is registered
	kept *registration // nil before the first registration that stays

	// done is the Done channel of the context that was registered last. It is
	// written by the holder of the direction's lock, with mu held.
	done <-chan struct{}

	mu      sync.Mutex    // held while interrupting and resuming
	flag    atomic.Uint32 // one of the states below
	keeping Keeping       // set once
	stays   bool          // the registration stays after the call; owned like stop
}

// The states of a Watch's flag.
const (
	lowered     = iota
	raised      // the registered context has ended
	interrupted // and so the target is interrupted
)

// registration is a registration that stays. It unregisters a Watch that was garbage
// collected.
type registration struct {
	watch weak.Pointer[Watch] // the only reference from the context
	mu    sync.Mutex
	stop  func() bool
}

func (r *registration) set(stop func() bool) {
	r.mu.Lock()
	r.stop = stop
	r.mu.Unlock()
}

func (r *registration) unregister() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop != nil {
		r.stop()
	}
}

// Init sets what w interrupts.
func (w *Watch) Init(target Target, keeping Keeping) {
	w.target, w.keeping = target, keeping
}

// Begin makes the end of ctx interrupt the call that follows, and the end of no
// other context. It reports false, and End must not be called, if ctx has ended. It is
// TryBegin, followed by Register if necessary.
func (w *Watch) Begin(ctx context.Context) bool {
	done := ctx.Done()
	return w.TryBegin(done) || w.Register(ctx, done)
}

// TryBegin is Begin if the context with this Done channel is registered, and no other
// one. Otherwise it reports false and has no effect. It is small enough to be inlined.
func (w *Watch) TryBegin(done <-chan struct{}) bool {
	return w.Watches(done) && w.flag.Load() == lowered
}

// Watches reports whether the context with this Done channel, and no other one, is
// registered.
func (w *Watch) Watches(done <-chan struct{}) bool {
	if w.stop == nil {
		return done == nil
	}
	return done == w.done
}

// BeginNoWait is Begin for a call that does not block, and registers nothing. End may be
// omitted. The end of any registered context may interrupt the call. BeginNoWait reports
// false if ctx and a registered context have ended.
func (w *Watch) BeginNoWait(ctx context.Context) bool {
	if w.flag.Load() == lowered {
		return true
	}
	w.release()
	return ctx.Err() == nil
}

// Register is the part of Begin after TryBegin has reported false. done is the Done
// channel of ctx.
func (w *Watch) Register(ctx context.Context, done <-chan struct{}) bool {
	w.release()
	if done == nil {
		return true
	}
	if ctx.Err() != nil {
		return false // without an interrupt, which a registration would cause
	}
	w.stays = w.keeping == Keep && done == w.done
	w.mu.Lock()
	w.done = done
	w.mu.Unlock()
	if w.stays {
		w.registerWeakly(ctx, done)
	} else {
		w.stop = context.AfterFunc(ctx, func() { w.fire(done) })
	}
	if ctx.Err() != nil { // in the meantime
		w.release()
		return false
	}
	return true
}

// registerWeakly registers with ctx so that it does not keep w alive.
func (w *Watch) registerWeakly(ctx context.Context, done <-chan struct{}) {
	if w.kept == nil {
		w.kept = &registration{watch: weak.Make(w)}
		runtime.AddCleanup(w, (*registration).unregister, w.kept)
	}
	w.stop = afterFunc(ctx, w.kept.watch, done)
	w.kept.set(w.stop)
}

func afterFunc(ctx context.Context, watch weak.Pointer[Watch], done <-chan struct{}) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		if w := watch.Value(); w != nil {
			w.fire(done)
		}
	})
}

// End ends the watch of Begin. It reports whether the target was interrupted, and resumes
// it in that case.
func (w *Watch) End() (wasInterrupted bool) { return !w.TryEnd() && w.release() }

// TryEnd is End if the registration stays and its context has not ended, or if there is
// none. Otherwise it reports false and has no effect. It is small enough to be inlined.
func (w *Watch) TryEnd() bool { return w.stop == nil || w.stays && w.flag.Load() == lowered }

// Raised reports whether Mend has something to do.
func (w *Watch) Raised() bool { return w.flag.Load() != lowered }

// Mend unregisters a context that has ended, and resumes the target if it was
// interrupted.
func (w *Watch) Mend() {
	if w.Raised() {
		w.release()
	}
}

// Close unregisters all contexts. The Watch may be used again.
func (w *Watch) Close() {
	w.release()
	if w.done == nil {
		return
	}
	w.mu.Lock()
	w.done = nil
	w.mu.Unlock()
}

// release unregisters the context. It reports whether the target was interrupted, and
// resumes it in that case.
func (w *Watch) release() (wasInterrupted bool) {
	if w.stop == nil {
		return false
	}
	stopped := w.stop()
	w.stop = nil
	if w.stays {
		w.kept.set(nil)
	}
	if stopped {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = nil // fire may not have run yet
	if wasInterrupted = w.flag.Load() == interrupted; wasInterrupted {
		w.target.Resume()
	}
	w.flag.Store(lowered)
	return wasInterrupted
}

// fire is called in its own goroutine when a context ends, possibly after the Watch has
// registered with another context.
func (w *Watch) fire(done <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done != done || w.flag.Load() != lowered {
		return
	}
	// Set the flag before reading the lock. The holder reads the flag after it has
	// locked and after it has unlocked, so one of the two sees the other.
	w.flag.Store(raised)
	if w.target.Busy() {
		w.target.Interrupt()
		w.flag.Store(interrupted)
	}
}
