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

// defaultMaxUnread allows bursts, and fails a slow program before the memory of a page is
// exhausted.
const defaultMaxUnread = 16 << 20

// messageCost is the approximate memory of a message in addition to its bytes.
const messageCost = 128

// maxUnread returns the limit of the options, with the default applied. It is
// math.MaxInt64 for no limit.
func (o *DialOptions) maxUnread() int64 {
	switch {
	case o.MaxUnread < 0:
		return math.MaxInt64
	case o.MaxUnread == 0:
		return defaultMaxUnread
	}
	return o.MaxUnread
}

// message is a message that has arrived. The queue owns it, then the call that takes it.
type message struct {
	typ  MessageType
	size int       // number of unread bytes
	rest []byte    // the unread bytes
	left wsjs.Data // in place of rest for a message that was above the read limit on arrival
}

// check returns an error if the message is above the read limit.
func (m *message) check(limit int64) error {
	if limit < 0 || int64(m.size) <= limit {
		return nil
	}
	return fmt.Errorf("%w: %d bytes, %s; %s", ErrMessageTooBig, m.size, tooBig(limit).text, setLimit)
}

// cost is the size of an unread message in the queue.
func (m *message) cost() int64 { return int64(m.size) + messageCost }

// unreadQueue is the queue of messages that have arrived and were not read.
type unreadQueue struct {
	max int64 // limit of size, except for a single message; set by Dial

	mu       sync.Mutex // a leaf
	queue    []*message
	size     int64    // total cost of the messages in queue
	current  *message // the last message taken by a Reader or a NetConn; not in queue
	discards bool     // messages are discarded
}

// push adds a message. It reports false if the message exceeds the limit.
func (q *unreadQueue) push(m *message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.discards {
		return true
	}
	size := q.size + m.cost()
	if len(q.queue) > 0 && size > q.max {
		return false
	}
	q.queue, q.size = append(q.queue, m), size
	return true
}

// discard discards unread messages, and those that arrive later.
func (q *unreadQueue) discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue, q.size, q.discards = nil, 0, true
	if q.openLocked() {
		q.current = nil
	}
}

// openLocked reports whether the current message has not been read to its end.
func (q *unreadQueue) openLocked() bool {
	return q.current != nil && q.current.size > 0
}

// isEmpty reports whether there is nothing to read.
func (q *unreadQueue) isEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queue) == 0 && !q.openLocked()
}

// begun returns the current message if it was not read to its end, or nil.
func (q *unreadQueue) begun() *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.openLocked() {
		return nil
	}
	return q.current
}

// claim says how a message is read.
type claim uint8

const (
	whole  claim = iota // at once
	inPart              // in parts; it becomes the current message
)

// take removes and returns the first message, or nil if there is none. It returns an
// error if the message is above the read limit.
func (q *unreadQueue) take(c claim, limit int64) (*message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.openLocked() {
		return nil, errBetweenMessages
	}
	if len(q.queue) == 0 {
		return nil, nil
	}
	m := q.queue[0]
	if err := m.check(limit); err != nil {
		return nil, err
	}
	if !m.left.IsZero() {
		m.rest, m.left = m.left.Bytes(), wsjs.Data{}
	}
	q.queue[0] = nil
	q.queue = q.queue[1:]
	q.size -= m.cost()
	q.current = nil
	if c == inPart {
		q.current = m
	}
	return m, nil
}

// read copies from m, if that is the current message.
func (q *unreadQueue) read(m *message, p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.current != m {
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

// received handles the message event. It copies the bytes at once, for the reasons that
// package wsjs gives, unless the message is above the read limit.
func (e *engine) received(data wsjs.Data, err error) {
	if e.life.state() != stateOpen {
		return
	}
	if err != nil {
		// Earlier messages can still be read.
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
	if e.unread.push(m) {
		e.life.wake()
		return
	}
	// Earlier messages can still be read.
	err = fmt.Errorf("%w: more than %d bytes are unread", ErrMessageTooBig, e.unread.max)
	e.beginClose(StatusMessageTooBig, "too much waits to be read", endReason{byViolation, err})
}

// next waits for a message.
func (e *engine) next(ctx context.Context, c claim) (*message, error) {
	began := e.life.beginRead()
	for {
		// No message arrives after the end, so read the state before the queue.
		now := e.life.state()
		if now != stateOpen && e.unread.isEmpty() {
			return nil, e.life.err(began)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := e.unread.take(c, e.readLimit.Load())
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

// awaitMessage waits until the queue may have a message, or the connection is not open.
func (e *engine) awaitMessage(ctx context.Context) error {
	now, changed := e.life.watch()
	if now != stateOpen || !e.unread.isEmpty() {
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read returns the next message. The slice is the copy made on arrival.
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

// messageReader is the handle of a message that is being read. The whole message has
// arrived, so Read does not block.
type messageReader struct {
	e *engine
	m *message
}

func (r *messageReader) Read(p []byte) (int, error) {
	began := r.e.life.beginRead()
	n, err := r.e.unread.read(r.m, p)
	if err == errStaleReader {
		if r.e.life.state() != stateOpen {
			err = r.e.life.errInside(began)
		}
		err = opError("read", err)
	}
	return n, err
}

// read reads the payloads of successive messages of one type. It skips empty messages.
func (s *byteStream) read(ctx context.Context, typ MessageType, p []byte) (int, error) {
	e := (*engine)(s)
	for {
		if err := ctx.Err(); err != nil && e.life.state() == stateOpen {
			return 0, err
		}
		m := e.unread.begun()
		if m == nil {
			var err error
			if m, err = e.next(ctx, inPart); err == errBetweenMessages {
				continue // a concurrent call took the message
			} else if err != nil {
				return 0, err
			}
		}
		if m.typ != typ {
			e.refuse(ctx, StatusUnsupportedData, wrongMessage(m.typ, typ))
			return 0, e.life.err(underWay)
		}
		n, err := e.unread.read(m, p)
		if err == nil {
			return n, nil
		}
		// The message has ended, perhaps by a concurrent call.
	}
}
