//go:build !js

package websocket

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// errInterrupted is what the layers below the exported methods return when a
// context ended; errGone when the connection did while they waited.
var (
	errInterrupted = errors.New("interrupted by its context")
	errGone        = errors.New("connection ended")
	// errCutOff is errInterrupted for a write after which none can follow:
	// TLS has no way back into the middle of a record.
	errCutOff = errors.New("cut off by its context")
)

// watch interrupts one direction of a stream when a context ends during a call
// that blocks.
//
// Registering with a context costs a quarter of a microsecond and three
// allocations, more than reading a small message. So a call arms the watch
// only when it may block, and a context that comes a second time in a row
// stays registered: it is recognised by its Done channel. A registration that
// fires between calls leaves the direction interrupted, which the next call
// finds, and mends, before it begins. So calls that are not interrupted need no
// locked operation.
//
// arm, ready, disarm and close are called by whoever holds the gate of the
// direction.
type watch struct {
	target interruptible
	keeps  bool // the target can be interrupted between calls, and resumed

	// Owned by the holder of the gate.
	keep bool        // the context stays registered after the call
	stop func() bool // unregisters it; nil when none is registered

	fired atomic.Bool     // the direction is interrupted
	mu    sync.Mutex      // held while interrupting and resuming
	done  <-chan struct{} // of the context that was registered last; written by the holder of the gate
}

// interruptible is one direction of a stream.
type interruptible interface {
	interrupt() // makes the call under way return, and later ones too
	resume()    // makes calls work again
}

// arm makes the end of ctx interrupt the call that follows, and the end of no
// other context. It returns errInterrupted, with nothing to disarm, if ctx has
// ended.
func (w *watch) arm(ctx context.Context) error {
	if done := ctx.Done(); !w.armed(done) {
		return w.turn(ctx, done)
	}
	return nil
}

// armed reports whether there is nothing for arm to do.
func (w *watch) armed(done <-chan struct{}) bool { return w.watches(done) && !w.fired.Load() }

// watches reports whether it is the end of the context with this Done channel that
// would interrupt a call.
func (w *watch) watches(done <-chan struct{}) bool {
	if w.stop == nil {
		return done == nil
	}
	return done == w.done
}

// ready is enough for a call that does not block, and bears to be interrupted by
// the end of an earlier one's context. It returns errInterrupted if ctx has ended.
func (w *watch) ready(ctx context.Context) error {
	if w.fired.Load() && w.release() && ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}

// turn watches ctx and no longer what was watched before.
func (w *watch) turn(ctx context.Context, done <-chan struct{}) error {
	w.release()
	if done == nil {
		return nil
	}
	w.keep = w.keeps && done == w.done
	w.mu.Lock()
	w.done = done
	w.mu.Unlock()
	w.stop = context.AfterFunc(ctx, func() { w.fire(done) })
	if ctx.Err() != nil {
		w.release()
		return errInterrupted
	}
	return nil
}

// disarm ends what arm began. It reports whether the direction was interrupted.
func (w *watch) disarm() (interrupted bool) { return !w.calm() && w.release() }

// calm reports whether there is nothing for disarm to do.
func (w *watch) calm() bool { return w.stop == nil || w.keep && !w.fired.Load() }

// release forgets the context. It reports whether the direction was
// interrupted, which it is no longer.
func (w *watch) release() (interrupted bool) {
	if w.stop == nil {
		return false
	}
	stopped := w.stop()
	w.stop = nil
	if stopped {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = nil // it may not have fired yet
	if interrupted = w.fired.Load(); interrupted {
		w.fired.Store(false)
		w.target.resume()
	}
	return interrupted
}

// close forgets all contexts.
func (w *watch) close() {
	w.release()
	w.mu.Lock()
	w.done = nil
	w.mu.Unlock()
}

// fire is called when a context ends, in a goroutine of its own, perhaps after
// the watch has turned to another context.
func (w *watch) fire(done <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == done && !w.fired.Load() {
		w.fired.Store(true)
		w.target.interrupt()
	}
}
