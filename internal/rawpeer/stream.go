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
	// DefaultCapacity is about what a socket's buffers hold.
	DefaultCapacity = 64 << 10

	// Rendezvous means no buffer: a Write returns when all was read.
	Rendezvous = -1

	// Unbounded means that a Write never waits for the reader.
	Unbounded = math.MaxInt
)

// PipeOptions say how a [Pipe] behaves. nil is valid.
type PipeOptions struct {
	// Capacity is how many bytes one direction holds that were written and
	// not read. Zero means DefaultCapacity, negative means Rendezvous.
	Capacity int

	// ResetUnread makes Close reset the stream when bytes had come that were
	// not read, as TCP does: what was on its way to the peer is lost.
	// Otherwise Close never loses what was written before it.
	ResetUnread bool
}

func (o *PipeOptions) capacity() int {
	if o == nil {
		return DefaultCapacity
	}
	return capacityOf(o.Capacity)
}

func (o *PipeOptions) resetUnread() bool { return o != nil && o.ResetUnread }

// capacityOf applies the default. A half takes zero for a rendezvous.
func capacityOf(n int) int {
	switch {
	case n == 0:
		return DefaultCapacity
	case n < 0:
		return 0
	}
	return n
}

// Addr is the address of an end of a [Pipe]. It has the form host:port, for
// code that splits it.
type Addr string

// The addresses of a pipe's two ends, from the block for documentation
// (RFC 5737).
const (
	ClientAddr Addr = "192.0.2.1:49152"
	ServerAddr Addr = "192.0.2.2:80"
)

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the address.
func (a Addr) String() string { return string(a) }

// A Stream is one end of a full-duplex stream of bytes in memory: a net.Conn
// that behaves as a TCP connection does, and that can be made to misbehave.
//
// All methods may be called at the same time. All waiting is done in
// sync.Cond.Wait, so that a testing/synctest bubble sees it as durably blocked.
// Both ends must be used in the bubble that made them.
//
// Errors come as *net.OpError, apart from io.EOF. What is in them is
// os.ErrDeadlineExceeded, net.ErrClosed after this end was closed,
// ErrReset after the peer's Reset, and ErrBrokenPipe for a Write
// that the peer will not read.
type Stream struct {
	in, out     *half
	peer        *Stream
	local       Addr
	remote      Addr
	resetUnread bool

	closed atomic.Bool // Close, Reset
}

var _ net.Conn = (*Stream)(nil)

// Pipe returns the two ends of a stream. They differ in their addresses alone.
func Pipe(opts *PipeOptions) (client, server *Stream) {
	up, down := newHalf(opts.capacity()), newHalf(opts.capacity())
	client = &Stream{in: down, out: up, local: ClientAddr, remote: ServerAddr, resetUnread: opts.resetUnread()}
	server = &Stream{in: up, out: down, local: ServerAddr, remote: ClientAddr, resetUnread: opts.resetUnread()}
	client.peer, server.peer = server, client
	return client, server
}

// Peer returns the other end.
func (s *Stream) Peer() *Stream { return s.peer }

// Read reads what has come. It waits while nothing has, and returns io.EOF
// when all was read that the peer wrote before its Close or CloseWrite.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.in.read(p)
	return n, s.opError("read", err)
}

// Write returns when the stream took all of p, or with how much it took before
// it failed. p is not kept. Concurrent Writes do not mix their bytes.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.out.write(p)
	return n, s.opError("write", err)
}

// Close ends both directions. The peer reads what was written before, then
// io.EOF; its Writes fail. Blocked calls of this end return net.ErrClosed.
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

// CloseWrite ends the direction from this end to the peer, which reads what
// was written before, then io.EOF. The other direction goes on.
func (s *Stream) CloseWrite() error {
	if s.closed.Load() {
		return s.opError("close", net.ErrClosed)
	}
	s.out.finish()
	return nil
}

// Reset ends both directions at once, as a TCP connection does that is closed
// with SetLinger(0). What the peer did not read is lost, and the peer's calls
// fail with ErrReset, those that wait now and all later ones.
func (s *Stream) Reset() {
	s.closed.Store(true)
	s.in.closeReader()
	s.in.reset()
	s.out.reset() // first, or the peer could take what follows for an end
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

// SetReadDeadline sets when Reads fail, those that wait now and later ones. A
// Read after the deadline fails at once, even where there are bytes to read.
// The zero time means never.
func (s *Stream) SetReadDeadline(t time.Time) error {
	if s.closed.Load() {
		return s.opError("set", net.ErrClosed)
	}
	s.in.setDeadline(&s.in.readDeadline, t)
	return nil
}

// SetWriteDeadline is SetReadDeadline for Writes. A Write that fails so may
// have written a part of its bytes, and says how many.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	if s.closed.Load() {
		return s.opError("set", net.ErrClosed)
	}
	s.out.setDeadline(&s.out.writeDeadline, t)
	return nil
}

// ResumesWrites declares that another Write can go on where one ended that ran into
// its deadline, as it can on a socket.
func (s *Stream) ResumesWrites() bool { return true }

func (s *Stream) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: s.local.Network(), Source: s.local, Addr: s.remote, Err: err}
}
