//go:build !js

package websocket_test

import (
	"net/http"
	"runtime"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// TestNoGoroutinePerConnection: connections that are open, and have been used
// with contexts that can be canceled, have no goroutine of their own, but for
// CloseRead's.
func TestNoGoroutinePerConnection(t *testing.T) {
	const conns = 20
	open := map[string]func(*testing.T) func() (*websocket.Conn, *rawpeer.Peer){
		"client": func(t *testing.T) func() (*websocket.Conn, *rawpeer.Peer) {
			n := rawpeer.ListenLoopback(t)
			return func() (*websocket.Conn, *rawpeer.Peer) { return conntest.Dialed(t, n, new(conntest.Options)) }
		},
		// One server for all of them, whose handlers return.
		"server": func(t *testing.T) func() (*websocket.Conn, *rawpeer.Peer) {
			n := rawpeer.ListenLoopback(t)
			accepted := make(chan *websocket.Conn)
			rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, nil)
				if err != nil {
					t.Error(err)
				}
				accepted <- c
			}))
			return func() (*websocket.Conn, *rawpeer.Peer) {
				conn, err := n.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p := rawpeer.ClientHandshake(t, conn, nil)
				return <-accepted, p
			}
		},
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			open := open(t)
			for range conns {
				c, p := open()
				defer c.CloseNow()
				for range 3 {
					p.SendText("hello")
					conntest.WantText(t, c, "hello")
					if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
						t.Fatal(err)
					}
					p.WantText("hello")
				}
			}
			// What began for the handshakes ends.
			deadline := time.Now().Add(10 * time.Second)
			for runtime.NumGoroutine() >= conns {
				if time.Now().After(deadline) {
					b := make([]byte, 1<<20)
					t.Fatalf("%d goroutines for %d connections:\n%s", runtime.NumGoroutine(), conns, b[:runtime.Stack(b, true)])
				}
				runtime.Gosched()
			}
		})
	}
}
