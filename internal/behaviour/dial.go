package behaviour

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

var dialTests = []Test{
	{"dial/response", testDialAnswer},
	{"dial/schemes of HTTP", testDialHTTP},
	{"dial/subprotocol", testDialSubprotocol},
	{"dial/addresses", testDialAddresses},
	{"dial/refused", testDialRefused},
	{"dial/no listener", testDialNobody},
	{"dial/URL", testDialURL},
	{"dial/subprotocol is not a token", testDialToken},
	{"dial/subprotocol is empty", testDialEmptySubprotocol},
	{"dial/duplicate subprotocol", testDialSubprotocolTwice},
	{"dial/subprotocol in a header", testDialSubprotocolHeader},
	{"dial/no context", testDialNoContext},
	{"dial/context ended before", testDialContextBefore},
	{"dial/context ends while connecting", testDialContextConnecting},
	{"dial/context ends in the handshake", testDialContextHandshake},
	{"dial/context has a deadline", testDialContextDeadline},
	{"dial/context ends afterwards", testDialContextAfter},
}

func testDialAnswer(t *testing.T, h *Host) {
	c, resp := h.DialWith(t, "/echo", nil)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("got status %d", resp.StatusCode)
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("got %d bytes, %v from the body, want its end", n, err)
	}
	WantOpen(t, c)
}

func testDialHTTP(t *testing.T, h *Host) {
	c, _, err := websocket.Dial(Bounded(t), strings.Replace(h.URL("/echo"), "ws", "http", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	WantOpen(t, c)
}

func testDialSubprotocol(t *testing.T, h *Host) {
	c, resp := h.DialWith(t, "/echo?protocol=two", &websocket.DialOptions{Subprotocols: []string{"one", "two"}})
	if got := c.Subprotocol(); got != "two" {
		t.Errorf("got subprotocol %q", got)
	}
	if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != "two" {
		t.Errorf("got subprotocol %q in the response", got)
	}
	if got := h.Dial(t, "/echo?protocol=two").Subprotocol(); got != "" {
		t.Errorf("got subprotocol %q, without an offer", got)
	}
}

func testDialEmptySubprotocol(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/echo?protocol=two", &websocket.DialOptions{Subprotocols: []string{"", "one", "", "two"}})
	if got := c.Subprotocol(); got != "two" {
		t.Errorf("got subprotocol %q", got)
	}
	h.DialWith(t, "/echo", &websocket.DialOptions{Subprotocols: []string{""}})
}

func testDialSubprotocolTwice(t *testing.T, h *Host) {
	WantNoConn(t, h.URL("/echo?protocol=one"), &websocket.DialOptions{Subprotocols: []string{"one", "one"}})
}

func testDialSubprotocolHeader(t *testing.T, h *Host) {
	header := http.Header{"Sec-Websocket-Protocol": {"one, two"}}
	c, _ := h.DialWith(t, "/echo?protocol=two", &websocket.DialOptions{HTTPHeader: header})
	if got := c.Subprotocol(); got != "two" {
		t.Errorf("got subprotocol %q", got)
	}
	WantNoConn(t, h.URL("/echo?protocol=two"), &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"two"}})
}

func testDialNoContext(t *testing.T, h *Host) {
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "websocket: ") {
			t.Errorf("panicked with %q", text)
		}
	}()
	var none context.Context
	websocket.Dial(none, h.URL("/echo"), nil)
}

func testDialAddresses(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, addr := range []net.Addr{c.LocalAddr(), c.RemoteAddr()} {
		if addr.Network() == "" || addr.String() == "" {
			t.Errorf("got address %q of network %q", addr, addr.Network())
		}
	}
	address := strings.TrimPrefix(h.Base, "ws://")
	if got := c.RemoteAddr().String(); !strings.Contains(got, address) {
		t.Errorf("got %q as the server's address, want %q in it", got, address)
	}
}

// WantNoConn expects Dial to fail, and not with a context error.
func WantNoConn(t *testing.T, url string, opts *websocket.DialOptions) error {
	t.Helper()
	ctx := Bounded(t)
	c, _, err := websocket.Dial(ctx, url, opts)
	if err == nil {
		c.CloseNow()
		t.Fatalf("got a connection to %s", url)
	}
	if c != nil || ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("%s: got %v and error %v", url, c, err)
	}
	return err
}

func testDialRefused(t *testing.T, h *Host) {
	WantNoConn(t, h.URL("/refuse"), nil)
}

func testDialNobody(t *testing.T, h *Host) {
	_, address, err := h.Dial(t, "/nobody").Read(Bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	WantNoConn(t, "ws://"+string(address)+"/", nil)
}

func testDialURL(t *testing.T, h *Host) {
	for _, url := range []string{
		"ws://exa mple/", "ws:///path", "ws://127.0.0.1:port/", "ftp://127.0.0.1/", "mailto:a@b", "%",
	} {
		WantNoConn(t, url, nil)
	}
}

func testDialToken(t *testing.T, h *Host) {
	for _, protocol := range []string{"a b", "a,b", "\u00fc"} {
		WantNoConn(t, h.URL("/echo"), &websocket.DialOptions{Subprotocols: []string{protocol}})
	}
}

// dialing calls Dial on a goroutine.
func dialing(t *testing.T, ctx context.Context, url string) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error {
		c, _, err := websocket.Dial(ctx, url, nil)
		if err == nil {
			c.CloseNow()
		}
		return err
	})
}

func testDialContextBefore(t *testing.T, h *Host) {
	conntest.WantInterrupted(t, dialing(t, Ended(t), h.URL("/echo")).Err(), context.Canceled)
}

// The server accepts the TCP connection, but does not send a TLS handshake.
func testDialContextConnecting(t *testing.T, h *Host) {
	c := h.Dial(t, "/mute")
	_, address, err := c.Read(Bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	call := dialing(t, ctx, "wss://"+string(address)+"/")
	conntest.WantText(t, c, "connected")
	cancel()
	conntest.WantInterrupted(t, call.Err(), context.Canceled)
}

func testDialContextHandshake(t *testing.T, h *Host) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	key := h.NewKey()
	call := dialing(t, ctx, h.URL("/stall?id="+key))
	h.Await(t, key)
	cancel()
	conntest.WantInterrupted(t, call.Err(), context.Canceled)
}

func testDialContextDeadline(t *testing.T, h *Host) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	conntest.WantInterrupted(t, dialing(t, ctx, h.URL("/stall?id="+h.NewKey())).Err(), context.DeadlineExceeded)
}

func testDialContextAfter(t *testing.T, h *Host) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _, err := websocket.Dial(ctx, h.URL("/echo"), nil)
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	WantOpen(t, c)
}
