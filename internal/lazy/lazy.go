// Package lazy provides values that are allocated on first use.
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

// Slab allocates values that are never reused, such as handles, where an old one must be
// distinguished from the current one. It allocates an increasing number at a time, so
// that an idle connection holds few and a busy one rarely allocates.
type Slab[T any] struct {
	made []T // what was returned; the rest of its capacity is free
}

// maxSlab is the largest number of values that are allocated at a time.
const maxSlab = 32

// Next returns a zero T that was not returned before.
func (s *Slab[T]) Next() *T {
	n := len(s.made)
	if n == cap(s.made) {
		s.made = make([]T, 0, min(max(1, 2*n), maxSlab))
		n = 0
	}
	s.made = s.made[:n+1]
	return &s.made[n]
}
