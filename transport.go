//go:build !js

package websocket

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
)

// transport is what the engine needs of the byte stream under it. Calls that
// read are made by the holder of the read lock, calls that write by the holder
// of the write side's gate; the others at any time.
//
// A context that ends during a call makes it return errInterrupted with what
// was read or written until then. It may be called again.
type transport interface {
	// read waits until there are bytes and reads them into p.
	read(ctx context.Context, p []byte) (int, error)
	// readInto is read into an empty inbox, which takes its block only when
	// there are bytes to put into it.
	readInto(ctx context.Context, in *inbox) error
	// write writes p.
	write(ctx context.Context, p []byte) (int, error)
	// writeBoth writes head and then body, in one system call if it can.
	writeBoth(ctx context.Context, head, body []byte) (int, error)
	// writeNow writes what can be written without waiting.
	writeNow(p []byte) (int, error)
	// closeWrite tells the peer that nothing will follow, as far as the
	// stream can.
	closeWrite()
	// close ends the stream at once. Calls under way return an error.
	close()
	// forgetRead and forgetWrite unregister from the contexts of earlier
	// calls.
	forgetRead()
	forgetWrite()

	localAddr() net.Addr
	remoteAddr() net.Addr
}

// stream is the transport over HTTP/1.1: the connection that was hijacked, or
// the body of the response with status 101.
type stream struct {
	rwc  io.ReadWriteCloser
	conn net.Conn        // deadlines, addresses; nil where nobody reported it
	raw  syscall.RawConn // for the system calls without a buffer; nil where there are none

	rd, wr  watch
	first   *bufpool.Block // where raw is nil: what a read waits with, from the first one on
	reading rawReading     // where it is not
}

// firstRead is how many bytes a stream without raw waits with.
const firstRead = 128

// joinLimit is up to which size header and payload are copied together where
// there are no vectored writes.
const joinLimit = 16 << 10

// newStream makes a transport of rwc. conn is the connection below it, or nil,
// which is left without deadlines.
func newStream(rwc io.ReadWriteCloser, conn net.Conn) *stream {
	if conn == nil {
		conn, _ = rwc.(net.Conn)
	}
	s := &stream{rwc: rwc, conn: conn}
	s.rd.target = (*readDirection)(s)
	s.wr.target = (*writeDirection)(s)
	// What can only be interrupted by closing it must not be between calls.
	s.rd.keeps = conn != nil && conn.SetDeadline(time.Time{}) == nil
	s.wr.keeps = s.rd.keeps
	s.openRaw()
	return s
}

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// readDirection and writeDirection are what a stream's watches interrupt.
type (
	readDirection  stream
	writeDirection stream
)

func (s *readDirection) interrupt() {
	if s.conn == nil || s.conn.SetReadDeadline(aLongTimeAgo) != nil {
		(*stream)(s).close()
	}
}

func (s *readDirection) resume() {
	if s.conn != nil {
		s.conn.SetReadDeadline(time.Time{})
	}
}

func (s *writeDirection) interrupt() {
	if s.conn == nil || s.conn.SetWriteDeadline(aLongTimeAgo) != nil {
		(*stream)(s).close()
	}
}

func (s *writeDirection) resume() {
	if s.conn != nil {
		s.conn.SetWriteDeadline(time.Time{})
	}
}

func (s *stream) read(ctx context.Context, p []byte) (int, error) {
	if s.raw != nil {
		return s.rawRead(ctx, p, nil)
	}
	if done := ctx.Done(); !s.rd.armed(done) {
		if err := s.rd.turn(ctx, done); err != nil {
			return 0, err
		}
	}
	n, err := s.rwc.Read(p)
	if n > 0 && s.rd.calm() {
		return n, nil // the error comes again
	}
	return n, s.didRead(ctx, n, err)
}

// didRead ends a call that may have blocked, and turns its error into the
// interface's.
func (s *stream) didRead(ctx context.Context, n int, err error) error {
	interrupted := s.rd.disarm()
	switch {
	case n > 0:
		return nil // the error comes again
	case err == nil:
		return io.ErrNoProgress
	case interrupted:
		return interruption(ctx, err)
	}
	return err
}

// didWrite is didRead for the other direction.
func (s *stream) didWrite(ctx context.Context, err error) error {
	if !s.wr.disarm() || err == nil {
		return err
	}
	err = interruption(ctx, err)
	if _, ok := s.conn.(*tls.Conn); ok && err == errInterrupted {
		return errCutOff
	}
	return err
}

// interruption says what err means after an interrupt. A stream that has no
// deadlines was closed by it.
func interruption(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errInterrupted
	}
	if ctx.Err() != nil {
		return &severed{ctx.Err()}
	}
	return err
}

// severed is the error of a call on a stream that had to be closed to
// interrupt it.
type severed struct{ cause error }

func (s *severed) Error() string { return s.cause.Error() }
func (s *severed) Unwrap() error { return s.cause }

func (s *stream) readInto(ctx context.Context, in *inbox) error {
	if s.raw != nil {
		_, err := s.rawRead(ctx, nil, in)
		return err
	}
	// The payload of a large frame is better read to where it belongs.
	if in.ample > 0 && in.frame <= bufpool.MinBlock {
		in.take()
		n, err := s.read(ctx, in.block.B)
		if in.got(n, len(in.block.B)); n == 0 {
			in.release()
		}
		return err
	}
	if s.first == nil {
		s.first = bufpool.NewOwned(firstRead)
	}
	first := s.first.Use(firstRead)
	room := first.B
	if in.frame > bufpool.MinBlock {
		room = room[:in.head] // and none of what can be read to its place
	}
	n, err := s.read(ctx, room)
	if n > 0 {
		in.block = first
	} else {
		first.Free()
	}
	in.got(n, len(room))
	return err
}

func (s *stream) write(ctx context.Context, p []byte) (int, error) {
	if s.raw != nil {
		return s.rawWrite(ctx, p, blocking)
	}
	if done := ctx.Done(); !s.wr.armed(done) {
		if err := s.wr.turn(ctx, done); err != nil {
			return 0, err
		}
	}
	n, err := s.rwc.Write(p)
	if !s.wr.calm() {
		err = s.didWrite(ctx, err)
	}
	return n, err
}

func (s *stream) writeBoth(ctx context.Context, head, body []byte) (int, error) {
	switch {
	case s.raw != nil:
		return s.rawWriteBoth(ctx, head, body)
	case len(head)+len(body) <= joinLimit:
		b := bufpool.Get(len(head) + len(body))
		defer b.Free()
		n := copy(b.B, head)
		n += copy(b.B[n:], body)
		return s.write(ctx, b.B[:n])
	}
	n, err := s.write(ctx, head)
	if err != nil {
		return n, err
	}
	m, err := s.write(ctx, body)
	return n + m, err
}

func (s *stream) writeNow(p []byte) (int, error) {
	if s.raw != nil {
		n, err := s.rawWrite(context.Background(), p, notBlocking)
		if err == errInterrupted {
			err = nil // by the end of an earlier call's context
		}
		return n, err
	}
	return 0, nil // it can't be told whether it would wait
}

func (s *stream) closeWrite() {
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
}

func (s *stream) close() {
	// Close of a TLS connection sends an alert first, for which it waits up to
	// 5 seconds. What has to be said was said by closeWrite.
	if c, ok := s.conn.(*tls.Conn); ok {
		c.NetConn().Close()
	}
	s.rwc.Close()
}

func (s *stream) forgetRead()  { s.rd.close() }
func (s *stream) forgetWrite() { s.wr.close() }

func (s *stream) localAddr() net.Addr {
	if s.conn != nil {
		if a := s.conn.LocalAddr(); a != nil {
			return a
		}
	}
	return unknownAddr("unknown")
}

func (s *stream) remoteAddr() net.Addr {
	if s.conn != nil {
		if a := s.conn.RemoteAddr(); a != nil {
			return a
		}
	}
	return unknownAddr("unknown")
}
