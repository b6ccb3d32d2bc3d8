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

// URL is where the server is for the clients of [HTTPClient], which dial the
// same whatever a URL's host is.
const URL = "ws://server.test/"

// HTTPClient returns a client whose connections are made by n. It keeps none
// for a later request: nothing of it remains when its requests are done.
func HTTPClient(n Network) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return n.Dial(ctx)
		},
	}}
}

// Serve serves handler with an http.Server on n. The test's cleanup closes n,
// the server, and every connection on it, hijacked ones too, and waits for the
// handlers. It takes any number of headers. A handler that panics fails the test, unless with
// http.ErrAbortHandler.
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

// server is what Serve knows beside the http.Server.
type server struct {
	tb testing.TB

	mu       sync.Mutex
	changed  sync.Cond // L is mu; broadcast after every change of what follows
	running  int       // handlers
	hijacked []net.Conn
	ended    bool // no handler may begin, no output is taken
}

// begin counts a handler, until done. It reports whether it may run.
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

// end closes the connections that the http.Server knows no more, and waits for
// the handlers.
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
			panic(http.ErrAbortHandler) // which net/http does not print
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

// Write takes the http.Server's log.
func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.tb.Logf("http.Server: %s", p)
	}
	return len(p), nil
}

// Accepted returns a connection that accept made of a request, in a handler of
// an http.Server on n, and the peer that is its client. The handler returns
// when accept does. nil for n means Listen(nil).
//
// On a Listen(nil), as on TCP, a Write of more than 64 KiB waits until the peer
// reads: a test that does one after the other takes Unbounded, or [Go].
//
// The test fails when accept returns an error; for such handshakes use [Serve]
// and [ClientHandshake]. It must close the connection that it gets.
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

// Dialed returns a connection that dial made, and the peer that is its server.
// dial gets a URL and an http.Client that leads to the peer. nil for n means
// Listen(nil).
//
// The test fails when dial returns an error; for such handshakes use [Go],
// [HTTPClient] and [ServeHandshake]. It must close the connection that it gets.
func Dialed[C any](tb testing.TB, n Network, dial func(ctx context.Context, url string, client *http.Client) (C, error), opts *ServerOptions) (C, *Peer) {
	tb.Helper()
	if n == nil {
		n = Listen(nil)
	}
	tb.Cleanup(func() { n.Close() })
	call := Go(tb, func() (C, error) {
		conn, err := dial(tb.Context(), URL, HTTPClient(n))
		if err != nil {
			n.Close() // nobody will come
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
