package websocket_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall/js"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

func TestAccept(t *testing.T) {
	_, err := websocket.Accept(nil, nil, nil)
	conntest.WantError(t, err, errors.ErrUnsupported)
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
		{"ws://me:secret@h/", "", "ws://me:secret@h/"},
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
		to, err := websocket.SocketURL(tt.u, tt.base)
		if err == nil {
			got = to.String()
		}
		if got != tt.want {
			t.Errorf("%q at %q: got %q, %v, want %q", tt.u, tt.base, got, err, tt.want)
		}
	}
}

func TestNoWebSocket(t *testing.T) {
	class := js.Global().Get("WebSocket")
	js.Global().Set("WebSocket", js.Undefined())
	defer js.Global().Set("WebSocket", class)
	conntest.WantError(t, wantNoConn(t, startHost(t).url("/echo"), nil), errors.ErrUnsupported)
}

func TestOffline(t *testing.T) {
	if websocket.IsOffline() {
		t.Error("offline, with a connection to the server")
	}
	navigator := js.Global().Get("navigator")
	if navigator.IsUndefined() {
		return // Node 20
	}
	js.Global().Get("Object").Call("defineProperty", navigator, "onLine", map[string]any{"value": false, "configurable": true})
	defer navigator.Delete("onLine")
	if !websocket.IsOffline() {
		t.Error("not offline")
	}
}

// A context that ends when the socket has just opened counts, as elsewhere.
func TestDialContextAtTheEnd(t *testing.T) {
	conntest.WantError(t, websocket.AwaitOpened(ended(t)), context.Canceled)
	conntest.WantNoError(t, websocket.AwaitOpened(t.Context()))
}

// A URL may be relative to the page's, or the worker's; Node has neither. A
// page may say that it is relative to another.
func testRelativeURL(t *testing.T, h host) {
	if inNode() {
		wantNoConn(t, "/echo", nil)
		return
	}
	wantDials(t, "/echo", h.url("/echo"))
	wantDials(t, "echo?q", h.url("/echo?q"))
	document := js.Global().Get("document")
	if document.IsUndefined() {
		return // a worker
	}
	base := document.Call("createElement", "base")
	base.Set("href", "/elsewhere/")
	document.Get("head").Call("prepend", base)
	defer base.Call("remove")
	wantDials(t, "../echo", h.url("/echo"))
	wantNoConn(t, "echo", nil)
}

// wantDials wants u to lead to an echo at a URL.
func wantDials(t *testing.T, u, url string) {
	t.Helper()
	c, _, err := websocket.Dial(bounded(t), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got := c.RemoteAddr().String(); got != url {
		t.Errorf("got a connection to %q, want %q", got, url)
	}
	wantOpen(t, c)
}

// An error says which URL could not be dialed, but not the password in it.
func testPassword(t *testing.T, h host) {
	const password = "5ecre7"
	withPassword := func(path string) string {
		return strings.Replace(h.url(path), "ws://", "ws://me:"+password+"@", 1)
	}
	port := h[strings.LastIndexByte(string(h), ':')+1:]
	for _, url := range []string{
		withPassword("/refuse"),
		withPassword("/") + "\x7f",
		strings.Replace(withPassword("/"), string(port), "70000", 1),
		strings.TrimPrefix(withPassword("/refuse"), "ws:"),
		strings.Replace(withPassword("/"), "ws:", "ftp:", 1),
	} {
		err := wantNoConn(t, url, nil)
		if strings.Contains(err.Error(), password) {
			t.Errorf("the password is in %q", err)
		}
	}
	if err := wantNoConn(t, withPassword("/refuse"), nil); !strings.Contains(err.Error(), "/refuse") {
		t.Errorf("the path is not in %q", err)
	}
	c, _, err := websocket.Dial(bounded(t), withPassword("/echo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	wantOpen(t, c)
	if addr := c.RemoteAddr().String(); strings.Contains(addr, password) {
		t.Errorf("the password is in %q", addr)
	}
}

// roundTripper fails a request.
type roundTripper struct{}

func (roundTripper) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrClosedPipe }

// What a page can't do is not done, whatever was asked for.
func testIgnoredOptions(t *testing.T, h host) {
	key := newKey()
	c, _ := h.dialWith(t, "/ping?id="+key, &websocket.DialOptions{
		HTTPClient:           &http.Client{Transport: roundTripper{}},
		HTTPHeader:           http.Header{"Sec-Websocket-Protocol": {"one"}},
		Host:                 "example.com",
		CompressionMode:      websocket.CompressionMode(-1),
		CompressionThreshold: -1,
		OnPingReceived: func(context.Context, []byte) bool {
			t.Error("a ping was told of")
			return false
		},
		OnPongReceived: func(context.Context, []byte) { t.Error("a pong was told of") },
	})
	conntest.WantText(t, c, "answered")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// To a browser, a server that speaks none of the subprotocols does not do.
func testNoSubprotocol(t *testing.T, h host) {
	wantNoConn(t, h.url("/echo"), &websocket.DialOptions{Subprotocols: []string{"one"}})
}

func testSubprotocolTwice(t *testing.T, h host) {
	wantNoConn(t, h.url("/echo"), &websocket.DialOptions{Subprotocols: []string{"a", "a"}})
}
