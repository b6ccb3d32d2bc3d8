package interop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bhojpur/api"
)

// session is this side of a connection with a peer.
type session struct {
	ctx    context.Context
	conn   *websocket.Conn
	report func(context.Context) (report, error)
	agreed agreement
	wire   wire

	ourTakeover, peerTakeover func(agreement) bool

	mu    sync.Mutex
	pings []string // payloads of the pings that arrived
}

func (s *session) onPing(_ context.Context, payload []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pings = append(s.pings, string(payload))
	return true
}

// pinged reports whether exactly these pings have arrived.
func (s *session) pinged(payloads ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Equal(s.pings, payloads)
}

// connector opens a connection for an exchange. It is closed at the end of the test.
type connector func(context.Context, *testing.T, exchange) *session

// role is the role of this side.
type role struct {
	name string
	// connect starts the peer for connections with one compression, until the end of
	// the test.
	connect func(*testing.T, peer, compression) connector
}

var roles = []role{{"client", asClient}, {"server", asServer}}

var lastID atomic.Int64

func newID() string { return fmt.Sprint(lastID.Add(1)) }

func serverTakeover(a agreement) bool { return a.serverTakeover }
func clientTakeover(a agreement) bool { return a.clientTakeover }

// asClient dials the peer's server.
func asClient(t *testing.T, p peer, c compression) connector {
	srv := p.server(t, c.peer)
	return func(ctx context.Context, t *testing.T, e exchange) *session {
		id := newID()
		s := &session{
			ctx:          ctx,
			report:       func(ctx context.Context) (report, error) { return srv.report(ctx, id) },
			ourTakeover:  clientTakeover,
			peerTakeover: serverTakeover,
		}
		u := fmt.Sprintf("%s/%s?id=%s", srv.url(), url.PathEscape(string(e.behavior)), id)
		conn, resp, err := websocket.Dial(ctx, u, &websocket.DialOptions{
			HTTPClient:            &http.Client{Transport: &http.Transport{DialContext: s.wire.dialer(e.counted)}},
			Subprotocols:          e.subprotocols,
			CompressionMode:       c.ours,
			CompressionWindowBits: c.bits,
			OnPingReceived:        s.onPing,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.CloseNow() })
		if got := parseAgreement(t, resp.Header.Get("Sec-WebSocket-Extensions")); got != c.agreed {
			t.Errorf("agreed on %+v, want %+v", got, c.agreed)
		}
		s.conn = conn
		return s
	}
}

// asServer accepts connections from the peer's client.
func asServer(t *testing.T, p peer, c compression) connector {
	client := p.client(t, c.peer)
	return func(ctx context.Context, t *testing.T, e exchange) *session {
		id := newID()
		s := &session{
			ctx:          ctx,
			report:       func(ctx context.Context) (report, error) { return client.report(ctx, id) },
			ourTakeover:  serverTakeover,
			peerTakeover: clientTakeover,
		}
		accepted := make(chan *websocket.Conn, 1)
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
				Subprotocols:          []string{"interop"},
				CompressionMode:       c.ours,
				CompressionWindowBits: c.bits,
				OnPingReceived:        s.onPing,
			})
			if err != nil {
				t.Error(err)
				close(accepted)
				return
			}
			accepted <- conn
		}))
		if e.counted {
			srv.Listener = countingListener{srv.Listener, &s.wire}
		}
		srv.Start()
		t.Cleanup(srv.Close)
		err := client.dial(job{
			ID:           id,
			URL:          "ws" + strings.TrimPrefix(srv.URL, "http"),
			Behavior:     e.behavior,
			Subprotocols: e.subprotocols,
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case s.conn = <-accepted:
		case <-ctx.Done():
		}
		if s.conn == nil {
			t.Fatal("the peer did not connect")
		}
		t.Cleanup(func() { s.conn.CloseNow() })
		return s
	}
}

// wire counts the bytes of a connection.
type wire struct {
	sent, received atomic.Int64
}

func (w *wire) dialer(counted bool) func(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	if !counted {
		return d.DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return countingConn{c, w}, nil
	}
}

type countingListener struct {
	net.Listener
	wire *wire
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, l.wire}, nil
}

type countingConn struct {
	net.Conn
	wire *wire
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.received.Add(int64(n))
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.sent.Add(int64(n))
	return n, err
}
