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

// NetConn makes a [net.Conn] of c, for tunneling a byte stream. It takes c
// over: use c no more.
//
// Each Write is one message of the given type; reads go on from message to
// message and return what is there. There is no limit of the message size. A
// message of the other type closes the connection with
// StatusUnsupportedData.
//
// Deadlines work as net.Conn says: a call that runs into one returns an error
// that is [os.ErrDeadlineExceeded] and whose Timeout method returns true, the
// connection stays usable, and the stream goes on where it stopped, also in
// the middle of a message. A Write that runs into one returns the number of
// bytes that were sent or, being part of a frame that was begun, will be sent
// ahead of what is written next. A deadline that passes during a Write
// is final over TLS, as crypto/tls says, and over a net.Conn of any other type than
// *net.TCPConn and *net.UnixConn that does not declare that its writes can go on.
//
// A close with StatusNormalClosure or StatusGoingAway by the peer reads as
// [io.EOF]; a peer that is gone without a close frame as
// [io.ErrUnexpectedEOF]. Close sends a close frame with StatusNormalClosure
// and returns; the peer has 5 seconds to answer before the network connection
// is closed.
//
// When ctx ends the connection is closed at once, and reads and writes return
// its error.
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

// deadline turns the deadlines of a net.Conn, which may be moved while a call
// is under way, into contexts, which may not: a moved deadline cancels the
// context of the old one, and the call goes on with the new one's.
type deadline struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
	closed bool
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	if d.cancel != nil {
		d.cancel()
	}
	if t.IsZero() {
		d.ctx, d.cancel = context.WithCancel(context.Background())
	} else {
		d.ctx, d.cancel = context.WithDeadline(context.Background(), t)
	}
}

// close ends the current context for good.
func (d *deadline) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.cancel()
}

func (d *deadline) context() (_ context.Context, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx, d.closed
}

func (nc *netConn) Read(p []byte) (int, error) {
	for {
		ctx, closed := nc.read.context()
		if closed {
			return 0, nc.opError("read", net.ErrClosed)
		}
		if nc.eof.Load() {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := 0, ctx.Err() // it counts where the bytes are there, too
		if err == nil {
			n, err = (*byteStream)(&nc.c.engine).read(ctx, nc.typ, p)
		}
		switch {
		case err == nil:
			return n, nil
		case err == context.Canceled && ctx.Err() == err:
			// The deadline was moved, or the connection closed.
			continue
		}
		return n, nc.readError(err)
	}
}

// readError turns the ends of a stream into what a net.Conn returns.
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
	sent := 0
	for {
		ctx, closed := nc.write.context()
		if closed {
			return sent, nc.opError("write", net.ErrClosed)
		}
		n, err := (*byteStream)(&nc.c.engine).write(ctx, nc.typ, p[sent:])
		sent += n
		switch {
		case err == nil:
			return sent, nil
		case err == context.Canceled && ctx.Err() == err:
			if sent == len(p) && sent > 0 {
				return sent, nil
			}
			continue
		}
		return sent, nc.opError("write", err)
	}
}

// opError gives err the form of package net's errors.
func (nc *netConn) opError(op string, err error) error {
	switch {
	case nc.ctx.Err() != nil && !nc.closed.Load():
		// Not as it is: this is no timeout after which one tries again.
		err = &closedError{why: endReason{byContext, nc.ctx.Err()}, isClosed: true}
	case err == context.DeadlineExceeded:
		err = os.ErrDeadlineExceeded
	}
	return &net.OpError{Op: op, Net: "websocket", Source: nc.LocalAddr(), Addr: nc.RemoteAddr(), Err: err}
}

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
