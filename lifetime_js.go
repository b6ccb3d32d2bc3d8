package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/bhojpur/api/internal/wsjs"
)

// state is the state of a connection. It never decreases.
type state uint8

const (
	// stateConnecting: Dial waits for the socket to open.
	stateConnecting state = iota
	// stateOpen: messages go both ways.
	stateOpen
	// stateClosing: this side has begun to close. Nothing more is sent, and the
	// socket discards messages that arrive.
	stateClosing
	// stateClosed: the socket is closed or abandoned. Its events are ignored.
	stateClosed
)

// lifetime is the state of a connection, and the reason of its end.
type lifetime struct {
	mu          sync.Mutex // a leaf
	now         state
	errorText   string        // the text of the socket's error event
	why         endReason     // why the connection is not open
	lost        error         // the error that ended the socket before the close handshake was complete, or nil
	peer        error         // the peer's CloseError, or nil
	endReported bool          // a call has returned that the connection is not open
	timer       *time.Timer   // abandons a socket that is closing
	changed     chan struct{} // closed by the next wake; nil if no call waits
	closed      chan struct{} // closed in stateClosed; nil until the first call of done
}

// advance changes the state to a later one and keeps the first reason. It reports
// whether the state changed.
func (l *lifetime) advance(to state, why endReason) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now >= to {
		return false
	}
	if why.by == byPeer {
		l.peer = why.cause
	}
	if l.now <= stateOpen {
		l.why = why
	}
	l.now = to
	if to == stateClosed {
		if why.by != byPeer {
			l.lost = why.cause
		}
		if l.timer != nil {
			l.timer.Stop()
		}
		if l.closed != nil {
			close(l.closed)
		}
	}
	l.wakeLocked()
	return true
}

// done returns a channel that is closed when the socket is.
func (l *lifetime) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		l.closed = make(chan struct{})
		if l.now == stateClosed {
			close(l.closed)
		}
	}
	return l.closed
}

// ended is done: the socket reports no failed write.
func (l *lifetime) ended() <-chan struct{} { return l.done() }

// hasEnded reports whether the connection has ended, and is a member of no Group.
func (l *lifetime) hasEnded() bool { return l.state() == stateClosed }

// wake wakes all waiting calls.
func (l *lifetime) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakeLocked()
}

func (l *lifetime) wakeLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// watch returns the state, and a channel that is closed when it changes or a
// message arrives.
func (l *lifetime) watch() (state, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.now, l.changed
}

func (l *lifetime) state() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// expire calls end after closeTimeout, unless the connection is closed by then.
func (l *lifetime) expire(end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil && l.now < stateClosed {
		l.timer = time.AfterFunc(closeTimeout, end)
	}
}

// begin returns the callTime of a call that begins now. The socket also reports its end
// while no call is under way, and messages that have arrived are read after it. For calls
// the connection ends when one of them returns the end.
func (l *lifetime) begin() callTime {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now > stateOpen && l.endReported {
		return later
	}
	return underWay
}

// beginRead is begin. The engine outside browsers distinguishes them.
func (l *lifetime) beginRead() callTime { return l.begin() }

// reportEnd records that a call has returned the end of the connection: calls that begin
// now are later ones.
func (l *lifetime) reportEnd() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endReported = true
}

// err returns the error of a call, which began at t, on a connection that is not open.
// The reason is the first one, also if a close frame of the peer follows.
func (l *lifetime) err(t callTime) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endReported = true
	peer := l.peer
	if l.why.by == byViolation {
		peer = nil // it answers our close frame
	}
	return &closedError{why: l.why, peer: peer, isClosed: t == later || l.why.by == bySelf}
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

// handshake returns the error of a close handshake that was not completed, or nil.
func (l *lifetime) handshake() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.peer != nil:
		return nil
	case l.lost != nil:
		return l.lost
	}
	return net.ErrClosed // closed by a concurrent CloseNow
}

// failure returns the error of a Dial that failed.
func (l *lifetime) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why.cause
}

// socketEvents handles the events of the socket. It implements wsjs.Events.
type socketEvents engine

func (ev *socketEvents) Opened()           { (*engine)(ev).opened() }
func (ev *socketEvents) Failed(why string) { (*engine)(ev).failed(why) }
func (ev *socketEvents) Received(data wsjs.Data, err error) {
	(*engine)(ev).received(data, err)
}
func (ev *socketEvents) Closed(code int, reason string, clean wsjs.Clean) {
	(*engine)(ev).closed(CloseError{StatusCode(code), reason}, clean)
}

// opened handles the open event.
func (e *engine) opened() {
	e.life.advance(stateOpen, endReason{})
}

// failed handles the error event. A close event follows, but in Node not always if the
// socket was not open.
func (e *engine) failed(why string) {
	e.life.mu.Lock()
	e.life.errorText = why
	connecting := e.life.now == stateConnecting
	e.life.mu.Unlock()
	if connecting {
		e.finish(endReason{byNetwork, errNotOpened(why)})
	}
}

// closed handles the close event.
func (e *engine) closed(ce CloseError, clean wsjs.Clean) {
	e.life.mu.Lock()
	why := e.life.errorText
	connecting := e.life.now == stateConnecting
	e.life.mu.Unlock()
	switch {
	case connecting:
		e.finish(endReason{byNetwork, errNotOpened(why)})
	case ce.Code == StatusAbnormalClosure, ce.Code == StatusNoStatusRcvd && !bool(clean):
		e.finish(endReason{byNetwork, errNoFrame(why)})
	default:
		e.finish(endReason{byPeer, ce})
	}
}

// errNotOpened returns the error of a socket that did not open.
func errNotOpened(why string) error {
	switch {
	case why != "":
		return errors.New(why)
	case wsjs.IsOffline():
		return errors.New("the browser is offline")
	}
	return errors.New("the connection could not be opened; only the browser's console has the reason")
}

// errNoFrame returns the error of a connection that ended without a close frame.
func errNoFrame(why string) error {
	if why == "" {
		return io.EOF
	}
	return fmt.Errorf("%s: %w", why, io.EOF)
}

// finish ends the connection and releases the socket.
func (e *engine) finish(why endReason) bool {
	if !e.life.advance(stateClosed, why) {
		return false
	}
	e.exits.Peek().run()
	e.socket.Release()
	return true
}

// abandon ends the connection without waiting for the socket to close.
func (e *engine) abandon(why endReason) {
	if e.finish(why) {
		e.socket.Close()
	}
}

// pageCodes is the first code that a page may send, besides 1000; the last is 4999.
const pageCodes = 3000

// closeSocket begins the close handshake. It adds pageCodes to a code that a page must
// not send.
func (e *engine) closeSocket(code StatusCode, reason string) error {
	switch {
	case code == StatusNoStatusRcvd:
		return e.socket.Close()
	case code == StatusNormalClosure || code >= pageCodes:
		return e.socket.CloseWith(int(code), reason)
	}
	return e.socket.CloseWith(int(code)+pageCodes, reason)
}

// beginClose sends a close frame, unless one was sent before. The socket is abandoned
// after closeTimeout.
func (e *engine) beginClose(code StatusCode, reason string, why endReason) (first bool) {
	first = e.sendClose(code, reason, why)
	if first {
		e.life.expire(func() { e.abandon(endReason{byNetwork, errNoCloseFrame}) })
	}
	return first
}

// sendClose is beginClose without a timeout.
func (e *engine) sendClose(code StatusCode, reason string, why endReason) (first bool) {
	if !e.life.advance(stateClosing, why) {
		return false
	}
	if err := e.closeSocket(code, reason); err != nil {
		e.finish(endReason{byNetwork, err})
	}
	return true
}

// close closes the connection with the close handshake.
func (e *engine) close(ctx context.Context, code StatusCode, reason string) error {
	ctx, cancel := boundClose(ctx)
	defer cancel()
	first, err := e.startClose(code, reason)
	return errors.Join(err, e.endClose(ctx, first))
}

// startClose begins to close, and does not wait. It reports whether it is the first
// to close.
func (e *engine) startClose(code StatusCode, reason string) (first bool, err error) {
	return e.closeBy(e.sendClose, code, reason)
}

// endClose waits for the end after startClose, until ctx is done at most.
func (e *engine) endClose(ctx context.Context, first bool) error {
	select {
	case <-e.life.done():
	case <-ctx.Done():
		e.abandon(endReason{byNetwork, noCloseFrame(ctx)})
	}
	if !first {
		return nil
	}
	return e.life.handshake()
}

// closeAsync is close without waiting for the peer.
func (e *engine) closeAsync(code StatusCode, reason string) error {
	_, err := e.closeBy(e.beginClose, code, reason)
	return err
}

// endErr returns the error that ended the connection, or nil if it is open.
func (e *engine) endErr() error {
	if e.life.state() == stateOpen {
		return nil
	}
	return e.life.err(later)
}

// closeBy begins to close for the application, by sendClose or beginClose, and discards
// unread messages.
func (e *engine) closeBy(begin func(StatusCode, string, endReason) bool, code StatusCode, reason string) (first bool, err error) {
	code, reason, err = sendable(code, reason)
	e.unread.discard()
	defer e.life.reportEnd()
	if !begin(code, reason, endReason{bySelf, CloseError{code, reason}}) {
		return false, nil
	}
	return true, err
}

// closeNow abandons the socket. The browser still sends a close frame, since it has no
// other way to close.
func (e *engine) closeNow() error {
	e.unread.discard()
	e.abandon(endReason{by: bySelf})
	e.life.reportEnd()
	return nil
}

// refuse fails the connection because of a violation by the peer.
func (e *engine) refuse(_ context.Context, code StatusCode, reason string) error {
	e.fail(code, reason, endReason{byViolation, &violation{code: code, text: reason}})
	return nil
}

// fail fails the connection with the reason why, which later calls return. It does not
// wait for the peer.
func (e *engine) fail(code StatusCode, reason string, why endReason) {
	e.unread.discard()
	e.beginClose(code, reason, why)
}
