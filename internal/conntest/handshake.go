//go:build !js

package conntest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// Request returns a valid handshake request with changed header lines: a line replaces
// those of its name, and a name without a colon removes them.
func Request(lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://example.com/chat", nil)
	r.Header = http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {rawpeer.DefaultKey},
	}
	replaced := make(map[string]bool)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ": ")
		name = http.CanonicalHeaderKey(name)
		if !replaced[name] {
			delete(r.Header, name)
			replaced[name] = true
		}
		if ok {
			r.Header[name] = append(r.Header[name], value)
		}
	}
	return r
}

// A DialResult is the result of Dial.
type DialResult struct {
	Conn     *websocket.Conn
	Response *http.Response
}

// GoDial dials on a goroutine. The server that it returns as the peer has read the
// request, but not sent a response.
func GoDial(t *testing.T, ctx context.Context, url string, opts *websocket.DialOptions) (*rawpeer.Call[DialResult], *rawpeer.Peer) {
	t.Helper()
	n := rawpeer.Listen(nil)
	t.Cleanup(func() { n.Close() })
	if opts == nil {
		opts = new(websocket.DialOptions)
	}
	client := rawpeer.HTTPClient(n)
	if opts.HTTPClient != nil {
		client.Timeout = opts.HTTPClient.Timeout
	}
	opts.HTTPClient = client
	call := rawpeer.Go(t, func() (DialResult, error) {
		c, resp, err := websocket.Dial(ctx, url, opts)
		if c != nil {
			t.Cleanup(func() { c.CloseNow() })
		}
		return DialResult{Conn: c, Response: resp}, err
	})
	conn, err := n.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := rawpeer.NewPeer(t, conn, rawpeer.Server)
	p.ReadRequest()
	return call, p
}

// Answer returns the options of a peer whose response has these header lines.
func Answer(lines ...string) rawpeer.ServerOptions {
	return rawpeer.ServerOptions{Header: lines}
}

// ExtensionLines returns header lines with these values of
// Sec-WebSocket-Extensions.
func ExtensionLines(lines []string) []string {
	var header []string
	for _, line := range lines {
		header = append(header, "Sec-WebSocket-Extensions: "+line)
	}
	return header
}

// AcceptedWith returns a server of the mode, for a client that sends these values of
// Sec-WebSocket-Extensions.
func AcceptedWith(t *testing.T, mode websocket.CompressionMode, threshold int, lines ...string) (*websocket.Conn, *rawpeer.Peer) {
	t.Helper()
	return rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		return websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: mode, CompressionThreshold: threshold})
	}, &rawpeer.ClientOptions{Header: ExtensionLines(lines)})
}

// DialedWith dials as a client of the mode. The server's response has these values of
// Sec-WebSocket-Extensions.
func DialedWith(t *testing.T, mode websocket.CompressionMode, threshold int, lines ...string) (*websocket.Conn, *rawpeer.Peer, error) {
	t.Helper()
	n := rawpeer.Listen(nil)
	t.Cleanup(func() { n.Close() })
	call := rawpeer.Go(t, func() (*websocket.Conn, error) {
		c, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{
			HTTPClient:           rawpeer.HTTPClient(n),
			CompressionMode:      mode,
			CompressionThreshold: threshold,
		})
		return c, err
	})
	conn, err := n.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := rawpeer.ServeHandshake(t, conn, &rawpeer.ServerOptions{Header: ExtensionLines(lines)})
	c, err := call.Result()
	return c, p, err
}

// WantCompresses expects c to compress its messages, or not to.
func WantCompresses(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, want bool) {
	t.Helper()
	MustWriteText(t, c, Filler(1000))
	f := p.WantFrame()
	if got := f.RSV == rawpeer.RSV1; got != want || f.RSV&^rawpeer.RSV1 != 0 {
		t.Errorf("got %v, want it compressed: %t", f, want)
	}
}
