package rawpeer

import (
	"errors"
	"io"
	"math"
	"net"
	"sync/atomic"
	"time"
)

// Capacities of one direction of a [Pipe], for [PipeOptions] and
// [Stream.SetCapacity].
const (
	// DefaultCapacity is about the capacity of a socket's buffers.
	DefaultCapacity = 64 << 10

	// Rendezvous means no buffer: a Write returns when all its bytes have been read.
	Rendezvous = -1

	// Unbounded means that a Write never waits for the reader.
	Unbounded = math.MaxInt
)

// PipeOptions configure a [Pipe]. nil is valid.
type PipeOptions struct {
	// Capacity is the number of written and not yet read bytes that one direction
	// holds. Zero means DefaultCapacity, negative means Rendezvous.
	Capacity int

	// ResetUnread makes Close reset the stream if received bytes have not been read, as
	// TCP does: bytes on their way to the peer are lost. Otherwise Close never loses
	// written bytes.
	ResetUnread bool
}

func (o *PipeOptions) capacity() int {
	if o == nil {
		return DefaultCapacity
	}
	return capacityOf(o.Capacity)
}

func (o *PipeOptions) resetUnread() bool { return o != nil && o.ResetUnread }

// capacityOf applies the default. In a half, zero means a rendezvous.
func capacityOf(n int) int {
	switch {
	case n == 0:
		return DefaultCapacity
	case n < 0:
		return 0
	}
	return n
}

// Addr is the address of an end of a [Pipe]. It has the form host:port, for code that
// splits it.
type Addr string

// The addresses of a pipe's two ends, from a block for documentation (RFC 5737).
const (
	ClientAddr Addr = "192.0.2.1:49152"
	ServerAddr Addr = "192.0.2.2:80"
)

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the address.
func (a Addr) String() string { return string(a) }

// A Stream is one end of an in-memory full-duplex stream of bytes: a net.Conn that
// behaves as a TCP connection does, with fault injection.
//
// All methods may be called concurrently. They block only in sync.Cond.Wait, so in a
// testing/synctest bubble they are durably blocked. Both ends must be used in the
// bubble that created them.
//
// Errors except io.EOF are *net.OpError. They wrap os.ErrDeadlineExceeded,
// net.ErrClosed after this end was closed, ErrReset after the peer's Reset, or
// ErrBrokenPipe for a Write to a peer that no longer reads.
type Stream struct {
	in, out     *half
	peer        *Stream
	local       Addr
	remote      Addr
	resetUnread bool

	closed atomic.Bool // Close, Reset
}

var _ net.Conn = (*Stream)(nil)

// Pipe returns the two ends of a stream. They differ only in their addresses.
func Pipe(opts *PipeOptions) (client, server *Stream) {
	up, down := newHalf(opts.capacity()), newHalf(opts.capacity())
	client = &Stream{in: down, out: up, local: ClientAddr, remote: ServerAddr, resetUnread: opts.resetUnread()}
	server = &Stream{in: up, out: down, local: ServerAddr, remote: ClientAddr, resetUnread: opts.resetUnread()}
	client.peer, server.peer = server, client
	return client, server
}

// Peer returns the other end.
func (s *Stream) Peer() *Stream { return s.peer }

// Read reads available bytes. It blocks while there are none, and returns io.EOF after
// all bytes that the peer wrote before its Close or CloseWrite.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.in.read(p)
	return n, s.opError("read", err)
}

// Write returns when the stream has accepted all of p, or with the number of bytes
// accepted before it failed. It does not retain p. Concurrent Writes do not interleave.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.out.write(p)
	return n, s.opError("write", err)
}

// Close closes both directions. The peer reads the bytes written before, then io.EOF;
// its Writes fail. Blocked calls of this end return net.ErrClosed.
func (s *Stream) Close() error {
	if s.closed.Swap(true) {
		return s.opError("close", net.ErrClosed)
	}
	if unread := s.in.closeReader(); unread > 0 && s.resetUnread {
		s.in.reset()
		s.out.reset()
	}
	s.out.closeWriter()
	return nil
}

// CloseWrite closes the direction from this end to the peer, which reads the bytes
// written before, then io.EOF. The other direction stays open.
func (s *Stream) CloseWrite() error {
	if s.closed.Load() {
		return s.opError("close", net.ErrClosed)
	}
	s.out.finish()
	return nil
}

// Reset closes both directions at once, as closing a TCP connection after SetLinger(0)
// does. Unread bytes are lost, and all blocked and later calls of the peer fail with
// ErrReset.
func (s *Stream) Reset() {
	s.closed.Store(true)
	s.in.closeReader()
	s.in.reset()
	s.out.reset() // first, or the peer could take the close for a clean end
	s.out.closeWriter()
}

// LocalAddr returns ClientAddr or ServerAddr.
func (s *Stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr returns the peer's LocalAddr.
func (s *Stream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline sets both deadlines.
func (s *Stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline sets when blocked and later Reads fail. A Read after the deadline
// fails at once, even if bytes are available. The zero time means never.
func (s *Stream) SetReadDeadline(t time.Time) error {
	if s.closed.Load() {
		return s.opError("set", net.ErrClosed)
	}
	s.in.setDeadline(&s.in.readDeadline, t)
	return nil
}

// SetWriteDeadline is SetReadDeadline for Writes. A Write that fails this way may have
// written some of its bytes, and returns their number.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	if s.closed.Load() {
		return s.opError("set", net.ErrClosed)
	}
	s.out.setDeadline(&s.out.writeDeadline, t)
	return nil
}

// ResumesWrites declares that after a Write failed at its deadline, the next Write can
// continue, as on a socket.
func (s *Stream) ResumesWrites() bool { return true }

func (s *Stream) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: s.local.Network(), Source: s.local, Addr: s.remote, Err: err}
}
