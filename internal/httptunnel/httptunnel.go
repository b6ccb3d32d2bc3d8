// Package httptunnel sends HTTP requests through HTTP proxies by CONNECT, for any
// scheme of their URL.
//
// [http.Transport] opens a tunnel only for https URLs. It sends a request for an http
// URL to the proxy itself, which removes Upgrade as a hop-by-hop header. RFC 6455
// section 4.1 requires a tunnel in both cases.
package httptunnel

//lint:file-ignore SA1019 programs may set the deprecated fields of http.Transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
)

// Transport is an [http.RoundTripper] that opens a tunnel if Base would send the
// request through an http or https proxy. It passes other requests to Base: those
// without a proxy, and those with a SOCKS proxy.
//
// The fields of Base apply to the request, to the TLS handshake with the server, if
// any, and to the connection to the proxy. The connection is used for one request, and
// is closed when the request's context is done.
type Transport struct {
	Base *http.Transport
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.Base.Proxy == nil {
		return t.Base.RoundTrip(req)
	}
	proxy, err := t.Base.Proxy(req)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	if proxy == nil || proxy.Scheme != "http" && proxy.Scheme != "https" {
		return t.Base.RoundTrip(req)
	}
	return t.through(proxy, req.Context()).RoundTrip(req)
}

// through returns a transport for one request. Its dials end with ctx; those of an
// http.Transport continue without their request, for later ones.
func (t *Transport) through(proxy *url.URL, ctx context.Context) *http.Transport {
	d := &dialer{base: t.Base, proxy: proxy}
	once := t.Base.Clone()
	once.Proxy = nil
	once.Dial = nil
	once.DialContext = func(_ context.Context, network, addr string) (net.Conn, error) {
		return d.dial(ctx, network, addr)
	}
	// In the tunnel these would dial the proxy, not the server.
	once.DialTLS = nil
	once.DialTLSContext = nil
	// Close a connection that is established after its request has ended.
	once.DisableKeepAlives = true
	return once
}

// dialer opens tunnels through a proxy.
type dialer struct {
	base  *http.Transport
	proxy *url.URL
}

// dial opens a tunnel to addr. It is closed when ctx is done, possibly long after dial
// has returned.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.dialProxy(ctx, network)
	if err != nil {
		return nil, d.failed(network, err)
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	if err := d.connect(ctx, conn, addr); err != nil {
		conn.Close()
		return nil, d.failed(network, err)
	}
	return conn, nil
}

// failed returns an error of the same type and text as net/http's.
func (d *dialer) failed(network string, err error) error {
	return &net.OpError{Op: "proxyconnect", Net: network, Err: err}
}

// dialProxy connects to the proxy, over TLS if it is an https proxy.
func (d *dialer) dialProxy(ctx context.Context, network string) (net.Conn, error) {
	addr := proxyAddr(d.proxy)
	if d.proxy.Scheme == "https" {
		switch {
		case d.base.DialTLSContext != nil:
			return d.shakenIfTLS(ctx)(d.base.DialTLSContext(ctx, network, addr))
		case d.base.DialTLS != nil:
			return d.shakenIfTLS(ctx)(d.base.DialTLS(network, addr))
		}
	}
	conn, err := d.dialTCP(ctx, network, addr)
	if err != nil || d.proxy.Scheme == "http" {
		return conn, err
	}
	return d.startTLS(ctx, conn)
}

var errNoConn = errors.New("the transport's dial function returned neither a connection nor an error")

func (d *dialer) dialTCP(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	switch {
	case d.base.DialContext != nil:
		conn, err = d.base.DialContext(ctx, network, addr)
	case d.base.Dial != nil:
		conn, err = d.base.Dial(network, addr)
	default:
		var plain net.Dialer
		conn, err = plain.DialContext(ctx, network, addr)
	}
	if conn == nil && err == nil {
		err = errNoConn
	}
	return conn, err
}

// proxyAddr returns the host and port of a proxy's URL.
func proxyAddr(proxy *url.URL) string {
	port := proxy.Port()
	switch {
	case port != "":
	case proxy.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}
