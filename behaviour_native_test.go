//go:build !js

package websocket_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/behaviour"
	"github.com/bhojpur/api/internal/conntest"
)

func platform() string { return "native" }

// startHost starts the server, for as long as the test runs.
func startHost(t *testing.T) host {
	b := behaviour.NewServer()
	s := httptest.NewServer(b)
	t.Cleanup(func() {
		b.Close()
		s.CloseClientConnections()
		s.Close()
	})
	return host(strings.Replace(s.URL, "http", "ws", 1))
}

// onWire returns the code that a client sends for the one that it closes with.
func onWire(code websocket.StatusCode) websocket.StatusCode { return code }

const (
	// abandoned is how a server sees CloseNow.
	abandoned = "no close frame"
	// keepsMark: a byte order mark stays at the beginning of a text.
	keepsMark = true
	// noticesClose: a close frame counts before the peer ends the stream.
	noticesClose = true
)

func wantNothingHeld(testing.TB, *websocket.Conn) {}

// callbacks is nothing that there is here.
type callbacks struct{}

func countCallbacks(*testing.T) callbacks { return callbacks{} }
func (callbacks) wantReleased(*testing.T) {}

// onlyHere is what a browser does in another way.
var onlyHere = []clientTest{
	{"native/MaxUnread is ignored", testMaxUnreadIgnored},
	{"native/no subprotocol is selected", testNoSubprotocol},
}

// What is not read stays with the network.
func testMaxUnreadIgnored(t *testing.T, h host) {
	c, _ := h.dialWith(t, "/flood?messages=100&size=10000", &websocket.DialOptions{MaxUnread: 1})
	for i := range 100 {
		p := make([]byte, 10_000)
		p[0] = byte(i)
		conntest.WantMessage(t, c, websocket.MessageBinary, string(p))
	}
}

// The server is free to select none of the subprotocols.
func testNoSubprotocol(t *testing.T, h host) {
	c, _ := h.dialWith(t, "/echo", &websocket.DialOptions{Subprotocols: []string{"one"}})
	if got := c.Subprotocol(); got != "" {
		t.Errorf("got subprotocol %q, want none", got)
	}
}
