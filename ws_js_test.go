package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall/js"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/behaviour"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// The tests run in a page, in a worker and in Node.js, with the server of
// internal/thirdparty/browser. Environment variables have its address and the
// environment of the tests.

// platform returns page, worker or node.
func platform() string { return os.Getenv("WEBSOCKET_TEST_IN") }

func inNode() bool { return platform() == "node" }

// TestBehaviour runs the table of tests that also runs natively.
func TestBehaviour(t *testing.T) { behaviour.Run(t, startHost(t)) }

// startHost returns the server, which runs in another process.
func startHost(t testing.TB) *behaviour.Host {
	t.Helper()
	url := os.Getenv("WEBSOCKET_TEST_SERVER")
	if url == "" {
		t.Fatal("WEBSOCKET_TEST_SERVER is not set; internal/thirdparty/browser runs these tests")
	}
	return &behaviour.Host{Base: url, Platform: behaviour.Platform{
		Name:            platform(),
		Abandoned:       "1005 ",   // a page cannot close without a frame
		KeepsMark:       !inNode(), // Node.js drops it
		NoticesClose:    !inNode(), // Node.js waits for the end of the stream
		OnWire:          onWire,
		WantNothingHeld: wantNothingHeld,
		CountCallbacks:  countCallbacks,
		Only: []behaviour.Test{
			{Name: "browser/relative URL", Run: testRelativeURL},
			{Name: "browser/password in the URL", Run: testPassword},
			{Name: "browser/options of others are ignored", Run: testIgnoredOptions},
			{Name: "browser/liveness options are ignored", Run: testIgnoredLiveness},
			{Name: "browser/no subprotocol is selected", Run: testNoSubprotocol},
			{Name: "browser/subprotocol offered twice", Run: testSubprotocolTwice},
			{Name: "browser/MaxUnread", Run: testMaxUnread},
			{Name: "browser/MaxUnread by default", Run: testMaxUnreadDefault},
			{Name: "browser/no MaxUnread", Run: testMaxUnreadUnbounded},
			{Name: "browser/MaxUnread and one message", Run: testMaxUnreadOneMessage},
			{Name: "browser/read limit raised on arrival", Run: testLimitRaisedOnArrival},
			{Name: "browser/write after the end", Run: testEndAheadOfMessages},
			{Name: "browser/write leaves the connection open", Run: testBufferedAmount},
		},
	}}
}

// firstForApplications is the first code that a page may send, except for 1000.
const firstForApplications = 3000

// onWire returns the code that a page sends for a code passed to Close.
func onWire(code websocket.StatusCode) websocket.StatusCode {
	switch {
	case code == websocket.StatusNormalClosure, code == websocket.StatusNoStatusRcvd, code >= firstForApplications:
		return code
	}
	return code + firstForApplications
}

func wantNothingHeld(t testing.TB, c *websocket.Conn) {
	t.Helper()
	if n := c.Listeners(); n != 0 {
		t.Errorf("%d listeners are left", n)
	}
}

// countCallbacks starts collecting the functions that wasm_exec.js creates, one for
// each js.Func. wantReleased expects at least one, and all of them released: calling a
// released one is an error on the console.
func countCallbacks(t *testing.T) (wantReleased func()) {
	made := evaluate(`
		const make = Go.prototype._makeFuncWrapper, made = [];
		Go.prototype._makeFuncWrapper = function(id) {
			const f = make.call(this, id);
			made.push(f);
			return f;
		};
		made.stop = () => { Go.prototype._makeFuncWrapper = make; };
		return made;`)
	t.Cleanup(func() { made.Call("stop") })
	return func() {
		t.Helper()
		wantAllReleased(t, made)
	}
}

func wantAllReleased(t *testing.T, made js.Value) {
	t.Helper()
	released := evaluate(`
		return (made) => {
			const error = console.error;
			let n = 0;
			console.error = () => { n++; };
			for (const f of made) {
				f({ code: 1000, reason: "", wasClean: true, data: "" });
			}
			console.error = error;
			return n;
		};`).Invoke(made).Int()
	n := made.Length()
	t.Logf("%d js.Funcs", n)
	if n == 0 || released != n {
		t.Errorf("%d of %d js.Funcs were released", released, n)
	}
}

// evaluate returns the result of a JavaScript function body.
func evaluate(body string) js.Value {
	return js.Global().Get("Function").New(body).Invoke()
}

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
	conntest.WantError(t, behaviour.WantNoConn(t, startHost(t).URL("/echo"), nil), errors.ErrUnsupported)
}

func TestOffline(t *testing.T) {
	if websocket.IsOffline() {
		t.Error("offline, with a connection to the server")
	}
	navigator := js.Global().Get("navigator")
	if navigator.IsUndefined() {
		return // Node.js 20
	}
	js.Global().Get("Object").Call("defineProperty", navigator, "onLine", map[string]any{"value": false, "configurable": true})
	defer navigator.Delete("onLine")
	if !websocket.IsOffline() {
		t.Error("not offline")
	}
}

// A context that ends when the socket has just opened ends Dial, as natively.
func TestDialContextAtTheEnd(t *testing.T) {
	conntest.WantError(t, websocket.AwaitOpened(behaviour.Ended(t)), context.Canceled)
	conntest.WantNoError(t, websocket.AwaitOpened(t.Context()))
}

// A URL may be relative to that of the page, or of the worker; Node.js has neither. A
// page may set another base.
func testRelativeURL(t *testing.T, h *behaviour.Host) {
	if inNode() {
		behaviour.WantNoConn(t, "/echo", nil)
		return
	}
	wantDials(t, "/echo", h.URL("/echo"))
	wantDials(t, "echo?q", h.URL("/echo?q"))
	document := js.Global().Get("document")
	if document.IsUndefined() {
		return // in a worker
	}
	base := document.Call("createElement", "base")
	base.Set("href", "/elsewhere/")
	document.Get("head").Call("prepend", base)
	defer base.Call("remove")
	wantDials(t, "../echo", h.URL("/echo"))
	behaviour.WantNoConn(t, "echo", nil)
}

// wantDials expects a Dial of u to connect to url.
func wantDials(t *testing.T, u, url string) {
	t.Helper()
	c, _, err := websocket.Dial(behaviour.Bounded(t), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if got := c.RemoteAddr().String(); got != url {
		t.Errorf("got a connection to %q, want %q", got, url)
	}
	behaviour.WantOpen(t, c)
}

// An error contains the URL that could not be dialed, but not its password.
func testPassword(t *testing.T, h *behaviour.Host) {
	const password = "5ecre7"
	withPassword := func(path string) string {
		return strings.Replace(h.URL(path), "ws://", "ws://me:"+password+"@", 1)
	}
	port := h.Base[strings.LastIndexByte(h.Base, ':')+1:]
	for _, url := range []string{
		withPassword("/refuse"),
		withPassword("/") + "\x7f",
		strings.Replace(withPassword("/"), port, "70000", 1),
		strings.TrimPrefix(withPassword("/refuse"), "ws:"),
		strings.Replace(withPassword("/"), "ws:", "ftp:", 1),
	} {
		err := behaviour.WantNoConn(t, url, nil)
		if strings.Contains(err.Error(), password) {
			t.Errorf("the password is in %q", err)
		}
	}
	if err := behaviour.WantNoConn(t, withPassword("/refuse"), nil); !strings.Contains(err.Error(), "/refuse") {
		t.Errorf("the path is not in %q", err)
	}
	c, _, err := websocket.Dial(behaviour.Bounded(t), withPassword("/echo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	behaviour.WantOpen(t, c)
	if addr := c.RemoteAddr().String(); strings.Contains(addr, password) {
		t.Errorf("the password is in %q", addr)
	}
}

// roundTripper fails every request.
type roundTripper struct{}

func (roundTripper) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrClosedPipe }

// Options that a page does not support are ignored.
func testIgnoredOptions(t *testing.T, h *behaviour.Host) {
	key := h.NewKey()
	c, _ := h.DialWith(t, "/ping?id="+key, &websocket.DialOptions{
		HTTPClient:           &http.Client{Transport: roundTripper{}},
		HTTPHeader:           http.Header{"X-Ignored": {"one"}},
		Host:                 "example.com",
		CompressionMode:      websocket.CompressionMode(-1),
		CompressionThreshold: -1,
		OnPingReceived: func(context.Context, []byte) bool {
			t.Error("OnPingReceived was called")
			return false
		},
		OnPongReceived: func(context.Context, []byte) { t.Error("OnPongReceived was called") },
	})
	conntest.WantText(t, c, "answered")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// A page can't ping, and does not measure how long a write takes: a peer that neither
// reads nor answers is not lost.
func testIgnoredLiveness(t *testing.T, h *behaviour.Host) {
	c, _ := h.DialWith(t, "/raw", &websocket.DialOptions{
		PingInterval: time.Millisecond,
		PingTimeout:  time.Millisecond,
		WriteTimeout: time.Millisecond,
		MaxBacklog:   -1,
	})
	conntest.WantNoError(t, c.Post(behaviour.Prepared(t, strings.Repeat("x", behaviour.Some))))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	conntest.WantInterrupted(t, conntest.ReadErr(ctx, c), context.DeadlineExceeded)
	if err := c.Err(); err != nil || c.RoundTrip() != 0 {
		t.Errorf("got %v, and a round trip of %v", err, c.RoundTrip())
	}
}

// In a browser, Dial fails if the server supports none of the subprotocols.
func testNoSubprotocol(t *testing.T, h *behaviour.Host) {
	behaviour.WantNoConn(t, h.URL("/echo"), &websocket.DialOptions{Subprotocols: []string{"one"}})
}

func testSubprotocolTwice(t *testing.T, h *behaviour.Host) {
	behaviour.WantNoConn(t, h.URL("/echo"), &websocket.DialOptions{Subprotocols: []string{"a", "a"}})
}

func BenchmarkEcho(b *testing.B) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		for _, size := range []int{16, 4 << 10, 256 << 10} {
			b.Run(fmt.Sprint(typ, "/", size), func(b *testing.B) {
				c := startHost(b).Dial(b, "/echo")
				ctx := context.Background()
				c.SetReadLimit(-1)
				p := make([]byte, size)
				for i := range p {
					p[i] = 'a' + byte(i%26)
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Write(ctx, typ, p); err != nil {
						b.Fatal(err)
					}
					if _, _, err := c.Read(ctx); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{16, 4 << 10, 256 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := startHost(b).Dial(b, fmt.Sprintf("/flood?messages=%d&size=%d", 1<<30, size))
			ctx := context.Background()
			c.SetReadLimit(-1)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, r, err := c.Reader(ctx)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReceived measures the handling of a received message.
func BenchmarkReceived(b *testing.B) {
	for _, size := range []int{16, 4 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c, received := websocket.NewReceiver()
			data := js.Global().Get("ArrayBuffer").New(size)
			target := js.Global().Get("EventTarget").New()
			f := js.FuncOf(func(_ js.Value, args []js.Value) any {
				args[0].Get("type")
				received(data)
				return nil
			})
			defer f.Release()
			target.Call("addEventListener", "message", f)
			event := js.Global().Get("Event").New("message")
			b.ReportAllocs()
			for b.Loop() {
				target.Call("dispatchEvent", event)
				if _, _, err := c.Read(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		for _, size := range []int{16, 4 << 10, 256 << 10, 1 << 20} {
			b.Run(fmt.Sprint(typ, "/", size), func(b *testing.B) {
				c := startHost(b).Dial(b, "/sink")
				p := bytes.Repeat([]byte("a"), size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Write(context.Background(), typ, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
