// Package liveness notices that a peer is silent, or takes nothing. It does no I/O.
//
// A Watch has one timer. The goroutines that read and write note in a counter that
// they begin and end a call of the stream, and the timer compares the counter with
// that of its last look: to read the clock for each call would take longer than the
// rest of it. Only the first call after a look reads the clock.
package liveness

import (
	"sync"
	"sync/atomic"
	"time"
)

// Settings are the bounds of a Watch. A bound that is not positive is off.
type Settings struct {
	PingInterval time.Duration // silence before a ping
	PingTimeout  time.Duration // silence after it; PingInterval if not positive
	WriteTimeout time.Duration // a write without progress
}

// On reports whether a bound is on.
func (s Settings) On() bool { return s.PingInterval > 0 || s.WriteTimeout > 0 }

// A Finding is the result of a look.
type Finding uint8

const (
	// Nothing: the next look comes later.
	Nothing Finding = iota
	// Silent: nothing has arrived for PingInterval. A ping is due.
	Silent
	// Gone: nothing has arrived for PingTimeout after Silent.
	Gone
	// Stalled: a write has made no progress for WriteTimeout.
	Stalled
)

// A Watch watches one connection. The methods of Reads are called by the goroutine
// that reads, those of Writes by the goroutine that writes.
type Watch struct {
	Reads, Writes Activity

	Settings
	step  time.Duration // between looks, once something happens
	epoch time.Time     // times below are since then

	mu    sync.Mutex // a leaf; guards the rest
	timer *time.Timer
	due   time.Duration // of the timer
	ended bool
	read  seen
	wrote seen
	asked bool // silence was found, and nothing has arrived since
}

// seen is what the last look found in an Activity.
type seen struct {
	calls uint64
	since time.Duration // when the last call began that was seen
	away  int64         // of the Activity, at that time
}

// minStep bounds how often a Watch with short bounds looks.
const minStep = time.Millisecond

// New makes a Watch. Start begins it.
func New(s Settings) *Watch {
	if s.PingTimeout <= 0 {
		s.PingTimeout = s.PingInterval
	}
	w := &Watch{Settings: s, epoch: time.Now()}
	w.Reads.watch, w.Writes.watch = w, w
	w.Reads.first.Store(true)
	w.Writes.first.Store(true)
	for _, bound := range []time.Duration{s.PingInterval, s.PingTimeout, s.WriteTimeout} {
		if bound > 0 && (w.step == 0 || bound/4 < w.step) {
			w.step = max(bound/4, minStep)
		}
	}
	return w
}

// Start starts the timer, which calls look in a goroutine of its own. look has to call
// Look. It must not refer to the Watch if the Watch is to be collected.
func (w *Watch) Start(look func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = never
	if w.PingInterval > 0 {
		w.due = w.now() + w.PingInterval
	}
	w.timer = time.AfterFunc(w.due-w.now(), look)
}

// never is a time that does not come: a hundred years.
const never = 100 * 365 * 24 * time.Hour

// Stop stops the timer for good.
func (w *Watch) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *Watch) now() time.Duration { return time.Since(w.epoch) }

// wake makes the timer look soon.
func (w *Watch) wake(now time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setLocked(now, min(w.due, now+w.step))
}

// setLocked sets the timer, unless it is set to that time.
func (w *Watch) setLocked(now, due time.Duration) {
	if w.ended || w.timer == nil || due == w.due && due > now {
		return
	}
	w.due = due
	w.timer.Reset(max(due-now, 0))
}

// Look compares the counters with those of the last look, and sets the timer for the
// next one.
func (w *Watch) Look() Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return Nothing
	}
	now := w.now()
	due, found := never, Nothing
	if w.WriteTimeout > 0 {
		since, at := w.Writes.look(now, &w.wrote)
		if at != none {
			due = since + w.WriteTimeout
		}
		if now >= due && at == calling {
			w.ended = true
			return Stalled
		}
	}
	if w.PingInterval > 0 {
		before := w.read.calls
		since, at := w.Reads.look(now, &w.read)
		if at == none || w.read.calls != before {
			w.asked = false
		}
		next := since + w.PingInterval
		if w.asked {
			next += w.PingTimeout
		}
		switch {
		case now < next || at != calling:
		case w.asked:
			w.ended = true
			return Gone
		default:
			w.asked, found = true, Silent
			w.read.since, w.read.away = now-w.PingInterval, w.Reads.away.Load()
			next = now + w.PingTimeout
		}
		due = min(due, next)
	}
	if due <= now {
		due = now + w.step // a pause
	}
	w.due = never
	w.setLocked(now, due)
	return found
}

// Activity counts the calls of one direction of a stream. Its state is the number of
// calls, and in its low bits whether one is under way, and whether the last one has
// ended without result. One goroutine at a time calls Begin and End.
type Activity struct {
	watch *Watch
	state atomic.Uint64
	first atomic.Bool   // the next call is the first since the last look
	at    atomic.Int64  // when the first call since a look began
	which atomic.Uint64 // its number
	away  atomic.Int64  // time between calls without result and the ones after them
	left  atomic.Int64  // when the last call without result ended
}

const (
	underWay = 1 << iota
	noResult
	oneCall
)

// Begin notes that a call of the stream begins.
func (a *Activity) Begin() {
	s := a.state.Load()
	if s&noResult != 0 {
		// The silence goes on. A program that reads with short timeouts would never
		// find its peer gone.
		a.away.Add(int64(a.watch.now()) - a.left.Load())
		a.state.Store(s&^noResult | underWay)
		return
	}
	s += oneCall
	first := a.first.Load()
	var now time.Duration
	if first {
		now = a.watch.now()
		a.at.Store(int64(now))
		a.which.Store(s / oneCall)
		a.first.Store(false)
	}
	a.state.Store(s | underWay)
	if first {
		a.watch.wake(now)
	}
}

// End notes that the call has ended. If nothing was read or written, the next call
// goes on with it.
func (a *Activity) End(n int, err error) {
	s := a.state.Load() &^ underWay
	if n == 0 && err != nil {
		s |= noResult
		a.left.Store(int64(a.watch.now()))
	}
	a.state.Store(s)
}

// A phase is where an Activity is.
type phase uint8

const (
	none    phase = iota // the last call had a result
	pausing              // between a call without result and the one that goes on with it
	calling              // a call is under way
)

// look returns since when calls have had no result, as far as that is known: it may be
// later, by the time between two looks. Pauses do not count.
func (a *Activity) look(now time.Duration, last *seen) (since time.Duration, at phase) {
	s := a.state.Load()
	if calls := s / oneCall; calls != last.calls {
		last.calls, last.since = calls, now
		if a.which.Load() == calls {
			last.since = time.Duration(a.at.Load())
		}
		last.away = a.away.Load()
		a.first.Store(true)
	}
	since = last.since + time.Duration(a.away.Load()-last.away)
	switch s & (underWay | noResult) {
	case underWay:
		return since, calling
	case noResult:
		return since + max(now-time.Duration(a.left.Load()), 0), pausing
	}
	last.since, last.away = now, a.away.Load()
	a.first.Store(true)
	return now, none
}
