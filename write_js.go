package websocket

import (
	"bytes"
	"context"
	"io"
	"math"
	"time"

	"github.com/bhojpur/api/internal/utf8stream"
)

const (
	// maxBuffered is the maximum number of bytes that the browser has left to send
	// when it gets another message.
	maxBuffered = 1 << 20

	// A browser has no event for sent bytes, so their number is polled. minLook and
	// maxLook bound the interval.
	minLook = time.Millisecond
	maxLook = 16 * time.Millisecond
)

// checkWrite returns an error if a message of the type can't be sent now.
func (e *engine) checkWrite(ctx context.Context, typ MessageType) error {
	if began := e.life.begin(); e.life.state() != stateOpen {
		return e.life.err(began)
	}
	if !typ.isValid() {
		return wrongType(typ)
	}
	return ctx.Err()
}

// write passes a message to the browser.
func (e *engine) write(ctx context.Context, typ MessageType, p []byte, _ compressing) error {
	if err := e.checkWrite(ctx, typ); err != nil {
		return err
	}
	if typ == MessageText && !utf8stream.Valid(p) {
		return errTextNotUTF8
	}
	return e.send(ctx, typ, p)
}

// byteStream has the reads and writes of a NetConn.
type byteStream engine

// write sends a message, or nothing if ctx ends before.
func (s *byteStream) write(ctx context.Context, typ MessageType, p []byte) (int, error) {
	e := (*engine)(s)
	if err := e.write(ctx, typ, p, asAgreed); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send sends a message after earlier ones, when the browser has at most maxBuffered bytes
// left to send.
func (e *engine) send(ctx context.Context, typ MessageType, p []byte) error {
	select {
	case e.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.sending }()
	if err := e.awaitRoom(ctx, underWay, maxBuffered); err != nil {
		return err
	}
	if typ == MessageText {
		return e.socket.SendText(p)
	}
	return e.socket.SendBinary(p)
}

// awaitRoom waits, for a call that began at the given time, until the socket is open and
// has at most room bytes left to send.
func (e *engine) awaitRoom(ctx context.Context, began callTime, room int) error {
	for look := minLook; ; look = min(2*look, maxLook) {
		if e.life.state() != stateOpen {
			return e.life.err(began)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !e.socket.IsOpen() {
			// The peer has closed. The close event, which follows, has the code.
			e.life.expire(func() { e.finish(endReason{byNetwork, io.EOF}) })
		} else if e.socket.Buffered() <= room {
			return nil
		}
		e.pause(ctx, look)
	}
}

// pause waits for d, or until the state changes or ctx ends.
func (e *engine) pause(ctx context.Context, d time.Duration) {
	now, changed := e.life.watch()
	if now != stateOpen {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	case <-ctx.Done():
	}
}

// awaitUsable returns nil if the connection is open. If the peer has closed, it waits for
// the close event.
func (e *engine) awaitUsable(ctx context.Context) error {
	return e.awaitRoom(ctx, e.life.begin(), math.MaxInt)
}

func (e *engine) writer(ctx context.Context, typ MessageType, _ compressing) (io.WriteCloser, error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return nil, err
	}
	return &messageWriter{e: e, ctx: ctx, typ: typ}, nil
}

// messageWriter is the handle of a message that is being written. A socket sends whole
// messages, so the writer collects one. Nothing is sent, and no other write waits, before
// Close.
type messageWriter struct {
	e     *engine
	ctx   context.Context
	typ   MessageType
	text  utf8stream.Validator
	p     []byte
	ended bool // by Close, or by an error
}

func (w *messageWriter) Write(p []byte) (int, error) {
	if err := w.add(p); err != nil {
		w.end()
		return 0, opError("write", err)
	}
	return len(p), nil
}

// Flush sends nothing: a socket sends whole messages.
func (w *messageWriter) Flush() error { return opError("write", w.check()) }

func (w *messageWriter) Close() error {
	err := w.check()
	if err == nil && w.typ == MessageText && !w.text.Complete() {
		err = w.notUTF8()
	}
	if err == nil {
		err = w.e.send(w.ctx, w.typ, w.p)
	}
	w.end()
	return opError("write", err)
}

func (w *messageWriter) add(p []byte) error {
	if err := w.check(); err != nil {
		return err
	}
	if w.typ == MessageText && !w.text.Write(p) {
		return w.notUTF8()
	}
	w.p = append(w.p, p...)
	return nil
}

// check returns an error if the message has ended or can't be sent.
func (w *messageWriter) check() error {
	if w.ended && w.e.life.state() == stateOpen {
		return errStaleWriter
	}
	return w.e.checkWrite(w.ctx, w.typ)
}

// notUTF8 fails the connection, as on other platforms, where a part of the message may
// have been sent.
func (w *messageWriter) notUTF8() error {
	w.e.fail(StatusInternalError, "", endReason{byFailure, errTextNotUTF8})
	w.e.life.reportEnd()
	return errTextNotUTF8
}

func (w *messageWriter) end() {
	w.ended, w.p = true, nil
}

// preparedFrames is the payload of a prepared message. The browser makes the frames.
type preparedFrames struct {
	p []byte
}

func (m *preparedFrames) prepare(_ MessageType, p []byte) {
	m.p = bytes.Clone(p)
}

// writePrepared sends a prepared message.
func (e *engine) writePrepared(ctx context.Context, m *PreparedMessage) error {
	if err := e.checkWrite(ctx, m.typ); err != nil {
		return err
	}
	return e.send(ctx, m.typ, m.p)
}

// post passes a checked message to the browser, unless the browser has too many bytes
// to send.
func (e *engine) post(m *PreparedMessage) error {
	if err := e.checkWrite(context.Background(), m.typ); err != nil {
		return err
	}
	if !e.socket.IsOpen() {
		return &closedError{why: endReason{byNetwork, io.EOF}, isClosed: true}
	}
	waits := int64(e.socket.Buffered())
	if limit := maxBacklog(e.maxBacklog); limit >= 0 && waits > 0 && waits+int64(len(m.p)) > limit {
		return ErrBacklog
	}
	if m.typ == MessageText {
		return e.socket.SendText(m.p)
	}
	return e.socket.SendBinary(m.p)
}
