package dialing

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// timeout bounds each test.
const timeout = 60 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// echo accepts a connection and echoes its messages until it is closed.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the client gets the error
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	ctx := context.WithoutCancel(r.Context())
	for {
		typ, p, err := c.Read(ctx)
		if err != nil {
			return
		}
		if err := c.Write(ctx, typ, p); err != nil {
			return
		}
	}
}

// newServer starts a server, which is stopped at the end of the test.
func newServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// wsURL returns the WebSocket URL of an http or https one.
func wsURL(url string) string { return "ws" + strings.TrimPrefix(url, "http") }

// clientOf returns a client with the transport, whose idle connections are closed at
// the end of the test.
func clientOf(t *testing.T, transport *http.Transport) *http.Client {
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// dial connects. The connection is closed at the end of the test.
func dial(t *testing.T, url string, opts *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	c, resp, err := websocket.Dial(testContext(t), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.ProtoMajor != 1 {
		t.Errorf("got %s %s, want HTTP/1.1 101", resp.Proto, resp.Status)
	}
	return c
}

// testEcho sends messages, short and long, and expects their echoes.
func testEcho(t *testing.T, c *websocket.Conn) {
	t.Helper()
	c.SetReadLimit(-1)
	for _, size := range []int{0, 5, 200_000} {
		want := bytes.Repeat([]byte{'m'}, size)
		if err := c.Write(t.Context(), websocket.MessageText, want); err != nil {
			t.Fatal(err)
		}
		typ, got, err := c.Read(t.Context())
		if err != nil || typ != websocket.MessageText || !bytes.Equal(got, want) {
			t.Fatalf("got %v, %d bytes and %v, want %d bytes of text", typ, len(got), err, size)
		}
	}
}

// testConn exchanges messages, then closes.
func testConn(t *testing.T, c *websocket.Conn) {
	t.Helper()
	testEcho(t, c)
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}
