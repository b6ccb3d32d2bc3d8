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
// stays registered: it is recognised by its Done channel, and a registration
// that fires between calls does nothing.
//
// arm, disarm and close are called by whoever holds the gate of the direction.
type watch struct {
	state atomic.Uint32 // watchIdle, watchArmed, watchFired

	// Owned by the holder of the gate.
	keep bool        // stay registered after the call
	stop func() bool // not nil while registered

	mu   sync.Mutex      // held while interrupting and resuming
	done <-chan struct{} // of the context that was seen last; written by the holder alone

	target interruptible
}

// interruptible is one direction of a stream.
type interruptible interface {
	interrupt() // makes the call under way return, and later ones too
	resume()    // makes calls work again
}

const (
	watchIdle  = iota
	watchArmed // a call is under way
	watchFired // its context has ended, and it was interrupted
)

// arm begins to watch ctx. It returns errInterrupted if ctx has ended; then,
// and when it reports false, for a context that never ends, there is nothing
// to disarm.
func (w *watch) arm(ctx context.Context) (armed bool, err error) {
	done := ctx.Done()
	if done == nil {
		return false, nil
	}
	if !w.knows(done) {
		w.register(ctx, done)
	}
	// Armed only now: until the context is registered, the end of the one
	// before would interrupt this call.
	w.state.Store(watchArmed)
	if ctx.Err() != nil {
		w.disarm()
		return false, errInterrupted
	}
	return true, nil
}

// knows reports whether arm has nothing to register.
func (w *watch) knows(done <-chan struct{}) bool {
	return done == nil || w.stop != nil && done == w.done
}

// disarm ends what arm began. It reports whether the call was interrupted.
func (w *watch) disarm() (interrupted bool) {
	if w.state.CompareAndSwap(watchArmed, watchIdle) {
		if !w.keep {
			w.unregister()
		}
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Store(watchIdle)
	w.stop = nil
	w.target.resume()
	return true
}

// close forgets the context.
func (w *watch) close() {
	w.unregister()
	w.mu.Lock()
	w.done = nil
	w.mu.Unlock()
}

func (w *watch) register(ctx context.Context, done <-chan struct{}) {
	w.unregister()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep = done == w.done
	w.done = done
	w.stop = context.AfterFunc(ctx, func() { w.fire(done) })
}

func (w *watch) unregister() {
	if w.stop == nil {
		return
	}
	w.stop()
	w.stop = nil
}

// fire is called when a context ends, in a goroutine of its own, perhaps after
// the watch has turned to another context.
func (w *watch) fire(done <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == done && w.state.CompareAndSwap(watchArmed, watchFired) {
		w.target.interrupt()
	}
}
