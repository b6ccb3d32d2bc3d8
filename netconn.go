package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// NetConn returns a [net.Conn] over c, for tunneling a byte stream. c must not be
// used by other means afterwards.
//
// Each Write sends one message of the given type. Read returns the payloads of
// successive messages. The size of a message is not limited. A message of the other
// type fails the connection with StatusUnsupportedData.
//
// Deadlines behave as documented for net.Conn. A call whose deadline passes returns
// an error that is [os.ErrDeadlineExceeded] and whose Timeout method returns true.
// The connection stays usable, and the next call continues the stream, also inside a
// message. A Write whose deadline passes returns the number of bytes that were sent,
// or will be sent before later writes as the rest of a frame. A deadline that passes
// during a Write fails the connection over TLS, as documented for crypto/tls, and
// over a net.Conn that is not a *net.TCPConn or *net.UnixConn and does not declare
// its writes resumable.
//
// If the peer closes with StatusNormalClosure or StatusGoingAway, Read returns
// [io.EOF]. If the stream ends without a close frame, it returns an error that is
// [io.ErrUnexpectedEOF]. Close sends a close frame with StatusNormalClosure and
// returns; the network connection is closed after the peer's reply, or after 5
// seconds.
//
// When ctx is done, the connection is closed at once, and reads and writes return the
// error of ctx.
func NetConn(ctx context.Context, c *Conn, msgType MessageType) net.Conn {
	checkContext(ctx)
	c.SetReadLimit(-1)
	nc := &netConn{c: c, typ: msgType, ctx: ctx}
	nc.read.set(time.Time{})
	nc.write.set(time.Time{})
	nc.stop = context.AfterFunc(ctx, func() {
		nc.c.closeNow()
		nc.read.close()
		nc.write.close()
	})
	return nc
}

type netConn struct {
	c    *Conn
	typ  MessageType
	ctx  context.Context // its end closes the connection
	stop func() bool     // unregisters from ctx

	read, write deadline
	closed      atomic.Bool
	eof         atomic.Bool // a Read has returned io.EOF
}

// deadline is a deadline of a net.Conn as a context, which ends when the deadline passes. A
// deadline that is moved before that does not end it: a call under way continues.
type deadline struct {
	mu     sync.Mutex // a leaf; guards the rest
	ctx    context.Context
	cancel context.CancelCauseFunc
	due    time.Time // zero for none
	timer  *time.Timer
	closed bool
}

// deadlineContext is a context whose error is the cause of its end.
type deadlineContext struct{ context.Context }

func (c deadlineContext) Err() error { return context.Cause(c.Context) }

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	if d.ctx == nil || d.ctx.Err() != nil {
		ctx, cancel := context.WithCancelCause(context.Background())
		d.ctx, d.cancel = deadlineContext{ctx}, cancel
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	d.due = t
	switch wait := time.Until(t); {
	case t.IsZero():
	case wait <= 0:
		d.cancel(context.DeadlineExceeded)
	case d.timer == nil:
		d.timer = time.AfterFunc(wait, d.expire)
	default:
		d.timer.Reset(wait)
	}
}

// expire is called by the timer.
func (d *deadline) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.due.IsZero() && !time.Now().Before(d.due) { // else it was moved
		d.cancel(context.DeadlineExceeded)
	}
}

// close ends the context with net.ErrClosed. Later calls of set have no effect.
func (d *deadline) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.cancel(net.ErrClosed)
}

func (d *deadline) context() (_ context.Context, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx, d.closed
}

func (nc *netConn) Read(p []byte) (int, error) {
	ctx, closed := nc.read.context()
	switch {
	case closed:
		return 0, nc.opError("read", net.ErrClosed)
	case nc.eof.Load():
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case ctx.Err() != nil: // a passed deadline counts even if bytes are buffered
		return 0, nc.opError("read", ctx.Err())
	}
	n, err := (*byteStream)(&nc.c.engine).read(ctx, nc.typ, p)
	if err != nil {
		err = nc.readError(err)
	}
	return n, err
}

// readError converts an error of a read to that of a net.Conn.
func (nc *netConn) readError(err error) error {
	switch CloseStatus(err) {
	case StatusNormalClosure, StatusGoingAway:
		if !nc.closed.Load() {
			nc.eof.Store(true)
			return io.EOF
		}
	}
	if closed, ok := errors.AsType[*closedError](err); ok && errors.Is(err, io.EOF) {
		inside := *closed
		inside.why.cause = io.ErrUnexpectedEOF
		err = &inside
	}
	return nc.opError("read", err)
}

func (nc *netConn) Write(p []byte) (int, error) {
	ctx, closed := nc.write.context()
	if closed {
		return 0, nc.opError("write", net.ErrClosed)
	}
	n, err := (*byteStream)(&nc.c.engine).write(ctx, nc.typ, p)
	switch {
	case err == nil:
		return n, nil
	case err == net.ErrClosed && n == len(p) && n > 0:
		return n, nil // Close sends the rest first
	}
	return n, nc.opError("write", err)
}

// opError returns err as a *net.OpError.
func (nc *netConn) opError(op string, err error) error {
	switch {
	case nc.ctx.Err() != nil && !nc.closed.Load():
		// Wrap it: its Timeout method must not tell the caller to try again.
		err = &closedError{why: endReason{byFailure, nc.ctx.Err()}, isClosed: true}
	case err == context.DeadlineExceeded:
		err = os.ErrDeadlineExceeded
	case op == "write":
		if closed, ok := errors.AsType[*closedError](err); ok && closed.why == (endReason{byContext, context.DeadlineExceeded}) {
			err = &cutByDeadline{closed}
		}
	}
	return &net.OpError{Op: op, Net: "websocket", Source: nc.LocalAddr(), Addr: nc.RemoteAddr(), Err: err}
}

// cutByDeadline is the error of a write after a deadline has ended the connection, because
// the stream below could not continue. Like the error of a [crypto/tls.Conn] then, it
// is a timeout.
type cutByDeadline struct{ *closedError }

func (*cutByDeadline) Timeout() bool   { return true }
func (*cutByDeadline) Temporary() bool { return false }

// Unwrap returns the error of the connection.
func (e *cutByDeadline) Unwrap() error { return e.closedError }

func (nc *netConn) Close() error {
	if nc.closed.Swap(true) {
		return nil
	}
	nc.stop()
	nc.read.close()
	nc.write.close()
	return opError("close", nc.c.closeAsync(StatusNormalClosure, ""))
}

func (nc *netConn) LocalAddr() net.Addr  { return nc.c.LocalAddr() }
func (nc *netConn) RemoteAddr() net.Addr { return nc.c.RemoteAddr() }

func (nc *netConn) SetDeadline(t time.Time) error {
	nc.read.set(t)
	nc.write.set(t)
	return nil
}

func (nc *netConn) SetReadDeadline(t time.Time) error {
	nc.read.set(t)
	return nil
}

func (nc *netConn) SetWriteDeadline(t time.Time) error {
	nc.write.set(t)
	return nil
}
