package httptunnel

//lint:file-ignore SA1019 programs may set the deprecated fields of http.Transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// proxied makes a request to a server through a proxy. serve is called with the proxy's
// end of the connection and the CONNECT request on it.
func proxied(t *testing.T, base *http.Transport, proxy string, serve func(net.Conn, *bufio.Reader, *http.Request)) (*http.Response, error) {
	t.Helper()
	n := rawpeer.Listen(nil)
	defer n.Close()
	at, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	base.Proxy = http.ProxyURL(at)
	if base.DialContext == nil {
		base.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return n.Dial(ctx) }
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := n.Accept()
		if err != nil {
			return // no dial
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		req, err := http.ReadRequest(r)
		if err != nil {
			t.Error(err)
			return
		}
		serve(conn, r, req)
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server.test/path", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&Transport{Base: base}).RoundTrip(req)
	if err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	n.Close()
	<-served
	return resp, err
}

// respond reads the request in the tunnel, and responds to it.
func respond(t *testing.T, conn net.Conn, r *bufio.Reader) {
	req, err := http.ReadRequest(r)
	if err != nil {
		t.Error(err)
		return
	}
	if req.RequestURI != "/path" || req.Host != "server.test" {
		t.Errorf("the request in the tunnel is for %q of %q", req.RequestURI, req.Host)
	}
	io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
}

// The CONNECT request has the address and the credentials.
func TestRequest(t *testing.T) {
	for _, test := range []struct{ proxy, authorization string }{
		{"http://proxy.test", "Basic mine"},
		{"http://user:pass@proxy.test", "Basic dXNlcjpwYXNz"},
		{"http://user@proxy.test", "Basic dXNlcjo="},
	} {
		t.Run(test.proxy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				header := http.Header{"Proxy-Authorization": {"Basic mine"}, "X-Token": {"1"}}
				resp, err := proxied(t, &http.Transport{ProxyConnectHeader: header}, test.proxy, func(conn net.Conn, r *bufio.Reader, req *http.Request) {
					if req.Method != http.MethodConnect || req.RequestURI != "server.test:80" || req.Host != "server.test:80" {
						t.Errorf("got %s %s, Host %s", req.Method, req.RequestURI, req.Host)
					}
					if got := req.Header["Proxy-Authorization"]; len(got) != 1 || got[0] != test.authorization || req.Header.Get("X-Token") != "1" {
						t.Errorf("got header %v, want authorization %q", req.Header, test.authorization)
					}
					io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
					respond(t, conn, r)
				})
				if err != nil || resp.StatusCode != http.StatusNoContent {
					t.Errorf("got %v, %v", resp, err)
				}
				if header.Get("Proxy-Authorization") != "Basic mine" {
					t.Error("the transport's header was changed")
				}
			})
		})
	}
}

// Responses that open the tunnel, and others.
func TestResponse(t *testing.T) {
	for _, test := range []struct {
		name, response string
		ok             bool
	}{
		{"200", "HTTP/1.1 200 Connection established\r\n\r\n", true},
		{"200 of HTTP/1.0", "HTTP/1.0 200 Connection established\r\n\r\n", true},
		{"another 2xx", "HTTP/1.1 202 Accepted\r\n\r\n", true},
		{"lengths, which have no meaning", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		{"1xx before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", false},
		{"301", "HTTP/1.1 301 Moved Permanently\r\nLocation: http://other.test/\r\n\r\n", false},
		{"407", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", false},
		{"502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", false},
		{"bytes behind it", "HTTP/1.1 200 OK\r\n\r\nx", false},
		{"not HTTP", "SSH-2.0-OpenSSH\r\n", false},
		{"half a header", "HTTP/1.1 200 OK\r\nX-", false},
		{"nothing", "", false},
		{"a long header", "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 5000) + "\r\n\r\n", false},
		{"no end of 1xx", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 500), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := proxied(t, &http.Transport{MaxResponseHeaderBytes: 4 << 10}, "http://proxy.test", func(conn net.Conn, r *bufio.Reader, _ *http.Request) {
					io.WriteString(conn, test.response)
					if test.ok {
						respond(t, conn, r)
					}
				})
				if (err == nil) != test.ok {
					t.Errorf("got error %v, want it to succeed: %t", err, test.ok)
				}
				if op, ok := errors.AsType[*net.OpError](err); err != nil && (!ok || op.Op != "proxyconnect") {
					t.Errorf("got %v, want a *net.OpError of proxyconnect", err)
				}
			})
		})
	}
}

// CONNECT to a silent proxy fails after a minute, even without a deadline.
func TestSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := proxied(t, &http.Transport{}, "http://proxy.test", func(_ net.Conn, r *bufio.Reader, _ *http.Request) {
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("got %v, want the connection's end", err)
			}
		})
		if passed := time.Since(start); err == nil || passed != connectTimeout {
			t.Errorf("got %v after %v", err, passed)
		}
	})
}

// Which function dials the proxy, with which address, and its errors.
func TestDialsProxy(t *testing.T) {
	errDial := errors.New("no")
	refuse := func(want string) func(context.Context, string, string) (net.Conn, error) {
		return func(_ context.Context, network, addr string) (net.Conn, error) {
			if network != "tcp" || addr != want {
				t.Errorf("dialed %s %s, want tcp %s", network, addr, want)
			}
			return nil, errDial
		}
	}
	older := func(want string) func(string, string) (net.Conn, error) {
		return func(network, addr string) (net.Conn, error) { return refuse(want)(nil, network, addr) }
	}
	for _, test := range []struct {
		proxy string
		base  *http.Transport
	}{
		{"http://proxy.test", &http.Transport{DialContext: refuse("proxy.test:80")}},
		{"http://proxy.test:3128", &http.Transport{DialContext: refuse("proxy.test:3128"), DialTLSContext: refuse("")}},
		{"http://[::1]", &http.Transport{Dial: older("[::1]:80")}},
		{"https://proxy.test", &http.Transport{DialContext: refuse("proxy.test:443")}},
		{"https://proxy.test:81", &http.Transport{DialContext: refuse(""), DialTLSContext: refuse("proxy.test:81")}},
		{"https://proxy.test", &http.Transport{DialContext: refuse(""), DialTLS: older("proxy.test:443")}},
		{"socks5://proxy.test", &http.Transport{DialContext: refuse("proxy.test:1080")}},
	} {
		at, _ := url.Parse(test.proxy)
		test.base.Proxy = http.ProxyURL(at)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server.test/", nil)
		if _, err := (&Transport{Base: test.base}).RoundTrip(req); !errors.Is(err, errDial) {
			t.Errorf("%s: got %v, want the dial's error", test.proxy, err)
		}
	}
	nothing := func(context.Context, string, string) (net.Conn, error) { return nil, nil }
	if _, err := proxied(t, &http.Transport{DialContext: nothing}, "http://proxy.test", nil); err == nil {
		t.Error("no error without a connection")
	}
}

// Without a proxy, and after an error of the Proxy function, Base handles the request.
func TestNoProxy(t *testing.T) {
	errProxy, errDial := errors.New("proxy"), errors.New("dial")
	for _, test := range []struct {
		proxy func(*http.Request) (*url.URL, error)
		want  error
	}{
		{nil, errDial},
		{func(*http.Request) (*url.URL, error) { return nil, nil }, errDial},
		{func(*http.Request) (*url.URL, error) { return nil, errProxy }, errProxy},
	} {
		base := &http.Transport{Proxy: test.proxy, DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			if addr != "server.test:80" {
				t.Errorf("dialed %s", addr)
			}
			return nil, errDial
		}}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server.test/", nil)
		if _, err := (&Transport{Base: base}).RoundTrip(req); !errors.Is(err, test.want) {
			t.Errorf("got %v, want %v", err, test.want)
		}
	}
}
