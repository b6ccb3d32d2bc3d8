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

// This file has the only functions that end a connection: failRead and failWrite, which
// handle the errors of the two halves, the close handshake, and shut.

// shut closes the stream and frees what the connection holds. why becomes the reason of
// the end if the connection was open. shut does not wait for the locks of the two
// halves: a goroutine that holds one frees what the lock guards when it unlocks.
func (e *engine) shut(why endReason) {
	if _, ok := e.life.advance(stateClosed, why); !ok {
		return
	}
	if w := e.opts.watch; w != nil {
		w.Stop()
	}
	e.exits.Peek().run()
	e.rcv.stream.Close()
	e.rcv.release()
	e.snd.Close()
	d := e.life.closing()
	d.done.Note()
	d.ended.Note()
}

// endWrites ends the connection for writes. Reads continue.
func (e *engine) endWrites(why endReason) {
	if _, ok := e.life.advance(stateWriteFailed, why); ok {
		e.exits.Peek().run()
		e.life.closing().ended.Note()
	}
}

// errWritePanicked is the cause of the end of a connection after a Write of its stream
// has panicked or ended its goroutine.
var errWritePanicked = errors.New("a Write of the net.Conn panicked or called runtime.Goexit")

// shutAfterHandshake is shut after a complete close handshake. Over TLS it first sends a
// close_notify alert.
func (e *engine) shutAfterHandshake() {
	defer e.shut(endReason{}) // CloseWrite of a net.Conn may panic
	if e.rcv.stream.Secure() && e.life.state() != stateClosed {
		stop := time.AfterFunc(drainTimeout, e.rcv.stream.Close)
		e.rcv.stream.CloseWrite()
		stop.Stop()
	}
}

// halfClose closes the writing direction, while input is drained.
func halfClose(s *netstream.Stream) {
	if s.Secure() {
		go s.CloseWrite() // it waits for a peer that does not read
		return
	}
	s.CloseWrite()
}

// failWrite ends the connection if an error of the Sender requires that. It returns the
// error for the caller of the write.
func (e *engine) failWrite(ctx context.Context, err error) error {
	switch {
	case err == sender.ErrWithdrawn, err == sender.ErrCommitted:
		return ctx.Err()
	case err == sender.ErrCutInside:
		e.endWrites(endReason{byContext, ctx.Err()})
		return ctx.Err()
	case err == sender.ErrBehindWriter:
		return fmt.Errorf("%w: %w", errWriterOpen, ctx.Err())
	case err == sender.ErrEnded:
		return e.life.errWrite()
	}
	if c, ok := errors.AsType[*sender.ContextError](err); ok {
		e.shut(endReason{byContext, c.Err})
	} else {
		e.endWrites(endReason{byNetwork, err})
	}
	return e.life.errWrite()
}

// A position says where in the stream of messages a read was.
type position uint8

const (
	betweenMessages position = iota // or inside one that a later call can continue
	insideMessage
)

// failRead ends the connection if an error of the receiver requires that. It returns the
// error for the caller of the read, which began at the given time. The caller of failRead
// holds receiver.mu.
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

// failViolation fails the connection because of a violation by the peer (RFC 6455 section
// 7.1.7). It sends a close frame with the violation's code, and drains input for at most
// drainTimeout, so that the peer reads the frame before the stream is closed.
func (e *engine) failViolation(ctx context.Context, v *violation) {
	why := endReason{byViolation, v}
	from, ok := e.life.advance(stateFailing, why)
	if ok {
		d := e.life.closing()
		if from == stateClosing && d.sent.Happened() {
			halfClose(e.rcv.stream.Stream)
		}
		e.snd.PostClose(appendClose(nil, v.code, v.text))
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		// Close the stream if the read is still blocked after drainTimeout.
		defer context.AfterFunc(ctx, e.rcv.stream.Close)()
		e.rcv.drain(ctx)
		select {
		case <-d.sent.Done():
		case <-d.done.Done():
		case <-ctx.Done():
		}
	}
	e.shut(why)
}

// replyClose answers the peer's close frame with the same code and reason. The stream is
// closed after the reply, or after closeTimeout.
func (e *engine) replyClose(ctx context.Context, ce CloseError) {
	from, ok := e.life.advance(statePeerClosed, endReason{byPeer, ce})
	switch {
	case !ok:
		return
	case from == stateClosing:
		if e.life.closing().sent.Happened() {
			e.shutAfterHandshake()
		}
		return
	}
	e.life.closeAfter(func() { e.shut(endReason{}) })
	sending := e.snd.PostClose(appendClose(nil, ce.Code, ce.Reason))
	switch {
	case e.life.closing().sent.Happened():
		e.shutAfterHandshake() // if the sender ended before the state changed
	case sending:
		e.life.awaitEnd(ctx)
	}
}

// endErr returns the error that ended the connection, or nil if it is open.
func (e *engine) endErr() error {
	if e.life.state() == stateOpen {
		return nil
	}
	return e.life.err(later)
}

// close closes the connection with the close handshake.
func (e *engine) close(ctx context.Context, code StatusCode, reason string) error {
	ctx, cancel := boundClose(ctx)
	defer cancel()
	first, err := e.startClose(code, reason)
	return errors.Join(err, e.endClose(ctx, first))
}

// endClose waits for the end after startClose, until ctx is done at most.
func (e *engine) endClose(ctx context.Context, first bool) error {
	if first {
		return e.finishClose(ctx)
	}
	select {
	case <-e.life.done():
	case <-ctx.Done():
		e.shut(endReason{})
	}
	return nil
}

// closeAsync is close, but waits for the peer at most replyTimeout. A goroutine completes
// the handshake.
func (e *engine) closeAsync(code StatusCode, reason string) error {
	first, err := e.startClose(code, reason)
	if first {
		e.finishAsync()
	}
	return err
}

// finishAsync starts a goroutine that completes the close handshake, and waits for it at
// most replyTimeout.
func (e *engine) finishAsync() {
	go func() {
		ctx, cancel := boundClose(context.Background())
		defer cancel()
		e.finishClose(ctx)
	}()
	e.life.awaitEnd(context.Background())
}

// startClose begins the close handshake. It reports whether it is the first to
// close. A code or a reason that can't be sent is an error, and replaced.
func (e *engine) startClose(code StatusCode, reason string) (first bool, err error) {
	code, reason, err = sendable(code, reason)
	if _, first = e.life.advance(stateClosing, endReason{bySelf, CloseError{code, reason}}); !first {
		return false, nil
	}
	e.snd.PostClose(appendClose(nil, code, reason))
	return true, err
}

// finishClose reads until the peer's close frame and closes the stream.
func (e *engine) finishClose(ctx context.Context) error {
	// Close the stream when ctx ends, since interrupting the read could take longer.
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
		// Our close frame may still wait behind the frame of a blocked write.
		select {
		case <-e.life.done():
		case <-ctx.Done():
		}
	}
	if err != nil && ctx.Err() != nil {
		err = noCloseFrame(ctx)
	}
	e.shut(endReason{cause: err})
	<-e.life.done() // another goroutine may still be closing the stream
	return e.life.handshakeErr()
}

// awaitClose reads up to the peer's close frame, unless reading has ended.
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

// closeNow closes the stream at once, but waits up to drainTimeout for a reply to the
// peer's close frame that is being sent.
func (e *engine) closeNow() error {
	if !e.life.hasten() {
		e.shut(endReason{by: bySelf})
	}
	return nil
}

// errWriterOpen is wrapped by the error of a write whose context ended while it waited for
// a Writer to be closed.
var errWriterOpen = errors.New("a Writer is open")
