//go:build !js

package conntest

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// Options configure the connection under test, in either role. The zero value selects
// the library's defaults.
type Options struct {
	Compression                             websocket.CompressionMode // negotiated without changes
	Threshold                               int
	ReadLimit                               int64
	MaxBacklog                              int64
	PingInterval, PingTimeout, WriteTimeout time.Duration
	OnPing                                  func(ctx context.Context, payload []byte) bool
	OnPong                                  func(ctx context.Context, payload []byte)

	Pipe   *rawpeer.PipeOptions
	Frames []rawpeer.Frame // sent by the peer directly after the handshake
}

// Connect creates a connection under test and its peer.
type Connect func(tb testing.TB, n rawpeer.Network, opts *Options) (*websocket.Conn, *rawpeer.Peer)

// A Role is a role of a connection under test. The peer has the other role.
type Role struct {
	Name    string
	Connect Connect
}

// Roles are the server and the client.
var Roles = []Role{
	{"server", Accepted},
	{"client", Dialed},
}

// ForBothRoles runs test for each role, each in a bubble and over an in-memory stream.
// c is closed when test returns. A nil opts selects the defaults.
func ForBothRoles(t *testing.T, opts *Options, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	if opts == nil {
		opts = new(Options)
	}
	for _, role := range Roles {
		t.Run(role.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := role.Connect(t, rawpeer.Listen(opts.Pipe), opts)
				defer c.CloseNow()
				test(t, c, p)
			})
		})
	}
}

// OverTCP is [ForBothRoles] on the loopback network, in real time.
func OverTCP(t *testing.T, opts *Options, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	if opts == nil {
		opts = new(Options)
	}
	for _, role := range Roles {
		t.Run(role.Name+"/tcp", func(t *testing.T) {
			c, p := role.Connect(t, rawpeer.ListenLoopback(t), opts)
			defer c.CloseNow()
			test(t, c, p)
		})
	}
}

// Accepted is the [Connect] of a server.
func Accepted(tb testing.TB, n rawpeer.Network, opts *Options) (*websocket.Conn, *rawpeer.Peer) {
	tb.Helper()
	c, p := rawpeer.Accepted(tb, n, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		return websocket.Accept(w, r, opts.Accept())
	}, &rawpeer.ClientOptions{Header: opts.Extensions(), Frames: opts.Frames})
	return c, opts.Inflating(p)
}

// Dialed is the [Connect] of a client.
func Dialed(tb testing.TB, n rawpeer.Network, opts *Options) (*websocket.Conn, *rawpeer.Peer) {
	tb.Helper()
	c, p := rawpeer.Dialed(tb, n, func(ctx context.Context, url string, client *http.Client) (*websocket.Conn, error) {
		c, _, err := websocket.Dial(ctx, url, opts.Dial(client))
		return c, err
	}, &rawpeer.ServerOptions{Header: opts.Extensions(), Frames: opts.Frames})
	return c, opts.Inflating(p)
}

// Accept returns the options for Accept.
func (o *Options) Accept() *websocket.AcceptOptions {
	return &websocket.AcceptOptions{
		CompressionMode:      o.Compression,
		CompressionThreshold: o.Threshold,
		ReadLimit:            o.ReadLimit,
		MaxBacklog:           o.MaxBacklog,
		PingInterval:         o.PingInterval,
		PingTimeout:          o.PingTimeout,
		WriteTimeout:         o.WriteTimeout,
		OnPingReceived:       o.OnPing,
		OnPongReceived:       o.OnPong,
	}
}

// Dial returns the options for Dial, with client as the HTTPClient.
func (o *Options) Dial(client *http.Client) *websocket.DialOptions {
	return &websocket.DialOptions{
		HTTPClient:           client,
		CompressionMode:      o.Compression,
		CompressionThreshold: o.Threshold,
		ReadLimit:            o.ReadLimit,
		MaxBacklog:           o.MaxBacklog,
		PingInterval:         o.PingInterval,
		PingTimeout:          o.PingTimeout,
		WriteTimeout:         o.WriteTimeout,
		OnPingReceived:       o.OnPing,
		OnPongReceived:       o.OnPong,
	}
}

// Extensions returns the header lines with which the peer, as client or server, agrees
// to the compression mode.
func (o *Options) Extensions() []string {
	switch o.Compression {
	case websocket.CompressionContextTakeover:
		return []string{"Sec-WebSocket-Extensions: permessage-deflate"}
	case websocket.CompressionNoContextTakeover:
		return []string{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"}
	}
	return nil
}

// Inflating makes p inflate received messages, if compression was negotiated, and
// returns p.
func (o *Options) Inflating(p *rawpeer.Peer) *rawpeer.Peer {
	if o.Compression != websocket.CompressionDisabled {
		p.Inflates(o.Takeover())
	}
	return p
}

// Takeover returns the compression mode as an option of the peer's compressor.
func (o *Options) Takeover() rawpeer.Takeover {
	if o.Compression == websocket.CompressionContextTakeover {
		return rawpeer.ContextTakeover
	}
	return rawpeer.NoTakeover
}

// PeerIsClient reports whether p is the client, and the connection under test
// the server.
func PeerIsClient(p *rawpeer.Peer) bool { return p.Response != nil }

// A Message is the result of Read.
type Message struct {
	Type    websocket.MessageType
	Payload string
}

// GoRead calls Read on a goroutine.
func GoRead(tb testing.TB, c *websocket.Conn) *rawpeer.Call[Message] {
	return rawpeer.Go(tb, func() (Message, error) {
		typ, p, err := c.Read(tb.Context())
		return Message{Type: typ, Payload: string(p)}, err
	})
}

// The documented timeouts and limits of the library.
const (
	CloseTimeout = 5 * time.Second // for the peer's close frame in Close
	DrainTime    = time.Second     // for the peer's reply to the close frame of a violation
	DefaultLimit = 32768           // of the bytes of a message
)

// LongestPayload is the longest payload of a control frame (RFC 6455 section 5.5).
var LongestPayload = strings.Repeat("p", 125)

// UnderTest returns the stream's end of the connection under test.
func UnderTest(p *rawpeer.Peer) *rawpeer.Stream { return p.Stream().Peer() }

// Allocated returns the number of bytes that all goroutines allocate while f runs.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
