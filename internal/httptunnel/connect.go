package httptunnel

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// connectTimeout bounds CONNECT if the context does not: the proxy connects to the
	// server meanwhile. It is the same as in net/http.
	connectTimeout = time.Minute
	// maxHeader bounds the header of the proxy's response, unless the transport has its
	// own limit.
	maxHeader = 1 << 20
)

var errConnectTimeout = errors.New("no response to CONNECT within a minute")

// connect asks the proxy for a tunnel to addr (RFC 9110 section 9.3.6).
func (d *dialer) connect(ctx context.Context, conn net.Conn, addr string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnectTimeout)
	defer cancel()
	header, err := d.connectHeader(ctx, addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = d.exchange(ctx, conn, &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: addr},
		Host:   addr,
		Header: header,
	})
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}

// connectHeader returns a new header for the request.
func (d *dialer) connectHeader(ctx context.Context, addr string) (http.Header, error) {
	header := d.base.ProxyConnectHeader
	if get := d.base.GetProxyConnectHeader; get != nil {
		var err error
		if header, err = get(ctx, d.proxy, addr); err != nil {
			return nil, err
		}
	}
	if header = header.Clone(); header == nil {
		header = make(http.Header)
	}
	if user := d.proxy.User; user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	return header, nil
}

// exchange sends the request and reads the final response.
func (d *dialer) exchange(ctx context.Context, conn net.Conn, req *http.Request) error {
	if err := req.Write(conn); err != nil {
		return err
	}
	most := cmp.Or(d.base.MaxResponseHeaderBytes, maxHeader)
	r := bufio.NewReader(io.LimitReader(conn, most))
	resp, err := http.ReadResponse(r, req)
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(r, req)
	}
	if err != nil {
		return fmt.Errorf("response to CONNECT: %w", err)
	}
	if answered := d.base.OnProxyConnectResponse; answered != nil {
		if err := answered(ctx, d.proxy, req, resp); err != nil {
			return err
		}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the proxy %s answered CONNECT %s with status %q", d.proxy.Host, req.Host, resp.Status)
	}
	// A server sends nothing before it has received the client's request. Bytes
	// buffered here would be missing from the tunnel.
	if n := r.Buffered(); n > 0 {
		return fmt.Errorf("the proxy %s sent %d bytes after its response to CONNECT", d.proxy.Host, n)
	}
	return nil
}
