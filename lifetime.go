//go:build !js

package websocket

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// phase is where a connection is in its life. It only grows.
type phase uint32

const (
	// phaseOpen: messages go both ways.
	phaseOpen phase = iota
	// phaseClosing: our close frame has been posted. Nothing else is sent.
	// What arrives is discarded, unless the peer's close frame, or its
	// violation, was the reason: then nothing more is read.
	phaseClosing
	// phaseClosed: the transport is closed.
	phaseClosed
)

// The bounds of closing.
const (
	// drainTimeout and drainBytes bound for how long the peer may go on
	// sending after its violation, before the connection is closed on it.
	drainTimeout = time.Second
	drainBytes   = 64 << 20
	// replyPatience is for how long who read the peer's close frame stays for
	// the reply to get out, where the transport can't tell at once. A program
	// that exits then has answered.
	replyPatience = 100 * time.Millisecond
)

// lifetime is how a connection ends.
type lifetime struct {
	now atomic.Uint32 // a phase
	end lazy[ending]
}

// ending is what is to be known of the end. Nobody asks for it before that comes,
// or somebody waits for it.
type ending struct {
	mu       sync.Mutex  // a leaf; guards the rest, and changes of the phase
	cause    error       // what failed the open connection, or nil
	lost     error       // what ended the transport before the close handshake did, or nil
	peer     error       // the peer's CloseError, or nil
	told     bool        // a write returned that the open connection has failed
	readOver bool        // nothing that arrives counts any more
	frameOut bool        // our close frame is with the transport
	replying bool        // it is a reply, and on its way
	timer    *time.Timer // closes the transport if a reply does not get out
	done     chan struct{}
}

func (l *lifetime) phase() phase { return phase(l.now.Load()) }

// advance moves the connection to a later phase and keeps the first cause. It
// reports whether the phase changed.
func (l *lifetime) advance(to phase, cause error) bool {
	d := l.end.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.phase() >= to {
		return false
	}
	if l.phase() == phaseOpen {
		d.cause = cause
	}
	l.now.Store(uint32(to))
	if to == phaseClosed {
		d.lost = cause
		if d.done != nil {
			close(d.done)
		}
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	return true
}

// closedByPeer notes the peer's close frame. It reports whether a reply is
// due.
func (l *lifetime) closedByPeer(ce CloseError) (reply bool) {
	d := l.end.get()
	d.mu.Lock()
	d.peer, d.readOver = ce, true
	d.mu.Unlock()
	return l.advance(phaseClosing, nil)
}

// violatedByPeer notes a violation. It reports whether this is the first reason
// to close, so that a close frame has to be sent, and whether one is out.
func (l *lifetime) violatedByPeer(v *violation) (first, out bool) {
	d := l.end.get()
	d.mu.Lock()
	d.readOver = true
	out = d.frameOut
	d.mu.Unlock()
	return l.advance(phaseClosing, v), out
}

// failureTold notes that a caller knows that the connection has failed, which
// is open still for what may have arrived.
func (l *lifetime) failureTold() {
	d := l.end.get()
	d.mu.Lock()
	d.told = true
	d.mu.Unlock()
}

// ended returns a channel that is closed when the transport is.
func (l *lifetime) ended() <-chan struct{} {
	d := l.end.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
		if l.phase() == phaseClosed {
			close(d.done)
		}
	}
	return d.done
}

// err is the error of every call on a connection that is no longer open.
func (l *lifetime) err() error {
	d := l.end.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.peer != nil {
		return &closedError{cause: d.peer}
	}
	return &closedError{cause: d.cause}
}

// reading reports whether frames that arrive still count: all of them while
// the connection is open, the peer's close frame while it is closing.
func (l *lifetime) reading() bool {
	if l.phase() == phaseOpen {
		return true
	}
	d := l.end.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	return l.phase() == phaseClosing && !d.readOver
}

// bothOut reports whether the close handshake is complete.
func (l *lifetime) bothOut() bool {
	d := l.end.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.peer != nil && d.frameOut
}

// closeFrameOut is called when our close frame is with the transport. If the
// peer's was there before, that was all. After a violation the peer is told
// that nothing will follow, while what it still sends is drained.
func (e *engine) closeFrameOut() {
	l := &e.life
	d := l.end.get()
	d.mu.Lock()
	d.frameOut = true
	answered, violated := d.peer != nil, d.readOver
	d.mu.Unlock()
	switch {
	case answered:
		e.shutGently()
	case violated:
		e.t.CloseWrite()
	}
}

// shut closes the transport and lets go of what the connection holds. It takes
// no gate: who holds one gives back what is behind it.
func (e *engine) shut(cause error) {
	if !e.life.advance(phaseClosed, cause) {
		return
	}
	e.t.Close()
	e.dropReads()
	if e.wr.gate.tryLock() {
		e.unlockWrite()
	}
}

// shutGently is shut after a completed close handshake: over TLS, the end is
// announced first.
func (e *engine) shutGently() {
	if e.secure {
		stop := time.AfterFunc(drainTimeout, e.t.Close)
		e.t.CloseWrite()
		stop.Stop()
	}
	e.shut(nil)
}

// answer replies to the peer's close frame with the same code and reason. The
// peer has closeTimeout to take the reply.
func (e *engine) answer(ctx context.Context, ce CloseError) {
	l := &e.life
	d := l.end.get()
	d.mu.Lock()
	if l.phase() != phaseClosed {
		d.timer = time.AfterFunc(closeTimeout, func() { e.shut(nil) })
	}
	d.mu.Unlock()
	sending := e.postClose(ce.Code, ce.Reason)
	if l.phase() == phaseClosed {
		return
	}
	d.mu.Lock()
	d.replying = true
	d.mu.Unlock()
	if sending {
		e.awaitEnd(ctx)
	}
}

// awaitEnd gives what others do to end the connection a moment.
func (e *engine) awaitEnd(ctx context.Context) {
	patience := time.NewTimer(replyPatience)
	defer patience.Stop()
	select {
	case <-e.life.ended():
	case <-ctx.Done():
	case <-patience.C:
	}
}

// close is the close handshake, from our side.
func (e *engine) close(code StatusCode, reason string) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	first, err := e.beginClose(code, reason)
	if !first {
		select {
		case <-e.life.ended():
		case <-ctx.Done():
			e.shut(nil)
		}
		return err
	}
	return errors.Join(err, e.finishClose(ctx))
}

// closeSoon is close, but leaves the peer's part of it to a goroutine, unless
// the peer is quick.
func (e *engine) closeSoon(code StatusCode, reason string) error {
	first, err := e.beginClose(code, reason)
	if first {
		e.finishSoon()
	}
	return err
}

func (e *engine) finishSoon() {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		e.finishClose(ctx)
	}()
	e.awaitEnd(context.Background())
}

// beginFailure is beginClose for a failure on our side.
func (e *engine) beginFailure(code StatusCode, cause error) (first bool) {
	if !e.life.advance(phaseClosing, cause) {
		return false
	}
	e.postClose(code, "")
	return true
}

// beginClose posts the close frame, if it is the first to close.
func (e *engine) beginClose(code StatusCode, reason string) (first bool, err error) {
	code, reason, err = sendable(code, reason)
	if !e.life.advance(phaseClosing, nil) {
		return false, nil
	}
	e.postClose(code, reason)
	return true, err
}

// finishClose reads until the peer's close frame arrives, and closes the
// transport.
func (e *engine) finishClose(ctx context.Context) error {
	// Interrupting the read may take longer than there is time.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		if e.life.reading() {
			e.shut(errNoCloseFrame)
		} else {
			e.shut(nil)
		}
	})
	defer func() {
		if !stop() {
			<-closed // the stream is closed when Close returns
		}
	}()
	defer e.shut(nil) // a callback may panic
	err := e.awaitClose(ctx)
	if !e.life.reading() {
		// Our close frame may still be on its way, behind a writer's frame.
		select {
		case <-e.life.ended():
		case <-ctx.Done():
		}
	}
	if err != nil && ctx.Err() != nil {
		err = errNoCloseFrame
	}
	e.shut(err)
	return e.life.handshake()
}

// awaitClose reads until the peer's close frame, if it may still come.
func (e *engine) awaitClose(ctx context.Context) error {
	if err := e.rd.lock.Lock(ctx, e.life.ended()); err != nil {
		return err
	}
	defer e.unlockRead()
	if !e.life.reading() {
		return nil
	}
	return e.readUntilClose(ctx)
}

// handshake says why the close handshake was not completed, or nil, also where
// somebody knows that it can't be.
func (l *lifetime) handshake() error {
	d := l.end.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.peer != nil, d.told:
		return nil
	case d.lost != nil:
		return d.lost
	}
	return net.ErrClosed // CloseNow came in between
}

// closeNow closes the transport at once. But where the peer has closed and
// only our reply is left to send, that gets a moment.
func (e *engine) closeNow() error {
	l := &e.life
	d := l.end.get()
	d.mu.Lock()
	replying := d.replying && !d.frameOut && l.phase() == phaseClosing
	if replying {
		d.timer.Reset(drainTimeout)
	}
	d.mu.Unlock()
	if !replying {
		e.shut(nil)
	}
	return nil
}
