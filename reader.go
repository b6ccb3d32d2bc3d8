//go:build !js

package websocket

import (
	"context"
	"io"
	"slices"

	"github.com/bhojpur/api/internal/handle"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/netstream"
)

// This file has the calls that read: Reader and its handle, Read, and the reads of a
// NetConn. Each passes the errors of the receiver to failRead.

// messageReader is the handle of a message that is being read. It is current while its
// version is that of receiver.mu. At the next version the message was read to its end;
// at a later one another message has begun.
type messageReader handle.Handle[engine]

func (h *messageReader) engine() *engine { return (*handle.Handle[engine])(h).Owner() }
func (h *messageReader) version() uint64 { return (*handle.Handle[engine])(h).Number() }

// lockRead acquires receiver.mu. If ctx ends on a connection that no longer reads, it
// returns the error of the connection instead of that of ctx.
func (e *engine) lockRead(ctx context.Context, began callTime) error {
	err := e.rcv.mu.Lock(ctx, nil)
	if err != nil && !e.life.state().reads() {
		return e.life.err(began)
	}
	return err
}

// unlockRead releases receiver.mu. On a closed connection it frees the memory of the
// receiver.
func (e *engine) unlockRead() {
	e.rcv.in.Settle()
	e.rcv.mu.Unlock()
	e.afterUnlockRead()
}

// afterUnlockRead is the part of unlockRead after the release of the lock. It resumes the
// stream if a context interrupted it between two reads.
func (e *engine) afterUnlockRead() {
	for r := &e.rcv; r.stream.ReadDisturbed() && r.mu.TryLock(); {
		r.stream.MendRead()
		r.mu.Unlock()
	}
	if e.life.state() == stateClosed {
		e.rcv.release()
	}
}

// needsAfterUnlock reports whether afterUnlockRead has something to do.
func (e *engine) needsAfterUnlock() bool {
	return e.life.state() == stateClosed || e.rcv.stream.ReadDisturbed()
}

// nextMessage reads up to the first payload byte of the next message. On a connection
// that is closing it reads up to the peer's close frame. The caller holds receiver.mu.
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

// reader waits for a message and returns its type and a handle.
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
	version := r.mu.Version()
	if !r.msg.open {
		version-- // it is empty, and its end is known
	}
	h := (*messageReader)(r.handles.Next(e, version))
	r.ctx = ctx
	typ := r.msg.typ
	if !r.mu.TryUnlock() {
		e.unlockRead()
	} else if e.needsAfterUnlock() {
		e.afterUnlockRead()
	}
	return typ, h, nil
}

// awaitMessage is nextMessage, but releases the lock unless it returns nil, also if a
// callback panics or calls [runtime.Goexit].
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
	e, version := h.engine(), h.version()
	r := &e.rcv
	began := e.life.beginRead()
	if r.mu.TryLockAt(version) {
		// Fast path: the rest of the message has arrived. A call of readMessage would
		// be slower.
		in, m, n := &r.in, &r.msg, r.left
		if !m.deflated && m.fin && n <= int64(min(in.W-in.R, len(p))) && e.life.state() == stateOpen {
			src := in.Block.B[in.R : in.R+int(n)]
			text, ok := m.text, true
			if m.typ == MessageBinary {
				mask.Copy(p, src, r.key)
			} else if _, ok = m.text.Unmask(p, src, r.key); ok {
				ok = m.text.Complete()
			}
			if ok {
				in.R += int(n)
				r.left = 0
				r.end()
				if in.R == in.W {
					in.Release()
				}
				if !r.mu.TryUnlock() {
					e.unlockRead()
				} else if e.needsAfterUnlock() {
					e.afterUnlockRead()
				}
				return int(n), nil
			}
			m.text = text // the slow way fails the connection
		}
	} else {
		// Another goroutine may hold the lock for as long as it waits for the next
		// message, so use the version that the last Unlock published.
		if v := r.mu.Published(); v == version+1 {
			return 0, io.EOF
		} else if v != version {
			return 0, wrapReadErr(h.staleErr(v, began))
		}
		// The wait has no context: the holder of the lock is Close, reads the same message
		// with the same context, or waits for the next frame of the message in another
		// call of Reader or Read.
		r.mu.Lock(context.Background(), nil)
	}
	n, err := e.readHandle(h, p, began)
	return n, wrapReadErr(err)
}

// wrapReadErr adds the prefix to an error of a handle's Read. io.EOF stays as it is.
func wrapReadErr(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return opError("read", err)
}

// staleErr returns the error of a handle that is not current, at the given version of
// receiver.mu.
func (h *messageReader) staleErr(version uint64, began callTime) error {
	switch {
	case version == h.version()+1:
		return io.EOF
	case !h.engine().life.state().reads():
		return h.engine().life.errInside(began)
	}
	return errStaleReader
}

// readHandle reads for a handle. The caller holds receiver.mu; readHandle releases it,
// also if a callback panics.
func (e *engine) readHandle(h *messageReader, p []byte, began callTime) (int, error) {
	defer e.unlockRead()
	r := &e.rcv
	switch {
	case r.mu.Version() != h.version():
		return 0, h.staleErr(r.mu.Version(), began)
	case !e.life.state().reads():
		return 0, e.life.errInside(began)
	case len(p) == 0:
		return 0, nil
	case e.life.state() == stateClosing:
		// Another call may have discarded a part of the message.
		err := r.awaitClose(r.ctx)
		if err == netstream.ErrInterrupted {
			return 0, r.ctx.Err()
		}
		return 0, e.failRead(r.ctx, began, insideMessage, err)
	}
	return e.readInside(r.ctx, p, began)
}

// readInside reads from the current message. If ctx ends, the connection fails.
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
	// Allocate in proportion to the bytes that have arrived, not to the declared length.
	var p []byte
	var err error
	if !r.sizeKnown(0) {
		p, err = r.readGrowing(ctx)
	} else if whole, ok := r.appendBuffered(make([]byte, 0, r.left)); ok {
		p = whole
	} else {
		p, err = r.readFull(ctx, nil)
	}
	if err != nil {
		return 0, nil, e.failRead(ctx, began, insideMessage, err)
	}
	return typ, p, nil
}

// appendBuffered appends the current message if all of it is buffered and valid. Otherwise
// it reports false and consumes nothing.
func (r *receiver) appendBuffered(dst []byte) ([]byte, bool) {
	in, m := &r.in, &r.msg
	if !m.open || !m.fin || m.deflated || r.left > int64(in.W-in.R) {
		return nil, false
	}
	n := int(r.left)
	old := len(dst)
	dst = slices.Grow(dst, n)[:old+n]
	p := dst[old:]
	switch {
	case n == 0:
	case m.typ == MessageBinary:
		mask.Copy(p, in.Block.B[in.R:in.R+n], r.key) // a key of 0 changes nothing
	default:
		key := r.key
		if r.decode(p, in.Block.B[in.R:in.R+n]) != nil || !m.text.Complete() {
			r.key = key
			m.text.Reset()
			return nil, false
		}
	}
	in.R += n
	r.left = 0
	r.end()
	if in.R == in.W {
		in.Release()
	}
	return dst, true
}

// read reads the payloads of successive messages of one type. If ctx ends, also inside a
// message, read returns ctx.Err() and the connection stays open.
func (s *byteStream) read(ctx context.Context, typ MessageType, p []byte) (int, error) {
	e := (*engine)(s)
	began := e.life.beginRead()
	if err := e.lockRead(ctx, began); err != nil {
		return 0, err
	}
	defer e.unlockRead()
	r := &e.rcv
	for {
		if !r.msg.open || e.life.state() == stateClosing {
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

// refuse fails the connection because of a message that the program does not accept. If
// the connection is closing, which discards messages, refuse reads up to the peer's close
// frame. It returns an error if it has not failed the connection.
func (e *engine) refuse(ctx context.Context, code StatusCode, reason string) error {
	if err := e.lockRead(ctx, underWay); err != nil {
		return err
	}
	defer e.unlockRead()
	if e.life.state() > stateWriteFailed {
		return e.nextMessage(ctx, underWay)
	}
	e.failViolation(ctx, &violation{code: code, text: reason})
	return nil
}
