package behaviour

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

// Run runs the table of tests against the server at h. The tests are the same on all
// platforms, and internal/thirdparty/browser compares the names of those that pass.
func Run(t *testing.T, h *Host) {
	for _, test := range slices.Concat(dialTests, readTests, writeTests, postTests, closeTests, streamTests, h.Only) {
		t.Run(test.Name, func(t *testing.T) { test.Run(t, h) })
	}
}

// A Test is one entry of the table.
type Test struct {
	Name string
	Run  func(t *testing.T, h *Host)
}

// A Platform describes the differences of the platform that runs the tests.
type Platform struct {
	Name string

	Abandoned    string // the server's record of CloseNow
	KeepsMark    bool   // Read keeps the byte order mark at the beginning of a text
	NoticesClose bool   // a close frame ends the connection before the peer ends the stream
	Pings        bool   // a client can ping and measure the round trip

	// OnWire returns the close code that the platform sends for the code passed to
	// Close.
	OnWire func(websocket.StatusCode) websocket.StatusCode

	// WantNothingHeld expects a closed connection to hold no platform resources.
	WantNothingHeld func(testing.TB, *websocket.Conn)

	// CountCallbacks starts counting callbacks. wantReleased expects at least one to have
	// been created, and all to be released.
	CountCallbacks func(*testing.T) (wantReleased func())

	Only []Test // tests of this platform only
}

// A Host is a [Server] to test against.
type Host struct {
	Base string // its URL, without a path
	Platform
}

// URL returns the URL of a path on the server.
func (h *Host) URL(path string) string { return h.Base + path }

// Dial connects to a path. The connection is closed when the test ends, and must hold
// no resources then.
func (h *Host) Dial(t testing.TB, path string) *websocket.Conn {
	t.Helper()
	c, _ := h.DialWith(t, path, nil)
	return c
}

// DialWith is Dial with options.
func (h *Host) DialWith(t testing.TB, path string, opts *websocket.DialOptions) (*websocket.Conn, *http.Response) {
	t.Helper()
	c, resp, err := websocket.Dial(Bounded(t), h.URL(path), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.CloseNow()
		h.WantNothingHeld(t, c)
	})
	return c, resp
}

// Await waits until the server has recorded something under a key, and returns it.
func (h *Host) Await(t *testing.T, key string) string {
	t.Helper()
	c := h.Dial(t, "/await?key="+key)
	_, p, err := c.Read(Bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// Signal sends a key to the server.
func (h *Host) Signal(t *testing.T, key string) {
	t.Helper()
	conntest.WantCause(t, conntest.ReadErr(Bounded(t), h.Dial(t, "/signal?key="+key)), websocket.StatusNormalClosure)
}

// WantSeen expects the server to have seen a connection end as described: with a code and
// a reason, or without a close frame.
func (h *Host) WantSeen(t *testing.T, key, want string) {
	t.Helper()
	if got := h.Await(t, key); got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
}

// Seen returns the server's record of a connection that a client closes.
func (h *Host) Seen(code websocket.StatusCode, reason string) string {
	return strconv.Itoa(int(h.OnWire(code))) + " " + reason
}

var lastKey atomic.Int64

// NewKey returns an unused key.
func (h *Host) NewKey() string { return h.Name + strconv.FormatInt(lastKey.Add(1), 10) }

// patience bounds short waits, on a busy machine.
const patience = time.Minute

// Bounded returns a context that is canceled when the test ends, and has a timeout of a
// minute.
func Bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Ended returns a canceled context.
func Ended(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// MustWrite writes a message.
func MustWrite(t *testing.T, c *websocket.Conn, typ websocket.MessageType, s string) {
	t.Helper()
	if err := c.Write(Bounded(t), typ, []byte(s)); err != nil {
		t.Fatalf("got error %v, want the message written", err)
	}
}

// WantEcho sends a message and expects its echo.
func WantEcho(t *testing.T, c *websocket.Conn, typ websocket.MessageType, s string) {
	t.Helper()
	MustWrite(t, c, typ, s)
	conntest.WantMessage(t, c, typ, s)
}

// WantOpen expects the connection to an echo server to work.
func WantOpen(t *testing.T, c *websocket.Conn) {
	t.Helper()
	WantEcho(t, c, websocket.MessageText, "still here")
}

// AnyBytes returns n fixed arbitrary bytes.
func AnyBytes(n int) string {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return string(p)
}
