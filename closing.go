//go:build !js

package websocket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sender"
)

// This file has the only places that end a connection: failRead and failWrite, which turn
// what the two halves return into its end, the close handshake, and shut.

// shut closes the stream and frees what the connection holds. why counts if the
// connection was open. It acquires no lock of the two halves; a goroutine that
// holds one frees what the lock guards when it unlocks.
func (e *engine) shut(why endReason) {
	if _, ok := e.life.advance(stateClosed, why); !ok {
		return
	}
	e.rcv.stream.Close()
	e.rcv.release()
	e.snd.Close()
	close(e.life.closing().done)
}

// shutGently is shut after a complete close handshake: over TLS, the end of the
// stream is announced first.
func (e *engine) shutGently() {
	if e.rcv.stream.Secure() && e.life.state() != stateClosed {
		stop := time.AfterFunc(drainTimeout, e.rcv.stream.Close)
		e.rcv.stream.CloseWrite()
		stop.Stop()
	}
	e.shut(endReason{})
}

// halfClose tells the peer that nothing follows, while what it still sends is
// drained.
func (e *engine) halfClose() {
	if e.rcv.stream.Secure() {
		go e.rcv.stream.CloseWrite() // it waits for a peer that does not read
		return
	}
	e.rcv.stream.CloseWrite()
}

// failWrite ends the connection for an error of the sending half, and returns what
// the caller of a write gets.
func (e *engine) failWrite(ctx context.Context, err error) error {
	switch {
	case err == sender.ErrWithdrawn, err == sender.ErrCommitted:
		return ctx.Err()
	case err == sender.ErrCutInside:
		e.life.advance(stateWriteFailed, endReason{byContext, ctx.Err()})
		return ctx.Err()
	case err == sender.ErrBehindWriter:
		return fmt.Errorf("%w: %w", errWriterOpen, ctx.Err())
	case err == sender.ErrEnded:
		return e.life.errWrite()
	}
	if c, ok := errors.AsType[*sender.ContextError](err); ok {
		e.shut(endReason{byContext, c.Err})
	} else {
		e.life.advance(stateWriteFailed, endReason{byNetwork, err})
	}
	return e.life.errWrite()
}

// A position says where in the flow of messages a read was.
type position uint8

const (
	betweenMessages position = iota // or where it may go on later
	insideMessage
)

// failRead ends the connection for an error of the receiving half, and returns what
// the caller of a read that began at the given time gets. The caller holds the lock of
// that half.
func (e *engine) failRead(ctx context.Context, began callTime, at position, err error) error {
	switch v := err.(type) {
	case *violation:
		e.failViolation(ctx, v)
		return e.life.err(began)
	case CloseError:
		e.replyClose(ctx, v)
		return e.life.err(began)
	}
	switch {
	case err == errBetweenMessages:
		return err
	case err == netstream.ErrInterrupted && at == betweenMessages:
		return ctx.Err()
	case err == netstream.ErrInterrupted:
		e.shut(endReason{byContext, ctx.Err()})
	default:
		if c, ok := err.(*sender.ContextError); ok {
			e.shut(endReason{byContext, c.Err})
		} else {
			e.shut(endReason{byNetwork, err})
		}
	}
	if at == insideMessage {
		return e.life.errInside(began)
	}
	return e.life.err(began)
}

// failViolation ends the connection for what the peer did: a close frame names it
// (RFC 6455 section 7.1.7), and what the peer still sends is drained for a while,
// so that it reads the frame before it finds the stream closed.
func (e *engine) failViolation(ctx context.Context, v *violation) {
	why := endReason{byViolation, v}
	from, ok := e.life.advance(stateFailing, why)
	if ok {
		d := e.life.closing()
		if from == stateClosing && d.isSendDone() {
			e.halfClose()
		}
		e.snd.PostClose(appendClose(nil, v.code, v.text))
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		// If interrupting a read takes longer than that, the stream is closed.
		defer context.AfterFunc(ctx, e.rcv.stream.Close)()
		e.rcv.drain(ctx)
		select {
		case <-d.sendDone:
		case <-d.done:
		case <-ctx.Done():
		}
	}
	e.shut(why)
}

// replyClose answers the peer's close frame with the same code and reason. The peer
// has closeTimeout to take the reply.
func (e *engine) replyClose(ctx context.Context, ce CloseError) {
	from, ok := e.life.advance(statePeerClosed, endReason{byPeer, ce})
	switch {
	case !ok:
		return
	case from == stateClosing:
		if e.life.closing().isSendDone() {
			e.shutGently()
		}
		return
	}
	e.life.closeAfter(func() { e.shut(endReason{}) })
	sending := e.snd.PostClose(appendClose(nil, ce.Code, ce.Reason))
	switch {
	case e.life.closing().isSendDone():
		e.shutGently() // if the sender ended before the state changed
	case sending:
		e.awaitEnd(ctx)
	}
}

// awaitEnd waits a moment for others to end the connection.
func (e *engine) awaitEnd(ctx context.Context) {
	if e.life.state() == stateClosed {
		return
	}
	timer := time.NewTimer(replyTimeout)
	defer timer.Stop()
	select {
	case <-e.life.done():
	case <-ctx.Done():
	case <-timer.C:
	}
}

// done returns a channel that is closed when the stream is.
func (e *engine) done() <-chan struct{} { return e.life.done() }

// endErr is why the connection is not open, or nil.
func (e *engine) endErr() error {
	if e.life.state() == stateOpen {
		return nil
	}
	return e.life.err(later)
}

// close is the close handshake, begun by this side.
func (e *engine) close(ctx context.Context, code StatusCode, reason string) error {
	ctx, cancel := boundClose(ctx)
	defer cancel()
	first, err := e.beginClose(code, reason)
	if first {
		return errors.Join(err, e.finishClose(ctx))
	}
	select {
	case <-e.life.done():
	case <-ctx.Done():
		e.shut(endReason{})
	}
	return nil
}

// closeAsync is close, but leaves the peer's part to a goroutine, unless the peer
// is quick.
func (e *engine) closeAsync(code StatusCode, reason string) error {
	first, err := e.beginClose(code, reason)
	if first {
		e.finishAsync()
	}
	return err
}

func (e *engine) finishAsync() {
	go func() {
		ctx, cancel := boundClose(context.Background())
		defer cancel()
		e.finishClose(ctx)
	}()
	e.awaitEnd(context.Background())
}

// beginClose begins the close handshake. It reports whether it is the first to
// close. A code or a reason that can't be sent is an error, and replaced.
func (e *engine) beginClose(code StatusCode, reason string) (first bool, err error) {
	code, reason, err = sendable(code, reason)
	if _, first = e.life.advance(stateClosing, endReason{bySelf, CloseError{code, reason}}); !first {
		return false, nil
	}
	e.snd.PostClose(appendClose(nil, code, reason))
	return true, err
}

// failSelf begins the close handshake for a failure of this side.
func (e *engine) failSelf(code StatusCode, cause error) (first bool) {
	if _, first = e.life.advance(stateClosing, endReason{byFailure, cause}); first {
		e.snd.PostClose(appendClose(nil, code, ""))
	}
	return first
}

// finishClose reads until the peer's close frame and closes the stream.
func (e *engine) finishClose(ctx context.Context) error {
	// To interrupt the read may take longer than there is time.
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		if e.life.state().reads() {
			e.shut(endReason{cause: noCloseFrame(ctx)})
		} else {
			e.shut(endReason{})
		}
	})
	defer func() {
		if !stop() {
			<-ended
		}
	}()
	defer e.shut(endReason{}) // a callback may panic
	err := e.awaitClose(ctx)
	if !e.life.state().reads() {
		// Our close frame may still be on its way, behind the frame of a writer.
		select {
		case <-e.life.done():
		case <-ctx.Done():
		}
	}
	if err != nil && ctx.Err() != nil {
		err = noCloseFrame(ctx)
	}
	e.shut(endReason{cause: err})
	<-e.life.done() // another goroutine may be closing the stream
	return e.life.handshakeErr()
}

// awaitClose reads until the peer's close frame, if it may still come.
func (e *engine) awaitClose(ctx context.Context) error {
	if err := e.rcv.mu.Lock(ctx, e.life.done()); err != nil {
		return err
	}
	defer e.unlockRead()
	if !e.life.state().reads() {
		return nil
	}
	err := e.rcv.awaitClose(ctx)
	if err != netstream.ErrInterrupted {
		e.failRead(ctx, underWay, betweenMessages, err)
	}
	return err
}

// closeNow closes the stream at once. Where the reply to the peer's close frame is
// on its way, that gets a moment.
func (e *engine) closeNow() error {
	if !e.life.hasten() {
		e.shut(endReason{by: bySelf})
	}
	return nil
}

// errWriterOpen is in the error of a message that waited for a Writer to be closed.
var errWriterOpen = errors.New("a Writer is open")
