package rawpeer

import (
	"runtime"
	"testing"
	"time"
)

// A Call is a function call on its own goroutine, for calls that block until the peer
// acts.
type Call[T any] struct {
	tb     testing.TB
	done   chan struct{} // closed after result and err are set
	result T
	err    error
}

// Go calls f on a goroutine. f must return before the test ends; in a bubble it would
// otherwise be a deadlock.
func Go[T any](tb testing.TB, f func() (T, error)) *Call[T] {
	c := newCall[T](tb)
	go func() { c.finish(f()) }()
	return c
}

func newCall[T any](tb testing.TB) *Call[T] {
	return &Call[T]{tb: tb, done: make(chan struct{})}
}

func (c *Call[T]) finish(result T, err error) {
	c.result, c.err = result, err
	close(c.done)
}

// GoErr is [Go] for a function that returns only an error.
func GoErr(tb testing.TB, f func() error) *Call[struct{}] {
	return Go(tb, func() (struct{}, error) { return struct{}{}, f() })
}

// Returned reports whether the call has returned. In a bubble, after synctest.Wait, a
// call that has not returned is blocked.
func (c *Call[T]) Returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Result waits for the call and returns its results. It fails the test if the call does
// not return within DefaultTimeout.
func (c *Call[T]) Result() (T, error) {
	c.tb.Helper()
	timeout := time.NewTimer(DefaultTimeout)
	defer timeout.Stop()
	select {
	case <-c.done:
	case <-timeout.C:
		stacks := make([]byte, 1<<20)
		c.tb.Fatalf("the call did not return\n%s", stacks[:runtime.Stack(stacks, true)])
	}
	return c.result, c.err
}

// Err is Result without the first result.
func (c *Call[T]) Err() error {
	c.tb.Helper()
	_, err := c.Result()
	return err
}

// Want waits for the call, fails the test if it returned an error, and returns the
// first result.
func (c *Call[T]) Want() T {
	c.tb.Helper()
	result, err := c.Result()
	if err != nil {
		c.tb.Fatalf("got %v, want no error", err)
	}
	return result
}
