//go:build !js

package conntest

import (
	"context"
	"sync"
	"time"
)

// A CountedContext is a context that counts the functions registered with it.
type CountedContext struct {
	done chan struct{}

	mu         sync.Mutex
	err        error
	funcs      map[int]func()
	registered int // total
}

// NewCountedContext returns a context without a deadline.
func NewCountedContext() *CountedContext {
	return &CountedContext{done: make(chan struct{}), funcs: map[int]func(){}}
}

// Deadline implements [context.Context].
func (ctx *CountedContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements [context.Context].
func (ctx *CountedContext) Done() <-chan struct{} { return ctx.done }

// Value implements [context.Context].
func (ctx *CountedContext) Value(any) any { return nil }

// Err implements [context.Context].
func (ctx *CountedContext) Err() error {
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	return ctx.err
}

// AfterFunc registers f. Package context calls it instead of starting a goroutine.
func (ctx *CountedContext) AfterFunc(f func()) (stop func() bool) {
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if ctx.err != nil {
		go f()
		return func() bool { return false }
	}
	ctx.registered++
	id := ctx.registered
	ctx.funcs[id] = f
	return func() bool {
		ctx.mu.Lock()
		defer ctx.mu.Unlock()
		_, waiting := ctx.funcs[id]
		delete(ctx.funcs, id)
		return waiting
	}
}

// Cancel cancels the context.
func (ctx *CountedContext) Cancel() {
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if ctx.err != nil {
		return
	}
	ctx.err = context.Canceled
	close(ctx.done)
	for id, f := range ctx.funcs {
		delete(ctx.funcs, id)
		go f()
	}
}

// Counts returns the number of functions registered now, and in total.
func (ctx *CountedContext) Counts() (waiting, registered int) {
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	return len(ctx.funcs), ctx.registered
}
