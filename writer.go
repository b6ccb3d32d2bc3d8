//go:build !js

package websocket

import (
	"context"
	"io"
	"sync/atomic"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/ctxlock"
	"github.com/bhojpur/api/internal/utf8stream"
)

// parts is what it takes to write messages of several frames.
type parts struct {
	// order is held by who writes such a message, from the first frame to the
	// last. Messages of one frame pass it by while it is free.
	order ctxlock.Mutex

	// Guarded by the gate of the write side.
	msg     outgoing
	handles slab[messageWriter]
}

// current returns the handle of the message that is being written in several
// frames, or nil. The caller holds the gate.
func (w *writeSide) current() *messageWriter {
	if m := w.parts.peek(); m != nil {
		return m.msg.by
	}
	return nil
}

// open returns the message that is being written in several frames, or nil. The
// caller holds the gate.
func (w *writeSide) open() *outgoing {
	if w.current() == nil {
		return nil
	}
	return &w.parts.get().msg
}

// outgoing is a message that is written in several frames.
type outgoing struct {
	by   *messageWriter // nil when there is none
	typ  MessageType
	form form
	text utf8stream.Validator
	buf  *bufpool.Block // what the message holds from the pool
	n    int            // not compressed: buf.b[:n] is not sent yet
	z    []byte         // compressed: what came out and is not sent yet
}

// form is how the payload of a message goes out.
type form uint8

const (
	plain     form = iota
	undecided      // not yet as long as the compression threshold
	compressed
)

// messageWriter is the handle of a message that is being written. It counts
// for as long as outgoing.by points to it.
type messageWriter struct {
	e     *engine
	ctx   context.Context
	begun atomic.Bool // its first frame was taken
	over  atomic.Bool // outgoing.by points to it no more
}

// writer begins a message of several frames.
func (e *engine) writer(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return nil, err
	}
	h, err := e.beginMessage(ctx, typ)
	if err != nil {
		return nil, err
	}
	e.unlockWrite()
	return h, nil
}

// writerUncompressed is writer for a message that is never compressed.
func (e *engine) writerUncompressed(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	if err := e.checkWrite(ctx, typ); err != nil {
		return nil, err
	}
	h, err := e.beginMessage(ctx, typ)
	if err != nil {
		return nil, err
	}
	e.wr.parts.get().msg.form = plain
	e.unlockWrite()
	return h, nil
}

// beginMessage takes the order of messages for a message, and returns with the
// gate held.
func (e *engine) beginMessage(ctx context.Context, typ MessageType) (*messageWriter, error) {
	if err := e.lockOrder(ctx); err != nil {
		return nil, err
	}
	e.takePosted()
	if err := e.canSend(); err != nil {
		e.wr.parts.get().order.Unlock()
		e.unlockWrite()
		return nil, err
	}
	h := e.wr.parts.get().handles.next()
	h.e, h.ctx = e, ctx
	e.wr.parts.get().msg = outgoing{by: h, typ: typ}
	if e.deflate != nil {
		e.wr.parts.get().msg.form = undecided
	}
	return h, nil
}

// endMessage gives back what a message holds, its turn above all, if there is
// one. The caller holds the gate.
func (e *engine) endMessage() {
	m := e.wr.open()
	if m == nil {
		return
	}
	if m.buf != nil {
		m.buf.Free()
	}
	m.by.over.Store(true)
	*m = outgoing{}
	e.wr.parts.get().order.Unlock()
}

// dropMessage ends a message that was not sent to its end, and returns what
// callers get. If a part of it was, the connection has failed; unless nothing
// could follow that part anyway, after a close frame.
func (e *engine) dropMessage(cause error) error {
	m := e.wr.open()
	if m == nil {
		return cause
	}
	if m.form == compressed {
		e.wr.comp.Discard()
	}
	begun := m.by.begun.Load()
	e.endMessage()
	if !begun || e.wr.over() {
		return cause
	}
	e.shut(cause)
	return e.life.err()
}

// Write adds p to the message.
func (h *messageWriter) Write(p []byte) (int, error) {
	err := h.e.writeMessage(h, p, addPart)
	if err != nil {
		return 0, opError("write", err)
	}
	return len(p), nil
}

// Close ends the message and sends what is left of it.
func (h *messageWriter) Close() error {
	return opError("write", h.e.writeMessage(h, nil, endPart))
}

type messagePart uint8

const (
	addPart messagePart = iota
	endPart
)

// writeMessage adds p to the message of h, or ends it.
func (e *engine) writeMessage(h *messageWriter, p []byte, part messagePart) error {
	if err := e.lockMessage(h); err != nil {
		return err
	}
	defer func() {
		if h.over.Load() {
			h.ctx = nil // the slab would keep it
		}
	}()
	m := &e.wr.parts.get().msg
	var err error
	switch {
	case m.typ == MessageText && (!m.text.Write(p) || part == endPart && !m.text.Complete()):
		err = errTextNotUTF8
	case part == addPart:
		err = e.addToMessage(h.ctx, p)
	default:
		err = e.finishMessage(h.ctx)
	}
	switch {
	case err == errTextNotUTF8:
		if m.form == compressed {
			e.wr.comp.Discard()
		}
		// The close frame comes before those who wait for the message to end.
		first := e.beginFailure(StatusInternalError, err)
		e.endMessage()
		e.unlockWrite()
		if first {
			e.finishSoon()
		}
		return err
	case err != nil:
		err = e.dropMessage(err)
	case part == endPart:
		e.endMessage()
	}
	e.unlockWrite()
	return err
}

// lockMessage takes the gate for the message of h.
func (e *engine) lockMessage(h *messageWriter) error {
	w := &e.wr
	if h.over.Load() {
		if e.life.phase() != phaseOpen {
			return e.life.err()
		}
		return errStaleWriter
	}
	if err := w.gate.lock(h.ctx, nil); err != nil {
		switch {
		case e.life.phase() != phaseOpen:
			return e.life.err()
		case h.begun.Load():
			e.shut(h.ctx.Err())
			return e.life.err()
		}
		e.postGiveUp(h)
		return h.ctx.Err()
	}
	e.takePosted()
	var err error
	switch {
	case w.current() != h:
		err = errStaleWriter
		if e.life.phase() != phaseOpen {
			err = e.life.err()
		}
	case w.over():
		err = e.dropMessage(e.canSend())
	case h.ctx.Err() != nil:
		err = e.dropMessage(h.ctx.Err())
	}
	if err != nil {
		e.unlockWrite()
	}
	return err
}

// addToMessage takes p into the message and sends the frames that it fills.
func (e *engine) addToMessage(ctx context.Context, p []byte) error {
	m := &e.wr.parts.get().msg
	if m.form == undecided && m.n+len(p) >= e.deflate.threshold {
		e.compressMessage()
	}
	for len(p) > 0 {
		if m.form == compressed {
			n := min(len(p), maxFrame)
			if err := e.deflatePart(ctx, p[:n]); err != nil {
				return err
			}
			p = p[n:]
			continue
		}
		if m.buf == nil {
			m.buf = bufpool.Get(maxFrame)
		}
		if m.n == maxFrame {
			// Of a message that may yet turn out to be under the threshold,
			// no more than this is held back.
			m.form = plain
			if err := e.sendBuffered(ctx); err != nil {
				return err
			}
		}
		n := copy(m.buf.B[m.n:maxFrame], p)
		m.n += n
		p = p[n:]
	}
	return nil
}

// sendBuffered sends what is buffered of a message that goes on, but for the
// bytes of a character that is not complete: RFC 6455 section 5.6 lets a frame
// end inside a character, but some implementations fail on it.
func (e *engine) sendBuffered(ctx context.Context) error {
	m := &e.wr.parts.get().msg
	n := m.n
	if m.typ == MessageText {
		n -= cutCharacter(m.buf.B[:n])
	}
	if err := e.sendPart(ctx, m.buf.B[:n], addPart); err != nil {
		return err
	}
	m.n = copy(m.buf.B, m.buf.B[n:m.n])
	return nil
}

// cutCharacter returns how many bytes at the end of p are the beginning of a
// character that goes on behind p, which begins valid UTF-8.
func cutCharacter(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// compressMessage begins to compress, with what has been written until now.
func (e *engine) compressMessage() {
	m := &e.wr.parts.get().msg
	held := m.buf
	m.buf = bufpool.Get(2 * maxFrame)
	m.z = m.buf.B[:0]
	m.form = compressed
	comp := e.compressor()
	comp.Begin()
	if held == nil {
		return
	}
	m.z = comp.Write(m.z, held.B[:m.n])
	held.Free()
}

// deflatePart compresses p and sends the frames that come out full.
func (e *engine) deflatePart(ctx context.Context, p []byte) error {
	m := &e.wr.parts.get().msg
	m.z = e.wr.comp.Write(m.z, p)
	return e.sendFull(ctx)
}

// sendFull sends what is compressed, but for what the last frame may hold.
func (e *engine) sendFull(ctx context.Context) error {
	m := &e.wr.parts.get().msg
	for len(m.z) > maxFrame {
		if err := e.sendPart(ctx, m.z[:maxFrame], addPart); err != nil {
			return err
		}
		m.z = m.z[:copy(m.z, m.z[maxFrame:])]
	}
	return nil
}

// finishMessage sends the last frame.
func (e *engine) finishMessage(ctx context.Context) error {
	m := &e.wr.parts.get().msg
	if m.form == compressed {
		m.z = e.wr.comp.End(m.z)
		if err := e.sendFull(ctx); err != nil {
			return err
		}
		return e.sendPart(ctx, m.z, endPart)
	}
	var last []byte
	if m.buf != nil {
		last = m.buf.B[:m.n]
	}
	return e.sendPart(ctx, last, endPart)
}

// sendPart sends a frame of the message.
func (e *engine) sendPart(ctx context.Context, payload []byte, part messagePart) error {
	m := &e.wr.parts.get().msg
	f := frame{payload: payload}
	if !m.by.begun.Load() {
		f.lead = lead(m.typ)
		if m.form == compressed {
			f.lead |= bitRSV1
		}
	}
	if part == endPart {
		f.lead |= bitFin
	}
	taken, err := e.sendFrame(ctx, f, dropRest)
	if taken {
		m.by.begun.Store(true)
	}
	return err
}
