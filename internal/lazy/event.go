package lazy

import (
	"sync"
	"sync/atomic"
)

// Event is something that happens once. Its channel is allocated when a goroutine first
// waits. The zero Event has not happened.
type Event struct {
	happened atomic.Bool
	mu       sync.Mutex    // guards c
	c        chan struct{} // closed when the event has happened; nil before the first Done
}

// Note records that the event has happened.
func (e *Event) Note() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.happened.Swap(true) && e.c != nil {
		close(e.c)
	}
}

// Happened reports whether the event has happened.
func (e *Event) Happened() bool { return e.happened.Load() }

// Done returns a channel that is closed when the event has happened.
func (e *Event) Done() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		e.c = make(chan struct{})
		if e.happened.Load() {
			close(e.c)
		}
	}
	return e.c
}
