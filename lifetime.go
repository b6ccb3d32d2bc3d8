//go:build !js

package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/lazy"
)

// state is the state of a connection. It never decreases. Only advance changes it.
type state uint32

const (
	// stateOpen: messages are sent and received.
	stateOpen state = iota
	// stateWriteFailed: a write failed. Reads continue, since the peer's close frame
	// may have arrived.
	stateWriteFailed
	// stateClosing: this side has begun the close handshake. Messages are discarded
	// until the peer's close frame arrives.
	stateClosing
	// statePeerClosed: the peer's close frame was read. Our close frame is being sent,
	// and nothing is read.
	statePeerClosed
	// stateFailing: the peer has violated the protocol. The close frame with the
	// violation's code is being sent, and input is drained.
	stateFailing
	// stateClosed: the stream is closed.
	stateClosed
)

// reads reports whether incoming frames are still parsed.
func (s state) reads() bool { return s <= stateClosing }

// drainTimeout bounds how long input is drained after a violation, and how long the peer
// can delay the end of a connection that both sides have closed.
const drainTimeout = time.Second

// replyTimeout bounds how long the call that read the peer's close frame waits for the
// reply to be sent, so that a program that then exits has sent it.
const replyTimeout = 100 * time.Millisecond

// beginRead returns the time of a read that begins now. A failed write does not end
// the connection for reads.
func (l *lifetime) beginRead() callTime {
	if l.state() <= stateWriteFailed {
		return underWay
	}
	return later
}

// lifetime is the state of a connection, and the reason of its end.
type lifetime struct {
	now atomic.Uint32 // a state
	end atomic.Pointer[closeState]
}

// closeState describes how a connection ended. It is allocated when the connection
// ends or a call first waits for that.
type closeState struct {
	done  lazy.Event // the stream is closed, in stateClosed
	sent  lazy.Event // the close frame was sent or can't be sent
	ended lazy.Event // a write has failed, or the stream is closed

	writeFailed atomic.Bool // the state is stateWriteFailed, or was

	mu    sync.Mutex // a leaf; guards the fields below and changes of the state
	why   endReason  // why the connection is not open
	ours  bool       // Close, CloseNow or a context ended the connection for reads
	cut   bool       // CloseNow ended it for writes that were under way
	lost  error      // the error that closed the stream before the close handshake was complete, or nil
	peer  error      // the peer's CloseError, or nil
	timer *time.Timer
}

func (l *lifetime) state() state { return state(l.now.Load()) }

// closing returns the closeState, which it allocates if there is none.
func (l *lifetime) closing() *closeState {
	if d := l.end.Load(); d != nil {
		return d
	}
	l.end.CompareAndSwap(nil, new(closeState))
	return l.end.Load()
}

// done returns a channel that is closed when the stream is.
func (l *lifetime) done() <-chan struct{} { return l.closing().done.Done() }

// ended returns a channel that is closed when a write has failed or the stream is closed.
func (l *lifetime) ended() <-chan struct{} { return l.closing().ended.Done() }

// hasEnded reports whether the connection has ended, and is a member of no Group.
func (l *lifetime) hasEnded() bool {
	d := l.end.Load()
	return d != nil && (d.writeFailed.Load() || l.state() == stateClosed)
}

// advance changes the state to a later one for the given reason. It returns the previous
// state, and reports whether the state changed.
func (l *lifetime) advance(to state, why endReason) (from state, ok bool) {
	d := l.closing()
	d.mu.Lock()
	defer d.mu.Unlock()
	from = l.state()
	if from >= to {
		return from, false
	}
	// Whether a pong or a read notices first that the peer is gone makes no difference: the
	// error is that of the read.
	if from == stateOpen || from == stateWriteFailed && d.why.by == byNetwork && why.by == byNetwork {
		d.why = why
	}
	if from.reads() && (why.by == bySelf || why.by == byContext) {
		d.ours = true
	}
	if to == stateClosed && why.by == bySelf {
		d.cut = true
	}
	switch to {
	case stateWriteFailed:
		d.writeFailed.Store(true)
	case statePeerClosed:
		d.peer = why.cause
	case stateClosed:
		d.lost = why.cause
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	l.now.Store(uint32(to))
	return from, true
}

// closeAfter calls shut after closeTimeout, unless the connection is closed by then.
func (l *lifetime) closeAfter(shut func()) {
	d := l.closing()
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.state() != stateClosed {
		d.timer = time.AfterFunc(closeTimeout, shut)
	}
}

// hasten reports whether the reply to the peer's close frame is being sent, and limits
// the time for it to drainTimeout.
func (l *lifetime) hasten() bool {
	if l.state() != statePeerClosed {
		return false
	}
	d := l.closing()
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.state() != statePeerClosed || d.timer == nil {
		return false
	}
	d.timer.Reset(drainTimeout)
	d.cut = true
	return true
}

// err returns the error of a call on a connection that is not open. The call began at t.
func (l *lifetime) err(t callTime) error {
	d := l.closing()
	d.mu.Lock()
	defer d.mu.Unlock()
	return &closedError{why: d.why, peer: d.peer, isClosed: t == later || d.ours}
}

// errWrite is err for a write that was under way.
func (l *lifetime) errWrite() error {
	d := l.closing()
	d.mu.Lock()
	defer d.mu.Unlock()
	return &closedError{why: d.why, peer: d.peer, isClosed: d.ours || d.cut}
}

// errInside is err for a call that reads inside a message, where io.EOF would mean the
// end of the message.
func (l *lifetime) errInside(t callTime) error {
	err := l.err(t)
	if errors.Is(err, io.EOF) {
		err.(*closedError).why.cause = io.ErrUnexpectedEOF
	}
	return err
}

// handshakeErr returns the error of a close handshake that was not completed. It is nil if
// the handshake was completed, or if the connection ended for another reason than Close.
func (l *lifetime) handshakeErr() error {
	d := l.closing()
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.peer != nil, d.why.by != bySelf:
		return nil
	case d.lost != nil:
		return d.lost
	}
	return net.ErrClosed // closed by a concurrent CloseNow
}

// awaitEnd waits a moment for other goroutines to end the connection.
func (l *lifetime) awaitEnd(ctx context.Context) {
	if l.state() == stateClosed {
		return
	}
	timer := time.NewTimer(replyTimeout)
	defer timer.Stop()
	select {
	case <-l.closing().done.Done():
	case <-ctx.Done():
	case <-timer.C:
	}
}
