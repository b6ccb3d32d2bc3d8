// Package lazy has memory that is allocated when it is first needed.
package lazy

import "sync/atomic"

// Value is a T that is allocated on the first Get. It costs a pointer until then.
type Value[T any] struct{ made atomic.Pointer[T] }

// Get returns the T.
func (l *Value[T]) Get() *T {
	if t := l.made.Load(); t != nil {
		return t
	}
	l.made.CompareAndSwap(nil, new(T))
	return l.made.Load()
}

// Peek returns the T, or nil before the first Get.
func (l *Value[T]) Peek() *T { return l.made.Load() }

// Slab allocates values that are never used twice, such as handles of which an old one
// must be told from the current one. It allocates a few at a time, more each time: a
// connection that has seen one message holds one, and a busy one hardly ever allocates.
type Slab[T any] struct {
	free []T
	size int
}

// maxSlab is the largest number of values that are allocated at a time.
const maxSlab = 32

// Next returns a zero T that was not returned before.
func (s *Slab[T]) Next() *T {
	if len(s.free) == 0 {
		s.size = min(max(1, 2*s.size), maxSlab)
		s.free = make([]T, s.size)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}
