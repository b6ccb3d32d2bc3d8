package netstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/bent"
)

// tlsLimit bounds calls over TLS that must not wait for the peer: less than the 5
// seconds that package crypto/tls waits for an alert to be sent.
const tlsLimit = 4 * time.Second

// counting is a TLS connection in another type, as in byte counters.
type counting struct {
	*tls.Conn
	closes *atomic.Int32
}

func (c counting) Close() error {
	c.closes.Add(1)
	return c.Conn.Close()
}

// hidden is a TLS connection in another type without a NetConn method.
type hidden struct {
	net.Conn
	closes *atomic.Int32
}

func (c hidden) Close() error {
	c.closes.Add(1)
	return c.Conn.Close()
}

var certificate = sync.OnceValue(func() tls.Certificate {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0]
})

// overTLS returns the ends of a TLS connection. below wraps the TCP connection of the
// first end.
func overTLS(t *testing.T, below func(net.Conn) net.Conn) (c, peer *tls.Conn) {
	t.Helper()
	e := connect(t, "tcp", "127.0.0.1:0")
	c = tls.Server(below(e.c), &tls.Config{Certificates: []tls.Certificate{certificate()}})
	peer = tls.Client(e.peer, &tls.Config{InsecureSkipVerify: true})
	handshake := make(chan error, 1)
	go func() { handshake <- peer.Handshake() }()
	if err := errors.Join(c.Handshake(), <-handshake); err != nil {
		t.Fatal(err)
	}
	return c, peer
}

// tlsTypes are the types in which a TLS connection is wrapped.
var tlsTypes = []struct {
	name  string
	wrap  func(*tls.Conn, *atomic.Int32) net.Conn
	outer int32 // how often the type itself is closed
}{
	{"plain", func(c *tls.Conn, _ *atomic.Int32) net.Conn { return c }, 0},
	{"embedded", func(c *tls.Conn, n *atomic.Int32) net.Conn { return counting{c, n} }, 1},
	{"hidden", func(c *tls.Conn, n *atomic.Int32) net.Conn { return hidden{c, n} }, 1},
}

func inTime(t *testing.T, what string, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	select {
	case <-done:
	case <-time.After(tlsLimit):
		t.Errorf("%s waits", what)
		<-done
	}
}

// A write over TLS that its context interrupts is the last one, in any wrapper type,
// and does not delay Close. Each type is closed once.
func TestCloseOverTLSAfterWriteCutOff(t *testing.T) {
	for _, test := range tlsTypes {
		t.Run(test.name, func(t *testing.T) {
			var outer, below atomic.Int32
			c, _ := overTLS(t, func(c net.Conn) net.Conn { return bent.Counted{Conn: c, Closes: &below} })
			s := newSide(t, test.wrap(c, &outer))
			var err error
			for err == nil {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				_, err = s.write(ctx, make([]byte, 1<<20))
				cancel()
				if err == ErrInterrupted {
					err = nil // on a busy machine, before the write began
				}
			}
			if err != ErrCutOff {
				t.Errorf("got %v, want ErrCutOff", err)
			}
			inTime(t, "Close", s.Close)
			s.Close()
			wantClosed(t, &outer, test.outer, &below)
		})
	}
}

// The same while a write waits for the peer.
func TestCloseOverTLSWhileWriting(t *testing.T) {
	for _, test := range tlsTypes {
		t.Run(test.name, func(t *testing.T) {
			var outer, below atomic.Int32
			c, _ := overTLS(t, func(c net.Conn) net.Conn { return bent.Counted{Conn: c, Closes: &below} })
			s := newSide(t, test.wrap(c, &outer))
			writing := startWrite(s, t.Context())
			for !s.locks.writing.Load() {
				runtime.Gosched()
			}
			inTime(t, "Close", s.Close)
			if got := <-writing; got.err == nil {
				t.Error("a write succeeded that the peer did not read")
			}
			wantClosed(t, &outer, test.outer, &below)
		})
	}
}

func TestCloseOverTLSWhileReading(t *testing.T) {
	for _, test := range tlsTypes {
		t.Run(test.name, func(t *testing.T) {
			var outer, below atomic.Int32
			c, _ := overTLS(t, func(c net.Conn) net.Conn { return bent.Counted{Conn: c, Closes: &below} })
			s := newSide(t, test.wrap(c, &outer))
			reading := startRead(s, t.Context())
			for !s.locks.reading.Load() {
				runtime.Gosched()
			}
			inTime(t, "Close", s.Close)
			if got := <-reading; got.err == nil {
				t.Error("a read succeeded of nothing")
			}
			wantClosed(t, &outer, test.outer, &below)
		})
	}
}

// wantClosed expects a type to be closed a number of times, and the connection below it
// once.
func wantClosed(t *testing.T, outer *atomic.Int32, times int32, below *atomic.Int32) {
	t.Helper()
	if n := outer.Load(); n != times {
		t.Errorf("the type itself was closed %d times, want %d", n, times)
	}
	if n := below.Load(); n != 1 {
		t.Errorf("the connection below TLS was closed %d times, want once", n)
	}
}

// The body of a client's response that switches protocols is recognized as the
// connection, and closed like it.
func TestBodyOfSwitchedProtocols(t *testing.T) {
	var mu sync.Mutex
	var accepted []net.Conn
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		accepted = append(accepted, c)
		mu.Unlock()
		buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello")
		buffered.Flush()
	})
	for _, test := range []struct {
		name  string
		start func(*httptest.Server)
		want  kind
	}{
		{"TCP", (*httptest.Server).Start, trusted | resumer},
		{"TLS", (*httptest.Server).StartTLS, secure},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(handler)
			test.start(server)
			defer server.Close()
			var closes atomic.Int32
			var dialed net.Conn
			transport := server.Client().Transport.(*http.Transport).Clone()
			plain := test.want.is(trusted)
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				if err == nil && !plain {
					c = bent.Counted{Conn: c, Closes: &closes}
				}
				dialed = c
				return c, err
			}
			request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			var reported net.Conn
			request = withConn(request, &reported)
			request.Header.Set("Connection", "Upgrade")
			request.Header.Set("Upgrade", "echo")
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			l := new(locks)
			s := &side{New(response.Body.(io.ReadWriteCloser), reported, l), l, dialed}
			if s.kind != test.want {
				t.Errorf("got kind %#x, want %#x", s.kind, test.want)
			}
			s.wantRead(t, t.Context(), "hello")
			s.Close()
			if n := closes.Load(); !plain && n != 1 {
				t.Errorf("the connection was closed %d times, want once", n)
			}
			if _, err := dialed.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want the connection closed", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, c := range accepted {
				c.Close()
			}
		})
	}
}

// A body of a different connection is not used in place of the reported one.
func TestBodyOfAnother(t *testing.T) {
	c, _ := tcp(t)
	body := struct {
		*bufio.Reader
		io.WriteCloser
	}{bufio.NewReader(c), c}
	if k := kindOf(body, c); k != 0 {
		t.Errorf("got kind %#x, want none", k)
	}
	type ReadWriteCloser = io.ReadWriteCloser
	if k := kindOf(&struct{ ReadWriteCloser }{c}, c); k != 0 {
		t.Errorf("got kind %#x of a type that embeds the connection, want none", k)
	}
}

// closesSlowly is a connection whose Close takes long, as with TLS, and cannot be
// accelerated.
type closesSlowly struct {
	net.Conn
	closing chan struct{}
}

func (c closesSlowly) Close() error {
	<-c.closing
	return c.Conn.Close()
}

func TestCloseDoesNotWait(t *testing.T) {
	bubble(t, "bubble", func(t *testing.T) {
		c, _ := pipe(t)
		slow := closesSlowly{c, make(chan struct{})}
		l := new(locks)
		s := New(slow, nil, l)
		s.Close()
		close(slow.closing)
		synctest.Wait()
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want the connection closed", err)
		}
	})
}

// Close also ends a read under way if Close of the connection does not, and later
// reads, even if an interrupt of the read ends at the same time.
func TestCloseEndsReads(t *testing.T) {
	bubble(t, "under way", func(t *testing.T) {
		c, _ := pipe(t)
		s := newSide(t, bent.ClosesWrites{Conn: c})
		read := startRead(s, t.Context())
		synctest.Wait()
		s.Close()
		if got := <-read; got.err == nil {
			t.Error("the read returned no error")
		}
		if got := <-startRead(s, t.Context()); got.err == nil {
			t.Error("the next read returned no error")
		}
	})
	bubble(t, "interrupted", func(t *testing.T) {
		c, _ := pipe(t)
		resumed := &onResume{Conn: bent.ClosesWrites{Conn: c}}
		s := newSide(t, resumed)
		resumed.do = s.Close
		ctx, cancel := context.WithTimeout(t.Context(), untilEnd)
		defer cancel()
		if got := <-startRead(s, ctx); got.err == nil {
			t.Error("the read returned no error")
		}
		if got := <-startRead(s, t.Context()); got.err == nil {
			t.Error("the next read returned no error")
		}
	})
}

// onResume calls do before its read deadline is removed.
type onResume struct {
	net.Conn
	do func()
}

func (c *onResume) SetReadDeadline(t time.Time) error {
	if t.IsZero() && c.do != nil {
		c.do()
		synctest.Wait()
	}
	return c.Conn.SetReadDeadline(t)
}

// A stream that is dropped without being closed is collected, even if contexts used
// with it live on.
func TestDroppedStreamIsCollected(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	collected := make(chan struct{})
	func() {
		c, peer := net.Pipe()
		l := new(locks)
		s := &side{New(c, nil, l), l, c}
		go func() {
			for range 3 {
				peer.Write([]byte("hello"))
				io.ReadFull(peer, make([]byte, 5))
			}
		}()
		for range 3 {
			s.wantRead(t, ctx, "hello")
			if _, err := s.write(ctx, []byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		runtime.AddCleanup(s.Stream, func(c chan struct{}) { close(c) }, collected)
	}()
	limit := time.After(time.Minute)
	for {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-limit:
			t.Fatal("the context keeps the stream alive")
		default:
			runtime.Gosched()
		}
	}
}
