package rawpeer

import (
	"runtime"
	"testing"
	"time"
)

// A Call is a function that runs on its own goroutine, for a call that blocks
// until the peer says something.
type Call[T any] struct {
	tb     testing.TB
	done   chan struct{} // closed once what follows is set
	result T
	err    error
}

// Go calls f on a goroutine. f must return before the test ends; in a bubble
// one that does not is a deadlock.
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

// GoErr is [Go] for a function that returns an error alone.
func GoErr(tb testing.TB, f func() error) *Call[struct{}] {
	return Go(tb, func() (struct{}, error) { return struct{}{}, f() })
}

// Returned reports whether the call returned. In a bubble, synctest.Wait
// before it makes a call that did not one that is blocked.
func (c *Call[T]) Returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Result waits for the call and returns what it did. One that does not return
// within DefaultTimeout fails the test.
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

// Err is Result for a call of which only the error matters.
func (c *Call[T]) Err() error {
	c.tb.Helper()
	_, err := c.Result()
	return err
}

// Want waits for the call, and fails the test when it returned an error.
func (c *Call[T]) Want() T {
	c.tb.Helper()
	result, err := c.Result()
	if err != nil {
		c.tb.Fatalf("got %v, want no error", err)
	}
	return result
}
