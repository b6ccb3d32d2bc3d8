package websocket

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall/js"
	"testing"
	"time"
)

// These tests run in a page, in a worker and in Node, against the server of
// internal/thirdparty/browser, which tells by environment variables where it
// is and where the tests are.

// testTimeout bounds what should not take long.
const testTimeout = 10 * time.Second

// slack is how late a busy machine may be.
const slack = 3 * time.Second

// serverURL returns the URL of what the server does at a path.
func serverURL(t testing.TB, path string) string {
	t.Helper()
	base := os.Getenv("WEBSOCKET_TEST_SERVER")
	if base == "" {
		t.Fatal("WEBSOCKET_TEST_SERVER is not set; internal/thirdparty/browser runs these tests")
	}
	return base + path
}

// testsIn reports whether the tests run in a page, worker or node.
func testsIn(where string) bool {
	return os.Getenv("WEBSOCKET_TEST_IN") == where
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// dialTest connects, and checks in the end that nothing listens to the socket
// any more.
func dialTest(t testing.TB, path string) *Conn {
	t.Helper()
	c, resp, err := Dial(testContext(t), serverURL(t, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("status %d", resp.StatusCode)
	}
	t.Cleanup(func() {
		c.CloseNow()
		checkReleased(t, c)
	})
	return c
}

func checkReleased(t testing.TB, c *Conn) {
	t.Helper()
	if n := len(c.socket.listeners); n != 0 {
		t.Errorf("%d listeners are left", n)
	}
}

var lastID atomic.Int64

// newID names a connection to the server.
func newID(t *testing.T) string {
	return os.Getenv("WEBSOCKET_TEST_IN") + strconv.FormatInt(lastID.Add(1), 10)
}

// endOf returns how the connection with an id ended for the server.
func endOf(t *testing.T, id string) string {
	t.Helper()
	c := dialTest(t, "/ended?of="+id)
	_, p, err := c.Read(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestAccept(t *testing.T) {
	_, err := Accept(nil, nil, nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestSocketURL(t *testing.T) {
	const page = "https://example.com:8443/a/page?q#f"
	for _, tt := range []struct{ u, base, want string }{
		{"ws://h/p?q=1", "", "ws://h/p?q=1"},
		{"wss://h", page, "wss://h"},
		{"http://h:80/p", "", "ws://h:80/p"},
		{"https://h/p", "", "wss://h/p"},
		{"WS://h/p", "", "ws://h/p"},
		{"ws://h/p#fragment", "", "ws://h/p"},
		{"", page, "wss://example.com:8443/a/page?q"},
		{"ws", page, "wss://example.com:8443/a/ws"},
		{"../ws", page, "wss://example.com:8443/ws"},
		{"/ws?x", page, "wss://example.com:8443/ws?x"},
		{"?x", page, "wss://example.com:8443/a/page?x"},
		{"//other/ws", page, "wss://other/ws"},
		{"/ws", "http://h/page", "ws://h/ws"},
		{"/ws", "blob:http://h:1/0a-1b", "ws://h:1/ws"},
		{"/ws", "", ""},
		{"/ws", "about:blank", ""},
		{"/ws", "file:///home/page.html", ""},
		{"ftp://h/", page, ""},
		{"mailto:a@b", page, ""},
		{"ws:///p", page, ""},
		{"ws://h:port/", page, ""},
		{"%", page, ""},
	} {
		var got string
		to, err := socketURL(tt.u, tt.base)
		if err == nil {
			got = to.String()
		}
		if got != tt.want {
			t.Errorf("%q at %q: got %q, %v, want %q", tt.u, tt.base, got, err, tt.want)
		}
	}
}

func TestDialRelative(t *testing.T) {
	c, _, err := Dial(testContext(t), "/echo", nil)
	if testsIn("node") {
		if err == nil {
			t.Error("a relative URL in Node was accepted")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got, want := c.RemoteAddr().String(), serverURL(t, "/echo"); got != want {
		t.Errorf("remote address %q, want %q", got, want)
	}
}

func TestDialHTTP(t *testing.T) {
	c, _, err := Dial(testContext(t), strings.Replace(serverURL(t, "/echo"), "ws", "http", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.CloseNow()
}

func TestSubprotocol(t *testing.T) {
	opts := &DialOptions{Subprotocols: []string{"one", "two"}}
	c, resp, err := Dial(testContext(t), serverURL(t, "/echo?protocol=two"), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got := c.Subprotocol(); got != "two" {
		t.Errorf("subprotocol %q", got)
	}
	if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != "two" {
		t.Errorf("in the response: %q", got)
	}
	if got := dialTest(t, "/echo?protocol=two").Subprotocol(); got != "" {
		t.Errorf("subprotocol %q, without an offer", got)
	}
}

func TestDialFails(t *testing.T) {
	refused := serverURL(t, "/refuse")
	for name, tt := range map[string]struct {
		url       string
		protocols []string
	}{
		"status":       {url: refused},
		"nobody there": {url: "ws://127.0.0.1:1/"},
		"bad URL":      {url: "ws://exa mple/"},
		"scheme":       {url: "ftp://127.0.0.1/"},
		"protocol":     {url: serverURL(t, "/echo"), protocols: []string{"a b"}},
		"twice":        {url: serverURL(t, "/echo"), protocols: []string{"a", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := Dial(testContext(t), tt.url, &DialOptions{Subprotocols: tt.protocols})
			if err == nil {
				c.CloseNow()
				t.Fatal("no error")
			}
			if errors.Is(err, context.DeadlineExceeded) || strings.Count(err.Error(), "websocket:") != 1 {
				t.Errorf("got %v", err)
			}
			t.Log(err)
		})
	}
}

func TestDialNoWebSocket(t *testing.T) {
	class := js.Global().Get("WebSocket")
	js.Global().Set("WebSocket", js.Undefined())
	defer js.Global().Set("WebSocket", class)
	if _, _, err := Dial(testContext(t), serverURL(t, "/echo"), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestOffline(t *testing.T) {
	navigator := js.Global().Get("navigator")
	if isOffline() {
		t.Error("offline, with a connection to the server")
	}
	if navigator.IsUndefined() {
		return // Node 20
	}
	js.Global().Get("Object").Call("defineProperty", navigator, "onLine", map[string]any{"value": false, "configurable": true})
	defer navigator.Delete("onLine")
	if !isOffline() {
		t.Error("not offline")
	}
}

func TestDialContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Dial(ctx, serverURL(t, "/echo"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: %v", err)
	}
	start := time.Now()
	_, _, err := Dial(within(t, 100*time.Millisecond), serverURL(t, "/stall"), nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > testTimeout/2 {
		t.Errorf("ended during the handshake: %v after %v", err, time.Since(start))
	}

	// The context is for Dial alone.
	ctx, cancel = context.WithCancel(testContext(t))
	c, _, err := Dial(ctx, serverURL(t, "/echo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	cancel()
	checkEcho(t, c, MessageText, "after")
}

func TestAddresses(t *testing.T) {
	c := dialTest(t, "/echo")
	if got := c.RemoteAddr(); got.Network() != "websocket" || got.String() != serverURL(t, "/echo") {
		t.Errorf("remote address %v %v", got.Network(), got)
	}
	if got := c.LocalAddr(); got.Network() != "websocket" {
		t.Errorf("local address %v %v", got.Network(), got)
	}
}

func TestNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	var conns []*Conn
	for range 10 {
		c := dialTest(t, "/echo")
		checkEcho(t, c, MessageText, "hello")
		conns = append(conns, c)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before 10 connections", n, before)
	}
	for _, c := range conns {
		if err := c.Close(StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
		checkReleased(t, c)
	}
}
