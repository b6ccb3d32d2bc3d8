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
	// stateClosing: this side has begun to close. Nothing else is sent, and
	// the socket drops what arrives.
	stateClosing
	// stateClosed: the socket is closed, or given up. Nobody listens to it.
	stateClosed
)

// lifetime is how a connection begins and ends.
type lifetime struct {
	mu      sync.Mutex // a leaf
	now     state
	said    string        // what the socket said of its failure
	why     endReason     // why the connection is not open
	lost    error         // what ended the socket before the close handshake did, or nil
	peer    error         // the peer's CloseError, or nil
	told    bool          // a call has returned that the connection is not open
	timer   *time.Timer   // gives up a socket that is closing
	changed chan struct{} // closed by the next wake; nil when nobody waits
	ended   chan struct{} // closed in stateClosed; nil until a program asks for it
}

// advance moves the connection to a later state and keeps the first reason. It
// reports whether the state changed.
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
		if l.ended != nil {
			close(l.ended)
		}
	}
	l.wakeLocked()
	return true
}

// done returns a channel that is closed when the socket is.
func (l *lifetime) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = make(chan struct{})
		if l.now == stateClosed {
			close(l.ended)
		}
	}
	return l.ended
}

// wake has everyone who waits look again.
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

// expire calls end in closeTimeout, unless the connection is closed by then.
func (l *lifetime) expire(end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil && l.now < stateClosed {
		l.timer = time.AfterFunc(closeTimeout, end)
	}
}

// begin returns the time of a call that begins now. The socket reports its end when
// no call is under way, too, and after it messages that have arrived are read: for
// calls the connection ends when one of them returns that.
func (l *lifetime) begin() callTime {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now > stateOpen && l.told {
		return later
	}
	return underWay
}

// beginRead is begin: see the engine outside browsers.
func (l *lifetime) beginRead() callTime { return l.begin() }

// tell makes calls that begin from now on later ones.
func (l *lifetime) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = true
}

// err is the error of a call on a connection that is not open. The call began at t.
// If this side found fault with the peer, it stays that, whatever the peer says.
func (l *lifetime) err(t callTime) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = true
	peer := l.peer
	if l.why.by == byViolation {
		peer = nil // it answers our close frame
	}
	return &closedError{why: l.why, peer: peer, isClosed: t == later || l.why.by == bySelf}
}

// errInside is err for a call that reads inside a message, where the end of the
// connection is not that of the message.
func (l *lifetime) errInside(t callTime) error {
	err := l.err(t)
	if errors.Is(err, io.EOF) {
		err.(*closedError).why.cause = io.ErrUnexpectedEOF
	}
	return err
}

// handshake says why the close handshake was not completed, or nil.
func (l *lifetime) handshake() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.peer != nil:
		return nil
	case l.lost != nil:
		return l.lost
	}
	return net.ErrClosed // CloseNow came in between
}

// failure is why Dial failed.
func (l *lifetime) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why.cause
}

// socketEvents is what the socket tells of its events.
type socketEvents engine

func (ev *socketEvents) Opened()           { (*engine)(ev).opened() }
func (ev *socketEvents) Failed(why string) { (*engine)(ev).failed(why) }
func (ev *socketEvents) Received(data wsjs.Data, err error) {
	(*engine)(ev).received(data, err)
}
func (ev *socketEvents) Closed(code int, reason string, clean wsjs.Clean) {
	(*engine)(ev).closed(CloseError{StatusCode(code), reason}, clean)
}

// opened is the socket's open event.
func (e *engine) opened() {
	e.life.advance(stateOpen, endReason{})
}

// failed is the socket's error event. A close event follows, but in Node not
// always if the socket has not been open.
func (e *engine) failed(why string) {
	e.life.mu.Lock()
	e.life.said = why
	connecting := e.life.now == stateConnecting
	e.life.mu.Unlock()
	if connecting {
		e.finish(endReason{byNetwork, errNotOpened(why)})
	}
}

// closed is the socket's close event.
func (e *engine) closed(ce CloseError, clean wsjs.Clean) {
	e.life.mu.Lock()
	why := e.life.said
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

// errNotOpened is the error of a Dial that failed.
func errNotOpened(why string) error {
	switch {
	case why != "":
		return errors.New(why)
	case wsjs.IsOffline():
		return errors.New("the browser is offline")
	}
	return errors.New("the connection was not made; only the browser's console tells why")
}

// errNoFrame is the end of a connection without a close frame from the peer.
func errNoFrame(why string) error {
	if why == "" {
		return io.EOF
	}
	return fmt.Errorf("%s: %w", why, io.EOF)
}

// finish ends the connection and lets go of the socket.
func (e *engine) finish(why endReason) bool {
	if !e.life.advance(stateClosed, why) {
		return false
	}
	e.socket.Release()
	return true
}

// abandon ends the connection without waiting for the socket to close.
func (e *engine) abandon(why endReason) {
	if e.finish(why) {
		e.socket.Close()
	}
}

// pageCodes are the codes with which a page may close, besides 1000, up to 4999.
const pageCodes = 3000

// closeSocket begins the close handshake. A code that a page may not use is sent as one
// that it may.
func (e *engine) closeSocket(code StatusCode, reason string) error {
	switch {
	case code == StatusNoStatusRcvd:
		return e.socket.Close()
	case code == StatusNormalClosure || code >= pageCodes:
		return e.socket.CloseWith(int(code), reason)
	}
	return e.socket.CloseWith(int(code)+pageCodes, reason)
}

// beginClose sends a close frame, unless one was sent before. The socket has
// closeTimeout to close.
func (e *engine) beginClose(code StatusCode, reason string, why endReason) (first bool) {
	first = e.sendClose(code, reason, why)
	if first {
		e.life.expire(func() { e.abandon(endReason{byNetwork, errNoCloseFrame}) })
	}
	return first
}

// sendClose is beginClose without a bound.
func (e *engine) sendClose(code StatusCode, reason string, why endReason) (first bool) {
	if !e.life.advance(stateClosing, why) {
		return false
	}
	if err := e.closeSocket(code, reason); err != nil {
		e.finish(endReason{byNetwork, err})
	}
	return true
}

// close is the close handshake, from our side.
func (e *engine) close(ctx context.Context, code StatusCode, reason string) error {
	ctx, cancel := boundClose(ctx)
	defer cancel()
	first, err := e.startClose(code, reason, e.sendClose)
	select {
	case <-e.done():
	case <-ctx.Done():
		e.abandon(endReason{byNetwork, noCloseFrame(ctx)})
	}
	if !first {
		return nil
	}
	return errors.Join(err, e.life.handshake())
}

// closeAsync is close, but leaves the peer's part to the socket's events.
func (e *engine) closeAsync(code StatusCode, reason string) error {
	_, err := e.startClose(code, reason, e.beginClose)
	return err
}

// done returns a channel that is closed when the socket is.
func (e *engine) done() <-chan struct{} { return e.life.done() }

// endErr is why the connection is not open, or nil.
func (e *engine) endErr() error {
	if e.life.state() == stateOpen {
		return nil
	}
	return e.life.err(later)
}

// startClose begins to close for the application, by sendClose or beginClose: what
// was not read is gone.
func (e *engine) startClose(code StatusCode, reason string, begin func(StatusCode, string, endReason) bool) (first bool, err error) {
	code, reason, err = sendable(code, reason)
	e.inbox.shut()
	defer e.life.tell()
	if !begin(code, reason, endReason{bySelf, CloseError{code, reason}}) {
		return false, nil
	}
	return true, err
}

// closeNow gives the socket up. The browser may still send a close frame, for
// it has no other end.
func (e *engine) closeNow() error {
	e.inbox.shut()
	e.abandon(endReason{by: bySelf})
	e.life.tell()
	return nil
}

// refuse closes the connection for what the peer did.
func (e *engine) refuse(ctx context.Context, code StatusCode, reason string) {
	e.fail(code, reason, endReason{byViolation, &violation{code: code, text: reason}})
}

// fail closes the connection for the reason that each call returns then. It
// does not wait for the peer.
func (e *engine) fail(code StatusCode, reason string, why endReason) {
	e.inbox.shut()
	e.beginClose(code, reason, why)
}
