package websocket_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// TestBehaviour is what a client does wherever it runs: the tests are the same
// natively and in a browser, against the same server, which is
// internal/behaviour. internal/thirdparty/browser compares the names of those
// that pass. What one platform alone can do is in its onlyHere.
func TestBehaviour(t *testing.T) {
	h := startHost(t)
	for _, test := range slices.Concat(dialTests, readTests, writeTests, closeTests, streamTests, onlyHere) {
		t.Run(test.name, func(t *testing.T) { test.test(t, h) })
	}
}

type clientTest struct {
	name string
	test func(t *testing.T, h host)
}

// host is the URL of the server, without a path.
type host string

func (h host) url(path string) string { return string(h) + path }

// dial connects. The connection is closed in the end, and nothing may be left
// of it then.
func (h host) dial(t testing.TB, path string) *websocket.Conn {
	t.Helper()
	c, _ := h.dialWith(t, path, nil)
	return c
}

func (h host) dialWith(t testing.TB, path string, opts *websocket.DialOptions) (*websocket.Conn, *http.Response) {
	t.Helper()
	c, resp, err := websocket.Dial(bounded(t), h.url(path), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.CloseNow()
		wantNothingHeld(t, c)
	})
	return c, resp
}

// told waits until the server tells a key, and returns what.
func (h host) told(t *testing.T, key string) string {
	t.Helper()
	c := h.dial(t, "/told?key="+key)
	_, p, err := c.Read(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// tell tells the server a key.
func (h host) tell(t *testing.T, key string) {
	t.Helper()
	conntest.WantClosed(t, conntest.ReadErr(bounded(t), h.dial(t, "/tell?key="+key)), websocket.StatusNormalClosure)
}

// wantTold wants the server to have seen a connection end in this way: with a
// close frame's code and reason, or without one.
func (h host) wantTold(t *testing.T, key, want string) {
	t.Helper()
	if got := h.told(t, key); got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
}

// seen is how the server sees a connection end that a client closes.
func seen(code websocket.StatusCode, reason string) string {
	return strconv.Itoa(int(onWire(code))) + " " + reason
}

var lastKey atomic.Int64

// newKey names something at the server.
func newKey() string { return platform() + strconv.FormatInt(lastKey.Add(1), 10) }

// patience is for what takes a moment, on a machine that runs much else.
const patience = time.Minute

func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ended returns a context that has ended.
func ended(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func mustWrite(t *testing.T, c *websocket.Conn, typ websocket.MessageType, s string) {
	t.Helper()
	if err := c.Write(bounded(t), typ, []byte(s)); err != nil {
		t.Fatalf("got error %v, want the message written", err)
	}
}

// wantEcho sends a message and wants it back.
func wantEcho(t *testing.T, c *websocket.Conn, typ websocket.MessageType, s string) {
	t.Helper()
	mustWrite(t, c, typ, s)
	conntest.WantMessage(t, c, typ, s)
}

// wantOpen wants the connection to an echo to be of use.
func wantOpen(t *testing.T, c *websocket.Conn) {
	t.Helper()
	wantEcho(t, c, websocket.MessageText, "still here")
}

// anyBytes returns n bytes, the same ones each time.
func anyBytes(n int) string {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return string(p)
}
