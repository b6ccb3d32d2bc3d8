package netstream

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bhojpur/api/internal/ctxwatch"
)

// interruptPatience is the time after an interrupt at which a blocked call is interrupted
// again, and then the time after which the stream is closed.
const interruptPatience = 500 * time.Millisecond

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// direction is one of the two directions of a Stream.
type direction struct {
	ctxwatch.Watch
	patient *patience // while the direction is interrupted and not trusted
}

// readTarget and writeTarget are the Targets of the Watches of a Stream.
type (
	readTarget  Stream
	writeTarget Stream
)

func (t *readTarget) Busy() bool  { return t.owner.ReadHeld() }
func (t *writeTarget) Busy() bool { return t.owner.WriteHeld() }

func (t *readTarget) Interrupt() {
	s := (*Stream)(t)
	if s.kind.is(interrupter) {
		s.outcomes.read = s.rwc.(Interrupter).InterruptRead()
		return
	}
	s.outcomes.read = s.interrupt(&s.rd, Resumable, net.Conn.SetReadDeadline)
}

func (t *writeTarget) Interrupt() {
	s := (*Stream)(t)
	if s.kind.is(interrupter) {
		s.outcomes.write = s.rwc.(Interrupter).InterruptWrite()
		return
	}
	outcome := CutOff
	if s.kind.is(resumer) {
		outcome = Resumable
	}
	s.outcomes.write = s.interrupt(&s.wr, outcome, net.Conn.SetWriteDeadline)
}

func (t *readTarget) Resume() {
	s := (*Stream)(t)
	if s.kind.is(interrupter) {
		s.rwc.(Interrupter).ResumeRead()
		return
	}
	s.resume(&s.rd, &s.outcomes.read, net.Conn.SetReadDeadline)
}

func (t *writeTarget) Resume() {
	s := (*Stream)(t)
	if s.kind.is(interrupter) {
		s.rwc.(Interrupter).ResumeWrite()
		return
	}
	s.resume(&s.wr, &s.outcomes.write, net.Conn.SetWriteDeadline)
}

type deadlineSetter = func(net.Conn, time.Time) error

// interrupt sets a deadline in the past, or closes the stream if there are no deadlines.
// It returns the outcome.
func (s *Stream) interrupt(d *direction, outcome Outcome, set deadlineSetter) Outcome {
	if s.conn == nil {
		s.Close()
		return Closed
	}
	if !s.kind.is(trusted) {
		// Before the deadline is set, since the setter may wait for the call.
		d.patient = s.newPatience(set)
	}
	if set(s.conn, aLongTimeAgo) != nil {
		s.Close()
		return Closed
	}
	return outcome
}

// resume removes the deadline of interrupt.
func (s *Stream) resume(d *direction, outcome *Outcome, set deadlineSetter) {
	if d.patient != nil {
		if d.patient.end() {
			*outcome = Closed
		}
		d.patient = nil
	}
	if *outcome == Closed {
		return
	}
	set(s.conn, time.Time{})
	if s.closed.Load() {
		set(s.conn, aLongTimeAgo) // as closing may have done before
	}
}

// patience ensures that an interrupted call returns.
type patience struct {
	repeat, close *time.Timer
	state         atomic.Uint32 // of the call: one of the states below
	mu            sync.Mutex    // held while the deadline is set again
}

const (
	callBlocked = iota
	callReturned
	callClosed // the stream was closed
)

func (s *Stream) newPatience(set deadlineSetter) *patience {
	p := new(patience)
	p.repeat = time.AfterFunc(interruptPatience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.state.Load() == callBlocked {
			set(s.conn, aLongTimeAgo)
		}
	})
	// A separate timer, since the setter of the repetition may wait for the call.
	p.close = time.AfterFunc(2*interruptPatience, func() {
		if p.state.CompareAndSwap(callBlocked, callClosed) {
			s.Close()
		}
	})
	return p
}

// end is called when the call has returned. It reports whether the stream was
// closed for it.
func (p *patience) end() (closed bool) {
	closed = !p.state.CompareAndSwap(callBlocked, callReturned)
	p.repeat.Stop()
	p.close.Stop()
	p.mu.Lock() // no deadline is set any more
	defer p.mu.Unlock()
	return closed
}

// interruption returns the error of a call that returned err when it had been
// interrupted.
func (s *Stream) interruption(ctx context.Context, outcome Outcome, err error) error {
	if outcome != Closed && !s.kind.is(interrupter) && !isTimeout(err) {
		return err // it failed by itself at the same time
	}
	switch outcome {
	case Resumable:
		return ErrInterrupted
	case CutOff:
		return ErrCutOff
	}
	if cause := ctx.Err(); cause != nil {
		return &ClosedError{cause}
	}
	return err
}

// isTimeout reports whether err is the error of a passed deadline. Some types have errors
// of their own for that. ETIMEDOUT, for a TCP peer that does not answer, is not one.
func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() && !errors.Is(err, syscall.ETIMEDOUT)
}
