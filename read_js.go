package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/bhojpur/api/internal/wsjs"
)

// defaultMaxUnread is for some bursts, and for a program to notice that it is
// slow before a page's memory is gone.
const defaultMaxUnread = 16 << 20

// messageCost is what a message takes besides its bytes, about.
const messageCost = 128

// maxUnread returns the bound that the options stand for: math.MaxInt64 where
// there is none.
func (o *DialOptions) maxUnread() int64 {
	switch {
	case o.MaxUnread < 0:
		return math.MaxInt64
	case o.MaxUnread == 0:
		return defaultMaxUnread
	}
	return o.MaxUnread
}

// message is one that has arrived. The inbox owns it, then who took it.
type message struct {
	typ  MessageType
	size int       // of what has not been read
	rest []byte    // what has not been read
	left wsjs.Data // the same, instead of rest, where it was above the read limit on arrival
}

// check returns an error if the message is above the limit.
func (m *message) check(limit int64) error {
	if limit < 0 || int64(m.size) <= limit {
		return nil
	}
	return fmt.Errorf("%w: %d bytes, %s; %s", ErrMessageTooBig, m.size, tooBig(limit).text, setLimit)
}

// cost is what a message that nothing was read of counts for in the inbox.
func (m *message) cost() int64 { return int64(m.size) + messageCost }

// inbox is what has arrived and was not read.
type inbox struct {
	max int64 // of size, unless a message is alone; set by Dial

	mu      sync.Mutex // a leaf
	queue   []*message
	size    int64    // of the messages in queue, in bytes, their costs included
	current *message // what a Reader or a stream is at, or was last; not in queue
	isShut  bool     // nothing is kept any more
}

// push adds a message. It reports false if that is one too many.
func (in *inbox) push(m *message) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.isShut {
		return true
	}
	size := in.size + m.cost()
	if len(in.queue) > 0 && size > in.max {
		return false
	}
	in.queue, in.size = append(in.queue, m), size
	return true
}

// shut drops what was not read.
func (in *inbox) shut() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue, in.size, in.isShut = nil, 0, true
	if in.openLocked() {
		in.current = nil
	}
}

// openLocked reports whether the current message has not been read to its end.
func (in *inbox) openLocked() bool {
	return in.current != nil && in.current.size > 0
}

// isEmpty reports whether there is nothing to read.
func (in *inbox) isEmpty() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.queue) == 0 && !in.openLocked()
}

// begun returns the message that has not been read to its end, or nil.
func (in *inbox) begun() *message {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.openLocked() {
		return nil
	}
	return in.current
}

// claim says what a message is taken for.
type claim uint8

const (
	whole  claim = iota // it is read at once
	inPart              // nothing else is read until its end
)

// take removes the first message, unless it is above the limit. It returns nil
// if there is none.
func (in *inbox) take(c claim, limit int64) (*message, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.openLocked() {
		return nil, errBetweenMessages
	}
	if len(in.queue) == 0 {
		return nil, nil
	}
	m := in.queue[0]
	if err := m.check(limit); err != nil {
		return nil, err
	}
	if !m.left.IsZero() {
		m.rest, m.left = m.left.Bytes(), wsjs.Data{}
	}
	in.queue[0] = nil
	in.queue = in.queue[1:]
	in.size -= m.cost()
	in.current = nil
	if c == inPart {
		in.current = m
	}
	return m, nil
}

// read copies from m, if that is the current message.
func (in *inbox) read(m *message, p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.current != m {
		return 0, errStaleReader
	}
	if len(m.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	m.size -= n
	return n, nil
}

// received is the socket's message event. The bytes are copied at once, for
// the reasons that package wsjs gives, but those of a message that will hardly be read.
func (e *engine) received(data wsjs.Data, err error) {
	if e.life.state() != stateOpen {
		return
	}
	if err != nil {
		// What came before can still be read.
		e.beginClose(StatusInternalError, "", endReason{byFailure, err})
		return
	}
	m := &message{typ: MessageBinary, size: data.Len()}
	if data.IsText {
		m.typ = MessageText
	}
	if m.check(e.readLimit.Load()) == nil {
		m.rest = data.Bytes()
	} else {
		m.left = data
	}
	if e.inbox.push(m) {
		e.life.wake()
		return
	}
	// What came before can still be read.
	err = fmt.Errorf("%w: over %d bytes wait to be read", ErrMessageTooBig, e.inbox.max)
	e.beginClose(StatusMessageTooBig, "too much waits to be read", endReason{byViolation, err})
}

// next waits for a message.
func (e *engine) next(ctx context.Context, c claim) (*message, error) {
	began := e.life.beginRead()
	for {
		// Nothing comes after the connection has ended, so what the inbox is
		// found to hold after this is all.
		now := e.life.state()
		if now != stateOpen && e.inbox.isEmpty() {
			return nil, e.life.err(began)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := e.inbox.take(c, e.readLimit.Load())
		switch {
		case errors.Is(err, ErrMessageTooBig):
			e.fail(StatusMessageTooBig, tooBig(e.readLimit.Load()).text, endReason{byViolation, err})
			return nil, e.life.err(began)
		case m != nil || err != nil:
			return m, err
		}
		if err := e.awaitMessage(ctx); err != nil {
			return nil, err
		}
	}
}

// awaitMessage waits until the inbox may have a message, or the connection is
// no longer open.
func (e *engine) awaitMessage(ctx context.Context) error {
	now, changed := e.life.watch()
	if now != stateOpen || !e.inbox.isEmpty() {
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read returns the next message. Its bytes are the ones that were copied on
// arrival.
func (e *engine) read(ctx context.Context) (MessageType, []byte, error) {
	m, err := e.next(ctx, whole)
	if err != nil {
		return 0, nil, err
	}
	return m.typ, m.rest, nil
}

// appendRead appends the next message to dst.
func (e *engine) appendRead(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	m, err := e.next(ctx, whole)
	if err != nil {
		return 0, dst, err
	}
	return m.typ, append(dst, m.rest...), nil
}

func (e *engine) reader(ctx context.Context) (MessageType, io.Reader, error) {
	m, err := e.next(ctx, inPart)
	if err != nil {
		return 0, nil, err
	}
	return m.typ, &messageReader{e: e, m: m}, nil
}

// messageReader is what Reader returns. The whole message is there: it never
// waits, and needs no context.
type messageReader struct {
	e *engine
	m *message
}

func (r *messageReader) Read(p []byte) (int, error) {
	began := r.e.life.beginRead()
	n, err := r.e.inbox.read(r.m, p)
	if err == errStaleReader {
		if r.e.life.state() != stateOpen {
			err = r.e.life.errInside(began)
		}
		err = opError("read", err)
	}
	return n, err
}

// read reads what there is of a stream whose parts are messages of one
// type. An empty message is no part of it.
func (s *byteStream) read(ctx context.Context, typ MessageType, p []byte) (int, error) {
	e := (*engine)(s)
	for {
		if err := ctx.Err(); err != nil && e.life.state() == stateOpen {
			return 0, err
		}
		m := e.inbox.begun()
		if m == nil {
			var err error
			if m, err = e.next(ctx, inPart); err == errBetweenMessages {
				continue // another call was quicker
			} else if err != nil {
				return 0, err
			}
		}
		if m.typ != typ {
			e.refuse(ctx, StatusUnsupportedData, wrongMessage(m.typ, typ))
			return 0, e.life.err(underWay)
		}
		n, err := e.inbox.read(m, p)
		if err == nil {
			return n, nil
		}
		// The message is at its end, or another call has taken it there.
	}
}
