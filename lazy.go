//go:build !js

package websocket

import "sync/atomic"

// lazy is a T that is made when it is first asked for: what most connections
// never need costs them a pointer.
type lazy[T any] struct{ made atomic.Pointer[T] }

// get returns the T.
func (l *lazy[T]) get() *T {
	if t := l.made.Load(); t != nil {
		return t
	}
	l.made.CompareAndSwap(nil, new(T))
	return l.made.Load()
}

// peek returns the T, or nil if nobody has asked for it.
func (l *lazy[T]) peek() *T { return l.made.Load() }
