//go:build !js

package behaviour

import (
	"net/http/httptest"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// TestBehaviour runs the table natively. The root package's tests run it in browsers.
func TestBehaviour(t *testing.T) {
	b := NewServer()
	s := httptest.NewServer(b)
	t.Cleanup(func() {
		b.Close()
		s.CloseClientConnections()
		s.Close()
	})
	Run(t, &Host{
		Base: strings.Replace(s.URL, "http", "ws", 1),
		Platform: Platform{
			Name:            "native",
			Abandoned:       "no close frame",
			KeepsMark:       true,
			NoticesClose:    true,
			Pings:           true,
			OnWire:          func(code websocket.StatusCode) websocket.StatusCode { return code },
			WantNothingHeld: func(testing.TB, *websocket.Conn) {},
			CountCallbacks:  func(*testing.T) func() { return func() {} },
			Only: []Test{
				{"native/MaxUnread is ignored", testMaxUnreadIgnored},
				{"native/no subprotocol is selected", testNoSubprotocol},
			},
		},
	})
}

// MaxUnread has no effect: unread messages stay in the network.
func testMaxUnreadIgnored(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/flood?messages=100&size=10000", &websocket.DialOptions{MaxUnread: 1})
	for i := range 100 {
		p := make([]byte, 10_000)
		p[0] = byte(i)
		conntest.WantMessage(t, c, websocket.MessageBinary, string(p))
	}
}

// The server may select none of the subprotocols.
func testNoSubprotocol(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/echo", &websocket.DialOptions{Subprotocols: []string{"one"}})
	if got := c.Subprotocol(); got != "" {
		t.Errorf("got subprotocol %q, want none", got)
	}
}
