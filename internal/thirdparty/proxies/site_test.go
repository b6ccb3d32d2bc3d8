package proxies

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/bhojpur/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// timeout bounds each step of a test.
const timeout = 20 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

var schemes = []string{"ws", "wss"}

// site is a program behind a proxy, at host.
type site struct {
	*process
	addresses
	program *program
	client  *http.Client
}

func newSite(t *testing.T, p *process, a addresses, pr *program) *site {
	s := &site{process: p, addresses: a, program: pr}
	s.client = s.newClient(t, func(c net.Conn) net.Conn { return c })
	return s
}

// newClient returns a client that connects to the site, prefers HTTP/2, and wraps its
// connections.
func (s *site) newClient(t *testing.T, wrap func(net.Conn) net.Conn) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			c, err := s.dial(ctx, addr)
			if err != nil {
				return nil, err
			}
			return wrap(c), nil
		},
		TLSClientConfig:   s.tlsConfig(t),
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// tlsConfig trusts the site's certificate.
func (s *site) tlsConfig(t *testing.T) *tls.Config { return &tls.Config{RootCAs: roots(t)} }

// dial connects to the proxy, without TLS if addr has the port of http.
func (s *site) dial(ctx context.Context, addr string) (net.Conn, error) {
	to := s.secure
	if addr == net.JoinHostPort(host, "80") {
		to = s.plain
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to)
}

// pair is both ends of a connection, with its handshake.
type pair struct {
	client, server *websocket.Conn
	request        *http.Request
	response       *http.Response
}

// connect connects through the proxy. The connection is closed at the end of the test.
func (s *site) connect(t *testing.T, scheme string, opts *websocket.DialOptions) *pair {
	t.Helper()
	id := s.program.newID()
	c, resp, err := s.handshake(t, scheme+"://"+host+"/?id="+id, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	a, err := s.program.await(testContext(t), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.conn.CloseNow() })
	return &pair{client: c, server: a.conn, request: a.request, response: resp}
}

// handshake dials a URL of the site.
func (s *site) handshake(t *testing.T, url string, opts *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	var o websocket.DialOptions
	if opts != nil {
		o = *opts
	}
	if o.HTTPClient == nil {
		o.HTTPClient = s.client
	}
	return websocket.Dial(testContext(t), url, &o)
}

// direction is one of the two directions through a proxy.
type direction struct {
	name     string
	from, to *websocket.Conn
}

func (p *pair) directions() []direction {
	return []direction{
		{"to the server", p.client, p.server},
		{"to the client", p.server, p.client},
	}
}
