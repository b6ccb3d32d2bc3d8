//go:build !js

package websocket

import (
	"context"
	"errors"
	"io"

	"github.com/bhojpur/api/internal/sender"
)

// writer opens a message of several frames.
func (e *engine) writer(ctx context.Context, typ MessageType, c compressing) (io.WriteCloser, error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return nil, err
	}
	encoding := sender.Plain
	if c == asAgreed && e.snd.Compression() != nil {
		encoding = sender.Undecided
	}
	m, err := e.snd.Open(ctx, opcode(typ), encoding)
	if err != nil {
		return nil, e.failWrite(ctx, err)
	}
	m.Leave()
	return (*messageWriter)(m), nil
}

// messageWriter is the handle of a message that is being written. It passes the errors of
// the Sender to failWrite.
type messageWriter sender.Message

// Write adds p to the message.
func (h *messageWriter) Write(p []byte) (int, error) {
	if err := h.do(func(m *sender.Message) error { return m.Add(p) }); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush sends the bytes written so far as a frame.
func (h *messageWriter) Flush() error { return h.do((*sender.Message).Flush) }

// Close sends the final frame and ends the message.
func (h *messageWriter) Close() error {
	return h.do(func(m *sender.Message) error {
		err := m.Finish()
		if err == nil {
			m.End()
		}
		return err
	})
}

// do calls step with the message, which is busy meanwhile. An error is passed to fail. A
// Write of the net.Conn, in step, may panic.
func (h *messageWriter) do(step func(*sender.Message) error) error {
	m := (*sender.Message)(h)
	if err := m.Enter(); err != nil {
		return opError("write", h.fail(later, err))
	}
	defer m.Leave()
	if err := step(m); err != nil {
		return opError("write", h.fail(underWay, err))
	}
	return nil
}

// fail ends the message because of an error, and returns the error for the caller. The
// connection fails if a part of the message was sent. began is later for an error of
// Enter.
func (h *messageWriter) fail(began callTime, err error) error {
	m := (*sender.Message)(h)
	e := (*engine)(m.Host().(*sendHost))
	switch err {
	case sender.ErrBusy:
		return errWriterBusy
	case sender.ErrOver:
		if c, ok := errors.AsType[*sender.ContextError](m.Err()); ok {
			// Another goroutine ended the message, and may not have ended the connection yet.
			e.shut(endReason{byContext, c.Err})
		}
		if e.life.state() != stateOpen {
			return e.life.err(later)
		}
		if err := m.Err(); err != nil {
			return err
		}
		return errStaleWriter
	case sender.ErrNotUTF8:
		// The close frame is sent before the messages that wait for the end of this
		// one.
		_, first := e.life.advance(stateClosing, endReason{byFailure, errTextNotUTF8})
		if first {
			e.snd.PostClose(appendClose(nil, StatusInternalError, ""))
		}
		m.End()
		if first {
			e.finishAsync()
		}
		return errTextNotUTF8
	}
	err = e.failWrite(m.Context(), m.Cut(err))
	m.End()
	if began == later && e.life.state() != stateOpen {
		return e.life.err(later)
	}
	return err
}

// errWriterBusy is the error of a Write during another one of the same Writer.
var errWriterBusy = errors.New("use of a Writer by several goroutines at once")
