package netstream

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// side is a Stream with the locks of its caller.
type side struct {
	*Stream
	locks *locks
	conn  net.Conn
}

type locks struct{ reading, writing atomic.Bool }

func (l *locks) ReadHeld() bool  { return l.reading.Load() }
func (l *locks) WriteHeld() bool { return l.writing.Load() }

func newSide(t *testing.T, c net.Conn) *side {
	l := new(locks)
	s := &side{New(c, nil, l), l, c}
	t.Cleanup(s.Close)
	return s
}

// read calls Read as a caller does.
func (s *side) read(ctx context.Context, p []byte) (int, error) {
	s.locks.reading.Store(true)
	n, err := s.Read(ctx, p)
	s.locks.reading.Store(false)
	if s.ReadDisturbed() {
		s.locks.reading.Store(true)
		s.MendRead()
		s.locks.reading.Store(false)
	}
	return n, err
}

// write calls Write as a caller does.
func (s *side) write(ctx context.Context, p []byte) (int, error) {
	s.locks.writing.Store(true)
	n, err := s.Write(ctx, p)
	s.locks.writing.Store(false)
	if s.WriteDisturbed() {
		s.locks.writing.Store(true)
		s.MendWrite()
		s.locks.writing.Store(false)
	}
	return n, err
}

// wantRead expects to read text.
func (s *side) wantRead(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	p := make([]byte, 100)
	if n, err := s.read(ctx, p); err != nil || string(p[:n]) != text {
		t.Fatalf("read %q and %v, want %q", p[:n], err, text)
	}
}

// result is the result of a call, with its time.
type result struct {
	n     int
	err   error
	after time.Duration
}

// start makes a call on a goroutine.
func start(call func() (int, error)) <-chan result {
	results := make(chan result, 1)
	began := time.Now()
	go func() {
		n, err := call()
		results <- result{n, err, time.Since(began)}
	}()
	return results
}

func startRead(s *side, ctx context.Context) <-chan result {
	return start(func() (int, error) { return s.read(ctx, make([]byte, 100)) })
}

// startWrite writes more than the stream's capacity.
func startWrite(s *side, ctx context.Context) <-chan result {
	return start(func() (int, error) { return s.write(ctx, make([]byte, 64<<20)) })
}

// bubble runs a test in a bubble, in which waiting takes no time.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// pipe returns an in-memory connection. It declares that writes can continue after a
// deadline.
func pipe(t *testing.T) (c, peer *rawpeer.Stream) {
	c, peer = rawpeer.Pipe(nil)
	t.Cleanup(func() { c.Close(); peer.Close() })
	return c, peer
}

// tcp returns the ends of a TCP connection.
func tcp(t *testing.T) (c, peer *net.TCPConn) {
	return connect(t, "tcp", "127.0.0.1:0").tcp()
}

type ends struct{ c, peer net.Conn }

func (e ends) tcp() (c, peer *net.TCPConn) { return e.c.(*net.TCPConn), e.peer.(*net.TCPConn) }

func connect(t *testing.T, network, address string) ends {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close() })
	return ends{c, peer}
}
