package dialing

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api"
	"go.uber.org/goleak"
)

// scriptedProxy is a listener whose connections the test handles itself.
type scriptedProxy struct {
	t  *testing.T
	ln net.Listener
}

func newScriptedProxy(t *testing.T) *scriptedProxy {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return &scriptedProxy{t, ln}
}

// transport returns a transport that uses the proxy.
func (p *scriptedProxy) transport() *http.Transport {
	return &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: p.ln.Addr().String()})}
}

// accept returns the next connection, and the CONNECT request on it.
func (p *scriptedProxy) accept() (net.Conn, *bufio.Reader, *http.Request) {
	p.t.Helper()
	conn, err := p.ln.Accept()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(timeout))
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil {
		p.t.Fatal(err)
	}
	if req.Method != http.MethodConnect {
		p.t.Fatalf("got %s %s, want CONNECT", req.Method, req.RequestURI)
	}
	return conn, r, req
}

// wantClosed expects the client to close the connection.
func wantClosed(t *testing.T, r io.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, r); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection to the proxy stays open: %v", err)
	}
}

// TestTunnelEndsWithContext expects a handshake whose context has ended to leave no
// connection, in any state of the tunnel.
func TestTunnelEndsWithContext(t *testing.T) {
	const established = "HTTP/1.1 200 Connection established\r\n\r\n"
	for _, test := range []struct {
		name, url string
		before    string // what the proxy sends before the context ends
		awaits    bool   // wait for the client's next bytes
		after     string // what it sends afterwards
	}{
		{"ws before the response", "ws://server.test", "", false, ""},
		{"ws inside the response", "ws://server.test", "HTTP/1.1 200", false, ""},
		{"ws, late response", "ws://server.test", "", false, established},
		{"ws after the response", "ws://server.test", established, true, ""},
		{"wss before the response", "wss://server.test", "", false, ""},
		{"wss, late response", "wss://server.test", "", false, established},
		{"wss in the TLS handshake", "wss://server.test", established, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			running := goleak.IgnoreCurrent()
			proxy := newScriptedProxy(t)
			transport := proxy.transport()
			for range 5 {
				ctx, cancel := context.WithCancel(testContext(t))
				dialed := make(chan error, 1)
				go func() {
					_, _, err := websocket.Dial(ctx, test.url, &websocket.DialOptions{HTTPClient: clientOf(t, transport)})
					dialed <- err
				}()
				conn, r, _ := proxy.accept()
				io.WriteString(conn, test.before)
				if test.awaits {
					if _, err := r.Peek(1); err != nil {
						t.Fatal(err)
					}
				}
				cancel()
				if err := <-dialed; !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
				io.WriteString(conn, test.after)
				wantClosed(t, r)
				conn.Close()
			}
			proxy.ln.Close()
			goleak.VerifyNone(t, running)
		})
	}
}

// TestTunnelsDoNotPileUp expects a connection to the proxy to be closed with the
// WebSocket connection in it, or when the handshake fails.
func TestTunnelsDoNotPileUp(t *testing.T) {
	running := goleak.IgnoreCurrent()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		echo(w, r)
	}))
	proxy := httptest.NewServer(http.HandlerFunc(serveConnect))
	at, _ := url.Parse(proxy.URL)
	opts := &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at)}}}
	for range 10 {
		testConn(t, dial(t, wsURL(srv.URL), opts))
		_, resp, err := websocket.Dial(testContext(t), wsURL(srv.URL)+"/refused", opts)
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Fatalf("got %v and %v, want the server's refusal", resp, err)
		}
	}
	proxy.Close() // waits for the handlers, each of which has a tunnel
	srv.Close()
	goleak.VerifyNone(t, running)
}

// TestTunnelHooks expects the transport's CONNECT fields to have the same effect as for
// https URLs.
func TestTunnelHooks(t *testing.T) {
	srv := newServer(t, echo)
	target := strings.TrimPrefix(srv.URL, "http://")
	errHook := errors.New("hook")
	type hooked struct {
		transport *http.Transport
		header    http.Header // of the request
		status    int         // passed to the hook
	}
	start := func(t *testing.T) *hooked {
		h := &hooked{}
		proxy := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			h.header = r.Header
			w.Header().Set("X-Proxy", "1")
			serveConnect(w, r)
		})
		at, _ := url.Parse(proxy.URL)
		h.transport = &http.Transport{Proxy: http.ProxyURL(at)}
		return h
	}
	connect := func(t *testing.T, h *hooked) error {
		c, _, err := websocket.Dial(testContext(t), wsURL(srv.URL), &websocket.DialOptions{HTTPClient: clientOf(t, h.transport)})
		if err == nil {
			testConn(t, c)
		}
		return err
	}
	t.Run("ProxyConnectHeader", func(t *testing.T) {
		h := start(t)
		h.transport.ProxyConnectHeader = http.Header{"X-Token": {"1"}}
		if err := connect(t, h); err != nil || h.header.Get("X-Token") != "1" {
			t.Errorf("got %v, and the proxy got %v", err, h.header)
		}
	})
	t.Run("GetProxyConnectHeader", func(t *testing.T) {
		h := start(t)
		h.transport.ProxyConnectHeader = http.Header{"X-Token": {"1"}}
		h.transport.GetProxyConnectHeader = func(_ context.Context, proxy *url.URL, addr string) (http.Header, error) {
			if addr != target {
				t.Errorf("the target is %q, want %q", addr, target)
			}
			return http.Header{"X-Token": {"2"}}, nil
		}
		if err := connect(t, h); err != nil || h.header.Get("X-Token") != "2" {
			t.Errorf("got %v, and the proxy got %v", err, h.header)
		}
	})
	t.Run("GetProxyConnectHeader fails", func(t *testing.T) {
		h := start(t)
		h.transport.GetProxyConnectHeader = func(context.Context, *url.URL, string) (http.Header, error) { return nil, errHook }
		if err := connect(t, h); !errors.Is(err, errHook) || h.header != nil {
			t.Errorf("got %v, and the proxy got %v", err, h.header)
		}
	})
	t.Run("OnProxyConnectResponse", func(t *testing.T) {
		h := start(t)
		h.transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, req *http.Request, resp *http.Response) error {
			h.status = resp.StatusCode
			if req.Host != target {
				t.Errorf("the request was for %q, want %q", req.Host, target)
			}
			return nil
		}
		if err := connect(t, h); err != nil || h.status != http.StatusOK {
			t.Errorf("got %v, and the hook got status %d", err, h.status)
		}
	})
	t.Run("OnProxyConnectResponse fails", func(t *testing.T) {
		h := start(t)
		h.transport.OnProxyConnectResponse = func(context.Context, *url.URL, *http.Request, *http.Response) error { return errHook }
		if err := connect(t, h); !errors.Is(err, errHook) {
			t.Errorf("got %v, want the hook's error", err)
		}
	})
}

// TestTunnelRedirect expects each request of a redirected handshake to use the proxy for
// its URL.
func TestTunnelRedirect(t *testing.T) {
	srv := newServer(t, echo)
	first := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, wsURL(srv.URL), http.StatusFound)
	})
	tunnels := make(chan string, 2)
	proxy := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		tunnels <- r.Host
		serveConnect(w, r)
	})
	at, _ := url.Parse(proxy.URL)
	testConn(t, dial(t, wsURL(first.URL), &websocket.DialOptions{
		HTTPClient: clientOf(t, &http.Transport{Proxy: http.ProxyURL(at)}),
	}))
	for _, want := range []string{first.URL, srv.URL} {
		if got := "http://" + <-tunnels; got != want {
			t.Errorf("a tunnel to %s, want one to %s", got, want)
		}
	}
}

// TestOtherRoundTripper expects a type that embeds *http.Transport to be used directly:
// it sends a GET request to the proxy.
func TestOtherRoundTripper(t *testing.T) {
	srv := newServer(t, echo)
	forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}
	methods := make(chan string, 1)
	proxy := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		methods <- r.Method
		forward.ServeHTTP(w, r)
	})
	at, _ := url.Parse(proxy.URL)
	transport := &http.Transport{Proxy: http.ProxyURL(at)}
	t.Cleanup(transport.CloseIdleConnections)
	embeds := struct{ *http.Transport }{transport}
	testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{HTTPClient: &http.Client{Transport: embeds}}))
	if got := <-methods; got != http.MethodGet {
		t.Errorf("the proxy got %s, want GET", got)
	}
}

const environmentChild = "DIALING_ENVIRONMENT_CHILD"

// TestProxyFromEnvironment dials with the Proxy of http.DefaultTransport in a separate
// process, because the environment is read only once.
func TestProxyFromEnvironment(t *testing.T) {
	srv := newServer(t, echo)
	if server := os.Getenv(environmentChild); server != "" {
		dialFromEnvironment(t, server)
		return
	}
	tunnels := make(chan string, 1)
	proxy := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		tunnels <- r.Host
		r.Host = srv.Listener.Addr().String()
		serveConnect(w, r)
	})
	for _, test := range []struct {
		none    string
		tunnels int
	}{
		{"", 1},
		{"other.test", 1},
		{"server.test", 0},
		{".test", 0},
		{"*", 0},
	} {
		cmd := exec.CommandContext(testContext(t), os.Args[0], "-test.run=^TestProxyFromEnvironment$", "-test.v")
		cmd.Env = append(os.Environ(), environmentChild+"="+srv.Listener.Addr().String(),
			"HTTP_PROXY="+proxy.URL, "NO_PROXY="+test.none, "http_proxy=", "no_proxy=", "REQUEST_METHOD=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("NO_PROXY=%s: %v\n%s", test.none, err, out)
		}
		if n := len(tunnels); n != test.tunnels {
			t.Errorf("NO_PROXY=%s: %d tunnels, want %d", test.none, n, test.tunnels)
		}
		for len(tunnels) > 0 {
			if got := <-tunnels; got != "server.test:80" {
				t.Errorf("a tunnel to %s, want one to server.test:80", got)
			}
		}
	}
}

// dialFromEnvironment dials a server whose name only this process, or the proxy, can
// resolve.
func dialFromEnvironment(t *testing.T, server string) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == "server.test:80" {
			addr = server
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	testConn(t, dial(t, "ws://server.test", &websocket.DialOptions{HTTPClient: clientOf(t, transport)}))
}
