package rawpeer

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
)

// A Network connects the code under test and the peer: a listener, and a function that
// dials it.
type Network interface {
	net.Listener

	// Dial connects to the listener.
	Dial(ctx context.Context) (net.Conn, error)
}

// A Listener is a [Network] of in-memory streams. Its connections are of type *Stream
// on both sides.
type Listener struct {
	opts *PipeOptions

	mu      sync.Mutex
	changed sync.Cond // L is mu; broadcast after each change of the fields below
	waiting []*Stream // dialed and not yet accepted
	closed  bool
}

// Listen returns a Listener that creates its streams with opts. Closing it resets the
// connections that were not accepted, and no others.
func Listen(opts *PipeOptions) *Listener {
	l := &Listener{opts: opts}
	l.changed.L = &l.mu
	return l
}

// Dial connects, without waiting for Accept, as TCP does.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, &net.OpError{Op: "dial", Net: ServerAddr.Network(), Addr: ServerAddr, Err: os.NewSyscallError("connect", ErrRefused)}
	}
	client, server := Pipe(l.opts)
	l.waiting = append(l.waiting, server)
	l.changed.Broadcast()
	return client, nil
}

// Accept waits for a connection, until Close.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: ServerAddr.Network(), Addr: ServerAddr, Err: net.ErrClosed}
	}
	server := l.waiting[0]
	l.waiting = l.waiting[1:]
	return server, nil
}

// Close makes Accept and Dial fail.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: ServerAddr.Network(), Addr: ServerAddr, Err: net.ErrClosed}
	}
	l.closed = true
	for _, server := range l.waiting {
		server.Reset()
	}
	l.waiting = nil
	l.changed.Broadcast()
	return nil
}

// Addr returns ServerAddr.
func (l *Listener) Addr() net.Addr { return ServerAddr }

// loopback is a Network of TCP connections.
type loopback struct{ net.Listener }

func (l loopback) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, l.Addr().Network(), l.Addr().String())
}

// ListenLoopback returns a [Network] of TCP connections, which are of type
// *net.TCPConn on both sides. It is closed in the test's cleanup. It is not
// for bubbles.
func ListenLoopback(tb testing.TB) Network {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listening on the loopback network: %v", err)
	}
	tb.Cleanup(func() { l.Close() })
	return loopback{l}
}

// Connect returns both ends of a connection on n, which are closed in the
// test's cleanup.
func Connect(tb testing.TB, n Network) (client, server net.Conn) {
	tb.Helper()
	client, err := n.Dial(tb.Context())
	if err != nil {
		tb.Fatalf("dialing: %v", err)
	}
	tb.Cleanup(func() { client.Close() })
	server, err = n.Accept()
	if err != nil {
		tb.Fatalf("accepting: %v", err)
	}
	tb.Cleanup(func() { server.Close() })
	return client, server
}
