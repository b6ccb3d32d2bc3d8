package lazy

import (
	"sync"
	"sync/atomic"
)

// Event is something that happens once. Its channel is allocated when a goroutine first
// waits. The zero Event has not happened.
type Event struct {
	state atomic.Uint32 // happened and awaited
	mu    sync.Mutex    // guards c
	c     chan struct{} // closed when the event has happened; nil before the first Done
}

// The bits of an Event's state. The method that sets the second of them closes c.
const (
	happened = 1 << iota
	awaited  // c is not nil
)

// Note records that the event has happened.
func (e *Event) Note() {
	if e.state.Or(happened) != awaited {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.c)
}

// Happened reports whether the event has happened.
func (e *Event) Happened() bool { return e.state.Load()&happened != 0 }

// Done returns a channel that is closed when the event has happened.
func (e *Event) Done() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		e.c = make(chan struct{})
		if e.state.Or(awaited) == happened {
			close(e.c)
		}
	}
	return e.c
}
