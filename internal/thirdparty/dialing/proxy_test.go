package dialing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bhojpur/api"
)

const proxyUser, proxyPassword = "user", "secret"

// proxyKinds are the kinds of proxies in TestProxy.
var proxyKinds = []struct {
	scheme string
	start  func(*testing.T) (addr string, passed *atomic.Int64)
}{
	{"http", startHTTPProxy},
	{"https", startHTTPSProxy},
	{"socks5", startSOCKS5},
}

// TestProxy dials through proxies that require a password.
func TestProxy(t *testing.T) {
	plain := newServer(t, echo)
	secure, client := newTLSServer(t)
	for _, kind := range proxyKinds {
		for _, srv := range []*httptest.Server{plain, secure} {
			target, _ := url.Parse(wsURL(srv.URL))
			through := func(t *testing.T, user *url.Userinfo) (*websocket.DialOptions, *atomic.Int64) {
				addr, passed := kind.start(t)
				transport := client.Transport.(*http.Transport).Clone()
				transport.Proxy = http.ProxyURL(&url.URL{Scheme: kind.scheme, User: user, Host: addr})
				return &websocket.DialOptions{HTTPClient: clientOf(t, transport)}, passed
			}
			t.Run(kind.scheme+"/"+target.Scheme, func(t *testing.T) {
				opts, passed := through(t, url.UserPassword(proxyUser, proxyPassword))
				testConn(t, dial(t, target.String(), opts))
				if n := passed.Load(); n != 1 {
					t.Errorf("%d connections passed through the proxy, want 1", n)
				}
			})
			t.Run(kind.scheme+"/"+target.Scheme+" refused", func(t *testing.T) {
				opts, passed := through(t, nil)
				_, _, err := websocket.Dial(testContext(t), target.String(), opts)
				if err == nil || passed.Load() != 0 {
					t.Errorf("got %v without a password, want an error", err)
				}
			})
		}
	}
}

// startHTTPProxy starts a proxy that only opens tunnels (RFC 9110 section 9.3.6), and
// counts them.
func startHTTPProxy(t *testing.T) (addr string, passed *atomic.Int64) {
	h, passed := connectHandler()
	return newServer(t, h).Listener.Addr().String(), passed
}

// startHTTPSProxy starts such a proxy with TLS.
func startHTTPSProxy(t *testing.T) (addr string, passed *atomic.Int64) {
	h, passed := connectHandler()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), passed
}

func connectHandler() (h http.HandlerFunc, passed *atomic.Int64) {
	passed = new(atomic.Int64)
	return func(w http.ResponseWriter, r *http.Request) {
		auth := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		user, password, _ := auth.BasicAuth()
		switch {
		case user != proxyUser || password != proxyPassword:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method != http.MethodConnect:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			passed.Add(1)
			serveConnect(w, r)
		}
	}, passed
}

func serveConnect(w http.ResponseWriter, r *http.Request) {
	server, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		server.Close()
		return
	}
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	splice(client, server, buffered)
}

// splice copies between two connections until one ends. It reads the client's bytes
// from r.
func splice(client, server net.Conn, r io.Reader) {
	var wg sync.WaitGroup
	stop := func() {
		client.Close()
		server.Close()
	}
	wg.Go(func() {
		defer stop()
		io.Copy(server, r)
	})
	wg.Go(func() {
		defer stop()
		io.Copy(client, server)
	})
	wg.Wait()
}

// startSOCKS5 starts a SOCKS proxy (RFC 1928, with the passwords of RFC 1929) that
// counts its connections.
func startSOCKS5(t *testing.T) (addr string, passed *atomic.Int64) {
	passed = new(atomic.Int64)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer client.Close()
				server, err := acceptSOCKS5(client)
				if err != nil {
					return
				}
				passed.Add(1)
				splice(client, server, client)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return ln.Addr().String(), passed
}

var errSOCKS = errors.New("not what this proxy speaks")

// acceptSOCKS5 reads a client's request and connects to the requested address.
func acceptSOCKS5(client net.Conn) (server net.Conn, err error) {
	const (
		version         = 5
		byPassword      = 2
		passwordVersion = 1
		connect         = 1
		ipv4, domain    = 1, 3
	)
	r := reader{client}
	if r.byte() != version {
		return nil, errSOCKS
	}
	r.bytes(int(r.byte())) // the authentication methods
	client.Write([]byte{version, byPassword})
	if r.byte() != passwordVersion {
		return nil, errSOCKS
	}
	user, password := string(r.bytes(int(r.byte()))), string(r.bytes(int(r.byte())))
	if user != proxyUser || password != proxyPassword {
		client.Write([]byte{passwordVersion, 1})
		return nil, errSOCKS
	}
	client.Write([]byte{passwordVersion, 0})

	var host string
	request := r.bytes(4)
	switch {
	case request[0] != version || request[1] != connect:
		return nil, errSOCKS
	case request[3] == ipv4:
		host = net.IP(r.bytes(net.IPv4len)).String()
	case request[3] == domain:
		host = string(r.bytes(int(r.byte())))
	default:
		return nil, errSOCKS
	}
	port := binary.BigEndian.Uint16(r.bytes(2))
	server, err = net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	_, err = client.Write([]byte{version, 0, 0, ipv4, 0, 0, 0, 0, 0, 0})
	return server, err
}

// reader reads from a connection. At the end it returns zeros, which are invalid in all
// requests.
type reader struct{ net.Conn }

func (r reader) bytes(n int) []byte {
	p := make([]byte, n)
	io.ReadFull(r.Conn, p)
	return p
}

func (r reader) byte() byte { return r.bytes(1)[0] }
