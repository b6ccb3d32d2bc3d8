// Package liveness detects a peer that is silent, or that does not read. It does no
// I/O.
//
// A Watch has one timer. The goroutines that read and write update a counter when they
// begin and end a call on the stream, and the timer function compares the counter with
// that at its last check. Reading the clock in each call would take longer than the
// rest of the update, so only the first call after a check reads it.
package liveness

import (
	"sync"
	"sync/atomic"
	"time"
)

// Settings are the bounds of a Watch. A bound that is not positive is off. No bound is
// longer than never.
type Settings struct {
	PingInterval time.Duration // silence before a ping
	PingTimeout  time.Duration // silence after the ping; PingInterval if not positive
	WriteTimeout time.Duration // a write without progress
}

// On reports whether a timeout is on.
func (s Settings) On() bool { return s.PingInterval > 0 || s.WriteTimeout > 0 }

// A Finding is the result of a check.
type Finding uint8

const (
	// Nothing: no timeout has passed.
	Nothing Finding = iota
	// Silent: nothing has arrived for PingInterval. A ping is due.
	Silent
	// Gone: nothing has arrived for PingTimeout after Silent.
	Gone
	// Stalled: a write has made no progress for WriteTimeout.
	Stalled
)

// A Watch watches one connection. The methods of Reads are called by the reading
// goroutine, those of Writes by the writing goroutine.
type Watch struct {
	Reads, Writes Activity

	Settings
	step  time.Duration // between checks while calls are made
	epoch time.Time     // the zero of all times below

	mu    sync.Mutex // a leaf lock; guards the fields below
	timer *time.Timer
	due   time.Duration // of the timer
	ended bool
	read  seen
	wrote seen
	asked bool // Silent was returned, and nothing has arrived since
}

// seen is the state of an Activity at the last check.
type seen struct {
	calls  uint64
	since  time.Duration // when the last seen call began, or last made progress
	away   int64         // Activity.away at that time
	unsent int           // the argument of Look
}

// minStep is the minimum time between checks.
const minStep = time.Millisecond

// New returns a Watch that is not started.
func New(s Settings) *Watch {
	if s.PingTimeout <= 0 {
		s.PingTimeout = s.PingInterval
	}
	for _, bound := range []*time.Duration{&s.PingInterval, &s.PingTimeout, &s.WriteTimeout} {
		*bound = min(*bound, never) // sums must not overflow
	}
	w := &Watch{Settings: s, epoch: time.Now()}
	w.Reads.watch, w.Writes.watch = w, w
	w.wrote.unsent = Unknown
	w.Reads.first.Store(true)
	w.Writes.first.Store(true)
	for _, bound := range []time.Duration{s.PingInterval, s.PingTimeout, s.WriteTimeout} {
		if bound > 0 && (w.step == 0 || bound/4 < w.step) {
			w.step = max(bound/4, minStep)
		}
	}
	return w
}

// Start starts the timer. look runs on a new goroutine each time and must call Look. It
// must not refer to the Watch if the Watch is to be collected.
func (w *Watch) Start(look func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(never, look)
	w.setLocked(0, never)
	if w.PingInterval > 0 {
		now := w.now()
		w.setLocked(now, now+w.PingInterval)
	}
}

// never is a duration that does not pass: a hundred years. The timer is stopped for it.
const never = 100 * 365 * 24 * time.Hour

// Stop stops the timer permanently.
func (w *Watch) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// StopReads ends the watch of the reads. Look returns neither Silent nor Gone after that.
func (w *Watch) StopReads() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.PingInterval = 0
}

func (w *Watch) now() time.Duration { return time.Since(w.epoch) }

// wake schedules a check within step.
func (w *Watch) wake(now time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setLocked(now, min(w.due, now+w.step))
}

// setLocked sets the timer, unless it is already set to that time.
func (w *Watch) setLocked(now, due time.Duration) {
	switch {
	case w.ended || w.timer == nil:
	case due >= never:
		w.due = never
		w.timer.Stop()
	case due != w.due || due <= now:
		w.due = due
		w.timer.Reset(max(due-now, 0))
	}
}

// Unknown is the argument of Look if the number is not known.
const Unknown = -1

// Look compares the counters with those of the last check, and sets the timer for the
// next one. unsent is the number of bytes that the system has not delivered, or Unknown:
// a change of it is progress of a write that is under way.
func (w *Watch) Look(unsent int) Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return Nothing
	}
	now := w.now()
	found, due := w.lookAtWrites(now, unsent)
	if found == Nothing {
		var next time.Duration
		found, next = w.lookAtReads(now)
		due = min(due, next)
	}
	if found == Stalled || found == Gone {
		w.ended = true
		return found
	}
	w.due = never // the timer has expired
	w.setLocked(now, due)
	return found
}

// lookAtWrites returns Stalled or Nothing, and the time of the next check.
func (w *Watch) lookAtWrites(now time.Duration, unsent int) (Finding, time.Duration) {
	if w.WriteTimeout <= 0 {
		return Nothing, never
	}
	before := w.wrote.calls
	since, at := w.Writes.look(now, &w.wrote)
	if unsent != w.wrote.unsent {
		if w.wrote.calls == before && at == calling {
			since = now
			w.wrote.since, w.wrote.away = now, w.Writes.away.Load()
		}
		w.wrote.unsent = unsent
	}
	due := since + w.WriteTimeout
	switch {
	case at == none:
		return Nothing, never
	case at == pausing:
		return Nothing, max(due, now+w.step)
	case now >= due:
		return Stalled, never
	case unsent != Unknown:
		due = min(due, now+w.step)
	}
	return Nothing, due
}

// lookAtReads returns Silent, Gone or Nothing, and the time of the next check.
func (w *Watch) lookAtReads(now time.Duration) (Finding, time.Duration) {
	if w.PingInterval <= 0 {
		return Nothing, never
	}
	before := w.read.calls
	since, at := w.Reads.look(now, &w.read)
	if at == none || w.read.calls != before {
		w.asked = false
	}
	due := since + w.PingInterval
	if w.asked {
		due += w.PingTimeout
	}
	switch {
	case at == pausing:
		return Nothing, max(due, now+w.step)
	case now < due || at == none:
		return Nothing, due
	case w.asked:
		return Gone, never
	}
	w.asked = true
	w.read.since, w.read.away = now-w.PingInterval, w.Reads.away.Load()
	return Silent, now + w.PingTimeout
}

// Activity counts the calls of one direction of a stream. Its state is the number of
// calls, with flags for a call under way and for a last call without a result in the
// low bits. One goroutine at a time calls Begin and End.
type Activity struct {
	watch *Watch
	state atomic.Uint64
	first atomic.Bool   // the next call is the first since the last check
	at    atomic.Int64  // when the first call since a check began
	which atomic.Uint64 // its number
	away  atomic.Int64  // total time between calls without a result and the calls after them
	left  atomic.Int64  // when the last call without a result ended
}

const (
	underWay = 1 << iota
	noResult
	oneCall
)

// Begin records that a call on the stream begins. A call that follows one without result
// within a step counts as its continuation. Otherwise a program that reads with short
// timeouts would never detect the end of its peer.
func (a *Activity) Begin() {
	s := a.state.Load()
	first := a.first.Load()
	var now time.Duration
	if s&noResult != 0 {
		now = a.watch.now()
		if away := now - time.Duration(a.left.Load()); away <= a.watch.step {
			a.away.Add(int64(away))
			a.state.Store(s&^noResult | underWay)
			return
		}
		s &^= noResult
		first = true
	}
	s += oneCall
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

// End records that the call has ended. It has no result if nothing was read or written.
func (a *Activity) End(n int, err error) {
	s := a.state.Load() &^ underWay
	if n == 0 && err != nil {
		s |= noResult
		a.left.Store(int64(a.watch.now()))
	}
	a.state.Store(s)
}

// A phase is the state of an Activity.
type phase uint8

const (
	none    phase = iota // the last call had a result
	pausing              // between a call without a result and its continuation
	calling              // a call is under way
)

// look returns the time since when calls have had no result. The time may be late by up
// to the interval between two checks. Pauses between calls do not count.
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
