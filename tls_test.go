//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// overTLS makes a server's and a client's connection over TLS, in real time.
func overTLS(t *testing.T) (server, client *websocket.Conn) {
	t.Helper()
	accepted := make(chan *websocket.Conn, 1)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}))
	t.Cleanup(s.Close)
	client, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() {
		server.CloseNow()
		client.CloseNow()
	})
	return server, client
}

// Over TLS there is no way back from a write that was interrupted: it ends the
// connection, at once.
func TestWriteContextEndsOverTLS(t *testing.T) {
	c, _ := overTLS(t)
	var err error
	for !errors.Is(err, net.ErrClosed) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err = c.Write(ctx, websocket.MessageBinary, make([]byte, 3000))
		cancel()
		if err != nil { // on a busy machine, perhaps before the write began
			conntest.WantError(t, err, context.DeadlineExceeded)
		}
	}
	conntest.WantClosed(t, err, -1)
	conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageBinary, nil), -1)
	_, _, err = c.Read(t.Context())
	conntest.WantClosed(t, err, -1)
}

// For NetConn it ends the writing.
func TestNetConnWriteDeadlineOverTLS(t *testing.T) {
	server, client := overTLS(t)
	nc := websocket.NetConn(t.Context(), server, websocket.MessageBinary)
	defer nc.Close()
	var err error
	for err == nil {
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = nc.Write(make([]byte, 60_000))
	}
	conntest.WantError(t, err, os.ErrDeadlineExceeded)
	nc.SetWriteDeadline(time.Time{})
	if n, err := nc.Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("wrote %d bytes, %v, after a timeout over TLS", n, err)
	} else {
		conntest.WantError(t, err, net.ErrClosed)
	}
	// What the other side sends still arrives.
	if err := client.Write(t.Context(), websocket.MessageBinary, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	conntest.WantRead(t, nc, "hello")
}
