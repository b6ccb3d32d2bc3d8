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

// slab hands out handles, one for each message, that are never used twice: a
// handle that somebody kept can be told from the current one. They are
// allocated a few at a time, more each time, so that a connection that has
// seen one message holds one, and a busy one hardly ever allocates.
type slab[T any] struct {
	free []T
	size int
}

// maxSlab is how many handles are allocated at a time at most.
const maxSlab = 32

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.size = min(max(1, 2*s.size), maxSlab)
		s.free = make([]T, s.size)
	}
	h := &s.free[0]
	s.free = s.free[1:]
	return h
}
