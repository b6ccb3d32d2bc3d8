package moving

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	gorilla "github.com/gorilla/websocket"
)

// limit bounds short operations, on a busy machine.
const limit = 20 * time.Second

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// serve starts a server with the handler, and returns its URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1)
}

// accepted returns a server's connection, and gorilla's client connection to it.
func accepted(t *testing.T, opts *websocket.AcceptOptions, dialer *gorilla.Dialer) (*websocket.Conn, *gorilla.Conn) {
	t.Helper()
	return acceptedBy(t, dialer, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		return websocket.Accept(w, r, opts)
	})
}

func acceptedBy(t *testing.T, dialer *gorilla.Dialer, accept func(http.ResponseWriter, *http.Request) (*websocket.Conn, error)) (*websocket.Conn, *gorilla.Conn) {
	t.Helper()
	conns := make(chan *websocket.Conn, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := accept(w, r)
		if err != nil {
			t.Error(err)
		}
		conns <- c
	})
	if dialer == nil {
		dialer = new(gorilla.Dialer)
	}
	peer, _, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	peer.SetReadDeadline(time.Now().Add(limit))
	c := <-conns
	if c == nil {
		t.FailNow()
	}
	t.Cleanup(func() { c.CloseNow() })
	return c, peer
}

// wantText reads a message at gorilla's end.
func wantText(t *testing.T, peer *gorilla.Conn, want string) {
	t.Helper()
	if _, p, err := peer.ReadMessage(); err != nil || string(p) != want {
		t.Errorf("got %q, %v, want %q", p, err, want)
	}
}
