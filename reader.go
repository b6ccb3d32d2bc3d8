//go:build !js

package websocket

import (
	"context"
	"io"

	"github.com/bhojpur/api/internal/mask"
)

// This file has the calls that read: Reader and its handle, Read, and the stream of a
// NetConn. Each one turns what the receiving half returns into the end of the
// connection, by failRead.

// messageReader is the handle of a message that is being read. It is current while
// the version of the receiver's lock is its own. At the next version the message was
// read to its end, at any later one another message has begun.
type messageReader struct {
	e       *engine
	version uint64
}

// lockRead acquires the lock of the receiving half. On a connection of which nothing
// more will be read, it does not return the error of ctx.
func (e *engine) lockRead(ctx context.Context, began callTime) error {
	err := e.rcv.mu.Lock(ctx, nil)
	if err != nil && !e.life.state().reads() {
		return e.life.err(began)
	}
	return err
}

// unlockRead releases the lock of the receiving half, and frees what that holds of
// a closed connection.
func (e *engine) unlockRead() {
	e.rcv.in.Settle()
	e.rcv.mu.Unlock()
	e.afterUnlockRead()
}

// afterUnlockRead is what is left to do once the lock was released. Reads work again that
// a context would interrupt, which ended when no read was under way.
func (e *engine) afterUnlockRead() {
	for r := &e.rcv; r.stream.ReadDisturbed() && r.mu.TryLock(); {
		r.stream.MendRead()
		r.mu.Unlock()
	}
	if e.life.state() == stateClosed {
		e.rcv.release()
	}
}

// restless reports whether afterUnlockRead has something to do. Places that can't afford
// a call release the lock by TryUnlock, and ask it then.
func (e *engine) restless() bool {
	return e.life.state() == stateClosed || e.rcv.stream.ReadDisturbed()
}

// nextMessage reads to the first payload byte of the next message. On a connection
// that is closing it waits for the peer's close frame. The caller holds the lock.
func (e *engine) nextMessage(ctx context.Context, began callTime) error {
	for {
		var err error
		switch s := e.life.state(); {
		case s <= stateWriteFailed:
			if err = e.rcv.nextMessage(ctx); err == nil {
				if e.life.state() <= stateWriteFailed {
					return nil
				}
				continue
			}
		case s == stateClosing:
			err = e.rcv.awaitClose(ctx)
		default:
			return e.life.err(began)
		}
		return e.failRead(ctx, began, betweenMessages, err)
	}
}

// reader waits for a message.
func (e *engine) reader(ctx context.Context) (MessageType, io.Reader, error) {
	r := &e.rcv
	began := e.life.beginRead()
	if !r.mu.TryLock() {
		if err := e.lockRead(ctx, began); err != nil {
			return 0, nil, err
		}
	}
	if e.life.state() != stateOpen || ctx.Err() != nil || !r.tryBegin() {
		if err := e.awaitMessage(ctx, began); err != nil {
			return 0, nil, err
		}
	}
	h := r.handles.Next()
	h.e, h.version = e, r.mu.Version()
	if !r.msg.open {
		h.version-- // it is empty, and its end is known
	}
	r.ctx = ctx
	typ := r.msg.typ
	if !r.mu.TryUnlock() {
		e.unlockRead()
	} else if e.restless() {
		e.afterUnlockRead()
	}
	return typ, h, nil
}

// awaitMessage is nextMessage for reader: it releases the lock unless it returns
// nil. A callback may panic, or end its goroutine by [runtime.Goexit].
func (e *engine) awaitMessage(ctx context.Context, began callTime) error {
	begun := false
	defer func() {
		if !begun {
			e.unlockRead()
		}
	}()
	err := e.nextMessage(ctx, began)
	begun = err == nil
	return err
}

// Read reads from the message.
func (h *messageReader) Read(p []byte) (int, error) {
	e := h.e
	r := &e.rcv
	began := e.life.beginRead()
	if r.mu.TryLockAt(h.version) {
		// Most of the time the rest of the message has arrived, and nothing else has
		// to be done. (A call of takePayload would take 2 ns.)
		in, m, n := &r.in, &r.msg, r.left
		if !m.deflated && m.fin && n <= int64(min(in.W-in.R, len(p))) && e.life.state() == stateOpen {
			mask.Copy(p, in.Block.B[in.R:in.R+int(n)], r.key)
			text := m.text
			if m.typ == MessageBinary || m.text.Write(p[:n]) && m.text.Complete() {
				in.R += int(n)
				r.left = 0
				r.end()
				if in.R == in.W {
					in.Release()
				}
				if !r.mu.TryUnlock() {
					e.unlockRead()
				} else if e.restless() {
					e.afterUnlockRead()
				}
				return int(n), nil
			}
			m.text = text // the slow way fails the connection
		}
	} else {
		// Looked up without the lock, which another goroutine may hold for as long
		// as it waits for the next message.
		if v := r.mu.Published(); v == h.version+1 {
			return 0, io.EOF
		} else if v != h.version {
			return 0, wrapReadErr(h.staleErr(v, began))
		}
		// The context does not count here: the holder of the lock is reading the
		// same message with it, or is Close.
		r.mu.Lock(context.Background(), nil)
	}
	n, err := e.readHandle(h, p, began)
	return n, wrapReadErr(err)
}

// wrapReadErr is err for the caller of a handle's Read.
func wrapReadErr(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return opError("read", err)
}

// staleErr is the error of a handle that is not current, at the given version of
// the lock.
func (h *messageReader) staleErr(version uint64, began callTime) error {
	switch {
	case version == h.version+1:
		return io.EOF
	case !h.e.life.state().reads():
		return h.e.life.errInside(began)
	}
	return errStaleReader
}

// readHandle reads for a handle. The caller holds the lock, which readHandle
// releases, also when a callback panics.
func (e *engine) readHandle(h *messageReader, p []byte, began callTime) (int, error) {
	defer e.unlockRead()
	r := &e.rcv
	switch {
	case r.mu.Version() != h.version:
		return 0, h.staleErr(r.mu.Version(), began)
	case !e.life.state().reads():
		return 0, e.life.errInside(began)
	case len(p) == 0:
		return 0, nil
	}
	return e.readInside(r.ctx, p, began)
}

// readInside reads from the current message. The error of a context fails the
// connection.
func (e *engine) readInside(ctx context.Context, p []byte, began callTime) (int, error) {
	n, err := e.rcv.readMessage(ctx, p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, e.failRead(ctx, began, insideMessage, err)
}

// read reads a whole message.
func (e *engine) read(ctx context.Context) (MessageType, []byte, error) {
	began := e.life.beginRead()
	if err := e.lockRead(ctx, began); err != nil {
		return 0, nil, err
	}
	defer e.unlockRead()
	r := &e.rcv
	if e.life.state() != stateOpen || ctx.Err() != nil || !r.tryBegin() {
		if err := e.nextMessage(ctx, began); err != nil {
			return 0, nil, err
		}
	}
	typ := r.msg.typ
	// What is allocated is in proportion to what has arrived, whatever the peer declares.
	var p []byte
	var err error
	if r.sizeKnown(0) {
		p, err = r.readFull(ctx, nil)
	} else {
		p, err = r.readGrowing(ctx)
	}
	if err != nil {
		return 0, nil, e.failRead(ctx, began, insideMessage, err)
	}
	return typ, p, nil
}

// read reads on from message to message. A context that ends
// changes nothing, inside a message too, and ctx.Err() is returned as it is.
func (s *byteStream) read(ctx context.Context, typ MessageType, p []byte) (int, error) {
	e := (*engine)(s)
	began := e.life.beginRead()
	if err := e.lockRead(ctx, began); err != nil {
		return 0, err
	}
	defer e.unlockRead()
	r := &e.rcv
	for {
		if !r.msg.open {
			if err := e.nextMessage(ctx, began); err != nil {
				return 0, err
			}
			if r.msg.typ != typ {
				return 0, e.failRead(ctx, began, betweenMessages, &violation{code: StatusUnsupportedData, text: wrongMessage(r.msg.typ, typ)})
			}
			continue
		}
		if !e.life.state().reads() {
			return 0, e.life.err(began)
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := r.readMessage(ctx, p)
		switch {
		case err == io.EOF && n == 0:
		case err == nil || err == io.EOF:
			return n, nil
		default:
			return n, e.failRead(ctx, began, betweenMessages, err)
		}
	}
}

// refuse closes the connection for a message that is not wanted.
func (e *engine) refuse(ctx context.Context, code StatusCode, reason string) {
	if e.lockRead(ctx, underWay) != nil {
		e.closeNow()
		return
	}
	defer e.unlockRead()
	e.failViolation(ctx, &violation{code: code, text: reason})
}
