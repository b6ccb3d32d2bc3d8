//go:build !js

package websocket_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// connOptions say how a connection under test is made, in either role. nil and
// the zero value mean the defaults.
type connOptions struct {
	compression websocket.CompressionMode // agreed on as it is
	threshold   int
	onPing      func(ctx context.Context, payload []byte) bool
	onPong      func(ctx context.Context, payload []byte)

	pipe   *rawpeer.PipeOptions
	frames []rawpeer.Frame // that the peer sends right behind its handshake
}

// connect makes a connection under test and its peer.
type connect func(tb testing.TB, n rawpeer.Network, opts *connOptions) (*websocket.Conn, *rawpeer.Peer)

// roles are the two roles of a connection under test. Its peer has the other.
var roles = []struct {
	name    string
	connect connect
}{
	{"server", accepted},
	{"client", dialed},
}

// forBothRoles runs test in a bubble of its own for each role. The stream is in
// memory. c is closed when test returns.
func forBothRoles(t *testing.T, opts *connOptions, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	if opts == nil {
		opts = new(connOptions)
	}
	for _, role := range roles {
		t.Run(role.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := role.connect(t, rawpeer.Listen(opts.pipe), opts)
				defer c.CloseNow()
				test(t, c, p)
			})
		})
	}
}

// overTCP is forBothRoles on the loopback network, in real time.
func overTCP(t *testing.T, opts *connOptions, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	if opts == nil {
		opts = new(connOptions)
	}
	for _, role := range roles {
		t.Run(role.name+"/tcp", func(t *testing.T) {
			c, p := role.connect(t, rawpeer.ListenLoopback(t), opts)
			defer c.CloseNow()
			test(t, c, p)
		})
	}
}

func accepted(tb testing.TB, n rawpeer.Network, opts *connOptions) (*websocket.Conn, *rawpeer.Peer) {
	tb.Helper()
	c, p := rawpeer.Accepted(tb, n, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		return websocket.Accept(w, r, opts.accept())
	}, &rawpeer.ClientOptions{Header: opts.extensions(), Frames: opts.frames})
	return c, opts.inflating(p)
}

func dialed(tb testing.TB, n rawpeer.Network, opts *connOptions) (*websocket.Conn, *rawpeer.Peer) {
	tb.Helper()
	c, p := rawpeer.Dialed(tb, n, func(ctx context.Context, url string, client *http.Client) (*websocket.Conn, error) {
		c, _, err := websocket.Dial(ctx, url, opts.dial(client))
		return c, err
	}, &rawpeer.ServerOptions{Header: opts.extensions(), Frames: opts.frames})
	return c, opts.inflating(p)
}

func (o *connOptions) accept() *websocket.AcceptOptions {
	return &websocket.AcceptOptions{
		CompressionMode:      o.compression,
		CompressionThreshold: o.threshold,
		OnPingReceived:       o.onPing,
		OnPongReceived:       o.onPong,
	}
}

func (o *connOptions) dial(client *http.Client) *websocket.DialOptions {
	return &websocket.DialOptions{
		HTTPClient:           client,
		CompressionMode:      o.compression,
		CompressionThreshold: o.threshold,
		OnPingReceived:       o.onPing,
		OnPongReceived:       o.onPong,
	}
}

// extensions are the header lines with which the peer, as client or server,
// agrees to the compression mode.
func (o *connOptions) extensions() []string {
	switch o.compression {
	case websocket.CompressionContextTakeover:
		return []string{"Sec-WebSocket-Extensions: permessage-deflate"}
	case websocket.CompressionNoContextTakeover:
		return []string{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"}
	}
	return nil
}

func (o *connOptions) inflating(p *rawpeer.Peer) *rawpeer.Peer {
	if o.compression != websocket.CompressionDisabled {
		p.Inflates(o.takeover())
	}
	return p
}

// takeover is the compression mode as the peer's compressor takes it.
func (o *connOptions) takeover() rawpeer.Takeover {
	if o.compression == websocket.CompressionContextTakeover {
		return rawpeer.ContextTakeover
	}
	return rawpeer.NoTakeover
}

// peerIsClient reports whether p plays the client, and c is a server.
func peerIsClient(p *rawpeer.Peer) bool { return p.Response != nil }

// message is what Read returns.
type message struct {
	typ     websocket.MessageType
	payload string
}

// reading calls Read on a goroutine.
func reading(tb testing.TB, c *websocket.Conn) *rawpeer.Call[message] {
	return rawpeer.Go(tb, func() (message, error) {
		typ, p, err := c.Read(tb.Context())
		return message{typ, string(p)}, err
	})
}
