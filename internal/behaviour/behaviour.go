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

// Run runs the table of tests against the server at h. The tests are the same on
// every platform, and internal/thirdparty/browser compares the names of those that
// pass.
func Run(t *testing.T, h *Host) {
	for _, test := range slices.Concat(dialTests, readTests, writeTests, closeTests, streamTests, h.Only) {
		t.Run(test.Name, func(t *testing.T) { test.Run(t, h) })
	}
}

// A Test is one entry of the table.
type Test struct {
	Name string
	Run  func(t *testing.T, h *Host)
}

// A Platform says how the platform that runs the tests differs from others.
type Platform struct {
	Name string

	Abandoned    string // what a server notes of CloseNow
	KeepsMark    bool   // a text keeps a byte order mark at its beginning
	NoticesClose bool   // a close frame counts before the peer ends the stream

	// OnWire returns the code that the platform sends for the one that a client
	// closes with.
	OnWire func(websocket.StatusCode) websocket.StatusCode

	// WantNothingHeld wants a closed connection to hold nothing of the platform's.
	WantNothingHeld func(testing.TB, *websocket.Conn)

	// CountCallbacks begins to count the callbacks that are made. wantReleased wants
	// some to have been made, and all to have been released.
	CountCallbacks func(*testing.T) (wantReleased func())

	Only []Test // of this platform alone
}

// A Host is a [Server] to test against.
type Host struct {
	Base string // its URL, without a path
	Platform
}

// URL returns the URL of a path.
func (h *Host) URL(path string) string { return h.Base + path }

// Dial connects to a path. The connection is closed when the test ends, and must
// hold nothing then.
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

// Told waits until the server has noted something for a key, and returns it.
func (h *Host) Told(t *testing.T, key string) string {
	t.Helper()
	c := h.Dial(t, "/told?key="+key)
	_, p, err := c.Read(Bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// Tell sends the server a key.
func (h *Host) Tell(t *testing.T, key string) {
	t.Helper()
	conntest.WantCause(t, conntest.ReadErr(Bounded(t), h.Dial(t, "/tell?key="+key)), websocket.StatusNormalClosure)
}

// WantTold wants the server to have seen a connection end with this code and
// reason, or without a close frame.
func (h *Host) WantTold(t *testing.T, key, want string) {
	t.Helper()
	if got := h.Told(t, key); got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
}

// Seen returns what the server notes of a connection that a client closes.
func (h *Host) Seen(code websocket.StatusCode, reason string) string {
	return strconv.Itoa(int(h.OnWire(code))) + " " + reason
}

var lastKey atomic.Int64

// NewKey returns a key that no other test uses.
func (h *Host) NewKey() string { return h.Name + strconv.FormatInt(lastKey.Add(1), 10) }

// patience bounds what takes a moment, on a busy machine.
const patience = time.Minute

// Bounded returns a context that ends with the test, or after a minute.
func Bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Ended returns a context that has ended.
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

// WantEcho sends a message and wants it back.
func WantEcho(t *testing.T, c *websocket.Conn, typ websocket.MessageType, s string) {
	t.Helper()
	MustWrite(t, c, typ, s)
	conntest.WantMessage(t, c, typ, s)
}

// WantOpen wants the connection to an echo to be usable.
func WantOpen(t *testing.T, c *websocket.Conn) {
	t.Helper()
	WantEcho(t, c, websocket.MessageText, "still here")
}

// AnyBytes returns n arbitrary bytes, the same ones each time.
func AnyBytes(n int) string {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return string(p)
}
