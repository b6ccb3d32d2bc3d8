// Package netstream provides the byte stream of a connection: a net.Conn, or a writable
// body of an HTTP response, with calls that a context can end.
//
// A [Stream] has two directions, reading and writing. Each has a lock of the program, whose
// holder makes one call at a time. A call that may block takes a context. When the context
// ends, the call is interrupted and returns one of three errors, since the state after an
// interrupt depends on the stream:
//
//   - [ErrInterrupted]: the direction is as it was, and the count says how many bytes
//     passed. The call can be repeated.
//   - [ErrCutOff]: the direction must not be used again. A write may have sent more
//     bytes than its count says. The other direction is not affected.
//   - [*ClosedError]: nothing but closing the stream could end the call.
//
// A net.Conn is interrupted by a deadline in the past. Reads can continue after that.
// Writes can continue with a *net.TCPConn or a *net.UnixConn, and with types that declare
// it (see [Resumer]); others are cut off, because for example a TLS record can't be
// completed later. A stream that implements [Interrupter] needs no deadlines.
//
// Deadlines are not trusted where the type is not known. There are types whose
// setters do nothing, return an error, wait for the call under way, or are undone by
// a Read that sets a deadline of its own. A call that is still blocked 500 ms after
// the interrupt gets the deadline once more, and 500 ms later the stream is closed.
// A setter that returns an error has the stream closed at once. So each call returns
// soon after its context has ended, if Close of the stream makes blocked calls
// return.
//
// A context that ends between calls sets nothing on the stream: see package ctxwatch,
// ReadDisturbed and MendRead.
//
// On Unix systems the sockets of a *net.TCPConn and a *net.UnixConn are read and
// written by system calls. The first one is tried before anything else, the context
// is registered with only if it would block, and a read holds no buffer while it
// waits. On Linux, short calls do not involve the scheduler. The body of net/http for a
// response that switches protocols is read until it has given what net/http had read
// ahead. From then on, and for writes from the beginning, the socket below it is used.
package netstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/ctxwatch"
)

// The errors of calls that were interrupted by their context.
var (
	ErrInterrupted = errors.New("interrupted by its context")
	ErrCutOff      = errors.New("cut off by its context")
)

// ClosedError is the error of a call that could be ended only by closing the stream.
type ClosedError struct {
	Cause error // of the context
}

func (e *ClosedError) Error() string { return e.Cause.Error() }
func (e *ClosedError) Unwrap() error { return e.Cause }

// errInvalidCount is the error of a stream that breaks the rules of io.Reader or
// io.Writer.
var errInvalidCount = errors.New("stream returned an invalid count")

// Outcome is the state of a direction after an interrupt.
type Outcome uint8

const (
	Resumable Outcome = iota + 1 // calls work again after Resume
	CutOff                       // the direction must not be used again
	Closed                       // the stream was closed
)

// Interrupter is implemented by streams that are interrupted by other means than
// deadlines. Its methods are called at any time, also while no call is under way.
// A call that returns an error after an interrupt has been interrupted, whatever
// the error is.
type Interrupter interface {
	InterruptRead() Outcome
	ResumeRead()
	InterruptWrite() Outcome
	ResumeWrite()
}

// Resumer is implemented by net.Conns to declare that a Write whose deadline has passed
// returns the number of bytes that it wrote, and that another Write can continue there.
type Resumer interface {
	ResumesWrites() bool
}

// Owner reports the state of the locks under which the calls of a Stream are made. Its
// methods may be called at any time, and are atomic like those of the locks.
type Owner interface {
	ReadHeld() bool  // the lock for reading is held
	WriteHeld() bool // the lock for writing is held
}

// Stream is a stream of bytes. Read, ReadBlock, MendRead and ForgetRead are called
// by the holder of the lock for reading; Write, WriteBoth, WriteNow, MendWrite and
// ForgetWrite by the holder of the lock for writing; the other methods at any time.
type Stream struct {
	// Set by New, then only read.
	rwc   io.ReadWriteCloser
	conn  net.Conn        // for deadlines and addresses; nil if there is none
	raw   syscall.RawConn // for system calls; nil if they are not possible
	owner Owner

	rd, wr  direction
	reading rawReading     // if raw is not nil; owned by the holder of the lock for reading
	first   *bufpool.Block // likewise; the block that was read into, or, if raw is nil or ahead is set, the Stream's own block

	closed atomic.Bool
	kind   kind // set by New
	// ahead: rwc may have bytes that were read ahead, and is read in place of the
	// socket. Owned by the holder of the lock for reading.
	ahead bool

	// The outcomes of the last interrupts. Each is changed while the direction's Watch
	// interrupts or resumes, and read after its End.
	outcomes struct{ read, write Outcome }
}

// FirstRead is the maximum size of a read that waits without a pooled block.
const FirstRead = 128

// maxEmptyReads is the maximum number of successive Reads that return neither bytes nor
// an error. One of a net.Pipe does that for an empty Write.
const maxEmptyReads = 100

// joinLimit is the size up to which WriteBoth copies head and body together, on streams
// without vectored writes.
const joinLimit = 16 << 10

// New makes a Stream of rwc. conn is the connection below it, or nil. If it is nil
// and rwc is a net.Conn, or if rwc is a socket, rwc is used in its place. Deadlines that
// were set on it are removed.
func New(rwc io.ReadWriteCloser, conn net.Conn, owner Owner) *Stream {
	if conn == nil || isSocket(rwc) {
		conn, _ = rwc.(net.Conn)
	}
	s := &Stream{rwc: rwc, conn: conn, owner: owner, kind: kindOf(rwc, conn)}
	keeping := ctxwatch.Release
	// A stream that is interrupted by closing it must not be interrupted between calls,
	// so no context stays registered.
	if conn != nil && conn.SetDeadline(time.Time{}) == nil && !s.kind.is(interrupter) {
		keeping = ctxwatch.Keep
	}
	s.rd.Init((*readTarget)(s), keeping)
	s.wr.Init((*writeTarget)(s), keeping)
	switch {
	case isSocket(rwc):
		s.openRaw(rwc)
	case isSocket(conn) && passesOn(rwc, conn):
		s.openRaw(conn)
		s.ahead = s.raw != nil && hasReadAhead(rwc)
	}
	return s
}

// IsSocket reports whether each read and write is a system call on a socket.
func (s *Stream) IsSocket() bool { return s.raw != nil }

// Read waits until bytes are available and reads them into p, which is not empty. The
// error is nil if bytes were read.
func (s *Stream) Read(ctx context.Context, p []byte) (int, error) {
	if s.raw != nil {
		if s.ahead {
			return s.readAhead(ctx, p)
		}
		n, _, err := s.rawRead(ctx, p, 0)
		return n, err
	}
	if done := ctx.Done(); !s.rd.TryBegin(done) && !s.rd.Register(ctx, done) {
		return 0, ErrInterrupted
	}
	n, err := s.rwc.Read(p)
	if uint(n-1) < uint(len(p)) && s.rd.TryEnd() {
		return n, nil // the next call returns an error again
	}
	return s.didRead(ctx, p, n, err)
}

// readAhead is Read of a body of net/http that may have bytes that were read ahead. A
// read that does not fill p has taken the last of them, or has read from the socket. From
// then on the socket is read directly.
func (s *Stream) readAhead(ctx context.Context, p []byte) (int, error) {
	if done := ctx.Done(); !s.rd.TryBegin(done) && !s.rd.Register(ctx, done) {
		return 0, ErrInterrupted
	}
	n, err := s.rwc.Read(p)
	if n < len(p) || !hasReadAhead(s.rwc) {
		s.ahead = false
		s.first = nil // the caller may still have that block
	}
	return s.didRead(ctx, p, n, err)
}

// didRead is the part of Read after a call of rwc.Read that returned n and err, unless
// that returned bytes and was not interrupted.
func (s *Stream) didRead(ctx context.Context, p []byte, n int, err error) (int, error) {
	for empty := 1; n == 0 && err == nil; empty++ {
		if empty > maxEmptyReads {
			err = io.ErrNoProgress
			break
		}
		n, err = s.rwc.Read(p)
	}
	if n < 0 || n > len(p) {
		n, err = 0, errInvalidCount
	}
	wasInterrupted := s.rd.End()
	switch {
	case n > 0:
		return n, nil
	case wasInterrupted:
		err = s.interruption(ctx, s.outcomes.read, err)
	}
	return 0, err
}

// ReadBlock waits until bytes are available and reads them into a block, which the caller
// must free. The bytes are b.B[:n]. If n is len(b.B), more may be available.
//
// While a socket is waited for, there is no block. The block that is taken afterwards has
// at least size bytes. Another stream must be read to wait for it: the first read is of
// first bytes at most, into memory that the Stream owns. If first is 0, it is into a
// pooled block of at least size bytes.
func (s *Stream) ReadBlock(ctx context.Context, size, first int) (b *bufpool.Block, n int, err error) {
	switch {
	case s.raw != nil && !s.ahead:
		n, b, err = s.rawRead(ctx, nil, size)
		return b, n, err
	case first == 0:
		b = bufpool.Get(size)
	default:
		if s.first == nil {
			s.first = bufpool.NewOwned(FirstRead)
		}
		b = s.first.Use(min(first, FirstRead))
	}
	if n, err = s.Read(ctx, b.B); n == 0 {
		b.Free()
		return nil, 0, err
	}
	return b, n, nil
}

// Write writes p. If it returns no error, all of p was written.
func (s *Stream) Write(ctx context.Context, p []byte) (int, error) {
	if s.raw != nil {
		return s.rawWrite(ctx, p, blocking)
	}
	if done := ctx.Done(); !s.wr.TryBegin(done) && !s.wr.Register(ctx, done) {
		return 0, ErrInterrupted
	}
	n, err := s.rwc.Write(p)
	if n == len(p) && err == nil && s.wr.TryEnd() {
		return n, nil
	}
	return s.didWrite(ctx, p, n, err)
}

// didWrite is the part of Write after a call of rwc.Write that returned n and err, unless
// that wrote p and was not interrupted.
func (s *Stream) didWrite(ctx context.Context, p []byte, n int, err error) (int, error) {
	switch {
	case n < 0 || n > len(p):
		n, err = 0, errInvalidCount
	case n < len(p) && err == nil:
		err = io.ErrShortWrite
	}
	if s.wr.End() && err != nil {
		err = s.interruption(ctx, s.outcomes.write, err)
	}
	return n, err
}

// WriteBoth writes head and then body, with one system call if it can.
func (s *Stream) WriteBoth(ctx context.Context, head, body []byte) (int, error) {
	switch {
	case len(head) == 0:
		return s.Write(ctx, body)
	case s.raw != nil:
		return s.rawWriteBoth(ctx, head, body)
	case len(head)+len(body) <= joinLimit:
		b := bufpool.Get(len(head) + len(body))
		defer b.Free()
		n := copy(b.B, head)
		n += copy(b.B[n:], body)
		return s.Write(ctx, b.B[:n])
	}
	n, err := s.Write(ctx, head)
	if err != nil {
		return n, err
	}
	m, err := s.Write(ctx, body)
	return n + m, err
}

// WriteNow writes as much of p as can be written without waiting, which is nothing
// if that is not known. The error is nil if it would have to wait for the rest.
func (s *Stream) WriteNow(p []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	n, err := s.rawWrite(context.Background(), p, notBlocking)
	if err == ErrInterrupted {
		err = nil // by the context of an earlier call
	}
	return n, err
}

// ReadDisturbed and WriteDisturbed report whether a context registered with the direction
// has ended. A goroutine that has released the direction's lock must call them; if the
// result is true and the lock is free, it must acquire the lock and call MendRead or
// MendWrite. The context may have ended while the lock was held and no call was under
// way, and have left the direction interrupted.
func (s *Stream) ReadDisturbed() bool  { return s.rd.Raised() }
func (s *Stream) WriteDisturbed() bool { return s.wr.Raised() }

// MendRead and MendWrite unregister a context that has ended, and resume the direction if
// it was interrupted.
func (s *Stream) MendRead()  { s.rd.Mend() }
func (s *Stream) MendWrite() { s.wr.Mend() }

// ForgetRead and ForgetWrite unregister the contexts of earlier calls.
func (s *Stream) ForgetRead()  { s.rd.Close() }
func (s *Stream) ForgetWrite() { s.wr.Close() }

// Secure reports whether the stream is a TLS connection of package crypto/tls.
func (s *Stream) Secure() bool {
	_, ok := s.conn.(*tls.Conn)
	return ok
}

// LocalAddr and RemoteAddr return the addresses of the stream, or nil if they are
// not known.
func (s *Stream) LocalAddr() net.Addr {
	if s.conn == nil {
		return nil
	}
	return s.conn.LocalAddr()
}

func (s *Stream) RemoteAddr() net.Addr {
	if s.conn == nil {
		return nil
	}
	return s.conn.RemoteAddr()
}
