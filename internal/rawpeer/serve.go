package rawpeer

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"testing"
)

// URL is the URL of the server for clients of [HTTPClient], which connect to the same
// server for every host.
const URL = "ws://server.test/"

// HTTPClient returns a client that dials n. It keeps no idle connections: nothing of it
// remains after its requests.
func HTTPClient(n Network) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return n.Dial(ctx)
		},
	}}
}

// Serve runs an http.Server with handler on n. The test's cleanup closes n, the server, and
// all connections, including hijacked ones, and waits for the handlers. The number of headers
// is not limited. A handler that panics fails the test, except with http.ErrAbortHandler.
func Serve(tb testing.TB, n Network, handler http.Handler) {
	s := &server{tb: tb}
	s.changed.L = &s.mu
	srv := &http.Server{
		Handler:   s.watch(handler),
		ErrorLog:  log.New(s, "", 0),
		ConnState: s.track,
	}
	takeManyHeaders(srv)
	serving := GoErr(tb, func() error { return srv.Serve(n) })
	tb.Cleanup(func() {
		srv.Close()
		if err := serving.Err(); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			tb.Errorf("serving: %v", err)
		}
		GoErr(tb, s.end).Err()
	})
}

// server is the state of Serve in addition to the http.Server.
type server struct {
	tb testing.TB

	mu       sync.Mutex
	changed  sync.Cond // L is mu; broadcast after each change of the fields below
	running  int       // handlers
	hijacked []net.Conn
	ended    bool // no handler may begin, and no output is accepted
}

// begin counts a handler, until done. It reports whether the handler may run.
func (s *server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.running++
	return true
}

func (s *server) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.changed.Broadcast()
}

// end closes the hijacked connections, and waits for the handlers.
func (s *server) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for closed := 0; ; {
		for _, conn := range s.hijacked[closed:] {
			conn.Close()
		}
		closed = len(s.hijacked)
		if s.running == 0 {
			return nil
		}
		s.changed.Wait()
	}
}

// watch makes panics of h fail the test.
func (s *server) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.begin() {
			panic(http.ErrAbortHandler) // not printed by net/http
		}
		defer s.done()
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				s.tb.Errorf("the handler panicked: %v\n%s", v, debug.Stack())
				panic(http.ErrAbortHandler)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

func (s *server) track(conn net.Conn, state http.ConnState) {
	if state != http.StateHijacked {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hijacked = append(s.hijacked, conn)
	s.changed.Broadcast()
}

// Write receives the http.Server's log.
func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.tb.Logf("http.Server: %s", p)
	}
	return len(p), nil
}

// Accepted returns the connection that accept makes from a request, in a handler of an
// http.Server on n, and the peer that is its client. The handler returns when accept
// does. A nil n means Listen(nil).
//
// On a Listen(nil), as on TCP, a Write of more than 64 KiB blocks until the peer reads.
// A test with a single goroutine uses Unbounded, or [Go].
//
// The test fails if accept returns an error; for such handshakes use [Serve] and
// [ClientHandshake]. The test must close the connection.
func Accepted[C any](tb testing.TB, n Network, accept func(http.ResponseWriter, *http.Request) (C, error), opts *ClientOptions) (C, *Peer) {
	tb.Helper()
	if n == nil {
		n = Listen(nil)
	}
	call := newCall[C](tb)
	Serve(tb, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call.finish(accept(w, r))
	}))
	conn, err := n.Dial(tb.Context())
	if err != nil {
		tb.Fatalf("dialing: %v", err)
	}
	p := ClientHandshake(tb, conn, opts)
	return call.Want(), p
}

// Dialed returns the connection that dial makes, and the peer that is its server. dial
// is called with a URL and an http.Client that connects to the peer. A nil n means
// Listen(nil).
//
// The test fails if dial returns an error; for such handshakes use [Go], [HTTPClient]
// and [ServeHandshake]. The test must close the connection.
func Dialed[C any](tb testing.TB, n Network, dial func(ctx context.Context, url string, client *http.Client) (C, error), opts *ServerOptions) (C, *Peer) {
	tb.Helper()
	if n == nil {
		n = Listen(nil)
	}
	tb.Cleanup(func() { n.Close() })
	call := Go(tb, func() (C, error) {
		conn, err := dial(tb.Context(), URL, HTTPClient(n))
		if err != nil {
			n.Close() // no client is coming
		}
		return conn, err
	})
	conn, err := n.Accept()
	if err != nil {
		tb.Fatalf("dial returned %v before it connected", call.Err())
	}
	p := ServeHandshake(tb, conn, opts)
	return call.Want(), p
}
