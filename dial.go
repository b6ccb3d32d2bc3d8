//go:build !js

package websocket

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/httpheader"
	"github.com/bhojpur/api/internal/httptunnel"
)

// Dial opens a connection to a server (RFC 6455 section 4.1). The scheme of the URL is
// ws or wss; http and https are synonyms. User information in the URL is sent as basic
// authentication.
//
// ctx and the Timeout of opts.HTTPClient apply to the handshake only. They have no effect
// on the connection after Dial has returned.
//
// Dial follows redirects. A redirect from wss to ws is an error unless the CheckRedirect
// of opts.HTTPClient allows it.
//
// Dial returns the response of the server, if there is one, also with an error. The Body
// then has up to 1024 bytes. It need not be closed.
func Dial(ctx context.Context, u string, opts *DialOptions) (*Conn, *http.Response, error) {
	checkContext(ctx)
	c, resp, err := dial(ctx, u, opts.orDefault())
	if err != nil {
		return nil, resp, opError("dial", err)
	}
	return c, resp, nil
}

func dial(ctx context.Context, u string, opts *DialOptions) (*Conn, *http.Response, error) {
	if err := opts.compression().check(); err != nil {
		return nil, nil, err
	}
	hs := newClientHandshake(opts)
	hs.attach(ctx)
	req, err := hs.newRequest(u)
	if err != nil {
		hs.abort()
		return nil, nil, err
	}
	resp, err := hs.roundTrip(req)
	if err != nil {
		hs.abort()
		return nil, nil, err
	}
	c, err := hs.finish(resp)
	if err != nil {
		hs.readErrorBody(resp)
		hs.abort()
		return nil, resp, err
	}
	resp.Body = http.NoBody
	return c, resp, nil
}

// clientHandshake is the state of an opening handshake.
type clientHandshake struct {
	opts   *DialOptions
	client http.Client
	key    string

	subprotocols []string // the offered ones
	scheme       string   // of the URL, in its original letter case
	tls          bool     // the scheme is wss or https

	// The request has a context of its own, which the caller's context cancels only
	// during the handshake: some transports close the connection with it.
	ctx    context.Context
	cancel context.CancelCauseFunc
	detach []func() bool // in bounds
	bounds [2]func() bool

	tunnel httptunnel.Transport

	conn atomic.Pointer[net.Conn] // reported by the transport to httptrace
}

func newClientHandshake(opts *DialOptions) *clientHandshake {
	hs := &clientHandshake{opts: opts, client: *opts.httpClient()}
	hs.detach = hs.bounds[:0]
	hs.key = newKey()
	hs.client.CheckRedirect = checkRedirect(hs.client.CheckRedirect)
	if t := hs.client.Transport; t == nil {
		hs.client.Transport = http.DefaultTransport
	}
	if t, ok := hs.client.Transport.(*http.Transport); ok {
		hs.tunnel.Base = t
		hs.client.Transport = &hs.tunnel
	}
	return hs
}

// attach makes the context of the request, bounded by ctx and the client's Timeout.
func (hs *clientHandshake) attach(ctx context.Context) {
	hs.ctx, hs.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	hs.detach = append(hs.detach, context.AfterFunc(ctx, func() { hs.cancel(ctx.Err()) }))
	// With a Timeout the client would wrap the body in a type without Write, and
	// close the connection after the Timeout.
	if timeout := hs.client.Timeout; timeout > 0 {
		hs.client.Timeout = 0
		timer := time.AfterFunc(timeout, func() { hs.cancel(errHandshakeTimeout) })
		hs.detach = append(hs.detach, timer.Stop)
	}
	hs.ctx = httptrace.WithClientTrace(hs.ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { hs.conn.Store(&info.Conn) },
	})
}

// errHandshakeTimeout is the error of a handshake that exceeds the client's Timeout. It is
// [context.DeadlineExceeded] and a net.Error.
var errHandshakeTimeout error = handshakeTimeout{}

type handshakeTimeout struct{}

func (handshakeTimeout) Error() string   { return "the client's Timeout passed during the handshake" }
func (handshakeTimeout) Unwrap() error   { return context.DeadlineExceeded }
func (handshakeTimeout) Timeout() bool   { return true }
func (handshakeTimeout) Temporary() bool { return true }

// newKey returns a new Sec-WebSocket-Key.
func newKey() string {
	var random [16]byte
	var encoded [httpheader.KeyLen]byte
	rand.Read(random[:])
	base64.StdEncoding.Encode(encoded[:], random[:])
	return string(encoded[:])
}

// detachAll detaches the context of the request from the bounds of the handshake. It
// reports false if one of them has been reached.
func (hs *clientHandshake) detachAll() bool {
	all := true
	for _, detach := range hs.detach {
		all = detach() && all
	}
	return all
}

// abort frees the resources of a handshake that failed.
func (hs *clientHandshake) abort() {
	hs.detachAll()
	hs.cancel(nil)
}

// newRequest returns the request of RFC 6455 section 4.1.
func (hs *clientHandshake) newRequest(u string) (*http.Request, error) {
	target, err := hs.parseURL(u)
	if err != nil {
		return nil, err
	}
	if hs.subprotocols, err = hs.opts.offeredSubprotocols(); err != nil {
		return nil, err
	}
	if err := checkSubprotocols(hs.subprotocols); err != nil {
		return nil, err
	}
	host, err := hs.opts.host()
	if err != nil {
		return nil, err
	}
	req := new(http.Request).WithContext(hs.ctx)
	req.Method, req.URL, req.Host = http.MethodGet, target, cmp.Or(host, target.Host)
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	req.Header = hs.header()
	return req, nil
}

// header returns the header of the request: that of the options, and that of the
// handshake.
func (hs *clientHandshake) header() http.Header {
	h := hs.opts.HTTPHeader.Clone()
	if h == nil {
		h = make(http.Header, handshakeHeaders)
	}
	// Del would leave names that are not canonical.
	maps.DeleteFunc(h, func(name string, _ []string) bool { return isHandshakeHeader(http.CanonicalHeaderKey(name)) })
	values := make([]string, 0, handshakeHeaders) // one allocation for all
	set := func(name, value string) {
		if value != "" {
			values = append(values, value)
			h[name] = values[len(values)-1:][:1:1]
		}
	}
	set("Connection", "Upgrade")
	set("Upgrade", "websocket")
	set(headerVersion, protocolVersion)
	set(headerKey, hs.key)
	set(headerProtocol, strings.Join(hs.subprotocols, ", "))
	set(headerExtensions, offerDeflate(hs.opts.compression()))
	return h
}

// handshakeHeaders is the largest number of headers that the handshake sets.
const handshakeHeaders = 6

// isHandshakeHeader reports whether the handshake sets the header with a canonical name,
// and so replaces a program's.
func isHandshakeHeader(name string) bool {
	switch name {
	case "Host", "Connection", "Upgrade", headerVersion, headerKey, headerProtocol, headerExtensions:
		return true
	}
	return false
}

// parseURL returns the URL to request for a WebSocket URL.
func (hs *clientHandshake) parseURL(u string) (*url.URL, error) {
	target, err := url.Parse(u)
	if err != nil {
		return nil, withoutURL(err)
	}
	hs.scheme = asTyped(target.Scheme, u)
	if !toHTTP(target) {
		return nil, fmt.Errorf("scheme of URL is %q, not ws or wss", hs.scheme)
	}
	hs.tls = target.Scheme == "https"
	target.Fragment = "" // meaningless (RFC 6455 section 3)
	return target, nil
}

// toHTTP changes the scheme of a WebSocket URL to http or https. It reports false for
// other schemes.
func toHTTP(u *url.URL) bool {
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return false
	}
	return true
}

// roundTrip sends the request, follows redirects and returns the response.
func (hs *clientHandshake) roundTrip(req *http.Request) (*http.Response, error) {
	resp, err := hs.client.Do(req)
	if err == nil {
		return resp, nil
	}
	err = hs.withURLAsTyped(err)
	if cause := context.Cause(hs.ctx); cause != nil {
		if !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		return nil, err
	}
	return nil, hs.withALPN(err)
}

// withURLAsTyped returns an error of the client with the scheme of the caller's URL in
// place of http or https.
func (hs *clientHandshake) withURLAsTyped(err error) error {
	e, ok := err.(*url.Error)
	if !ok {
		return err
	}
	scheme, rest, _ := strings.Cut(e.URL, ":")
	switch overTLS := scheme == "https"; {
	case !overTLS && scheme != "http": // of the Location header of a redirect
		return err
	case overTLS == hs.tls:
		scheme = hs.scheme
	case overTLS: // after a redirect
		scheme = "wss"
	default:
		scheme = "ws"
	}
	return &url.Error{Op: e.Op, URL: scheme + ":" + rest, Err: e.Err}
}

// withALPN adds to err that TLS negotiated another protocol than HTTP/1.1, which a
// transport may report as the end of the connection only.
func (hs *clientHandshake) withALPN(err error) error {
	conn := hs.conn.Load()
	if conn == nil {
		return err
	}
	secured, ok := (*conn).(interface{ ConnectionState() tls.ConnectionState })
	if !ok {
		return err
	}
	switch protocol := secured.ConnectionState().NegotiatedProtocol; protocol {
	case "", "http/1.1":
		return err
	default:
		return fmt.Errorf("the server negotiated %q by ALPN, and the handshake is HTTP/1.1; "+
			"offer http/1.1 alone in NextProtos of the tls.Config that the transport dials with: %w", protocol, err)
	}
}

// finish checks the response and returns the connection.
func (hs *clientHandshake) finish(resp *http.Response) (*Conn, error) {
	protocol, params, err := hs.checkResponse(resp)
	if err != nil {
		return nil, err
	}
	rwc, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		return nil, fmt.Errorf("the transport's response has a body of type %T, which can't be written to", resp.Body)
	}
	if !hs.detachAll() {
		// The context ended or the Timeout passed. The function registered for that
		// is about to cancel hs.ctx.
		<-hs.ctx.Done()
		return nil, context.Cause(hs.ctx)
	}
	var conn net.Conn
	if reported := hs.conn.Load(); reported != nil {
		conn = *reported
	}
	c := new(Conn)
	c.init(client, params, hs.opts.connection(protocol))
	c.begin(rwc, conn)
	return c, nil
}

const (
	// maxRefusalBody is the maximum number of bytes kept of a refusal's body.
	maxRefusalBody = 1024
	// bodyTimeout bounds the reading of that body.
	bodyTimeout = 3 * time.Second
)

// readErrorBody replaces the body of a response that was refused by its first
// maxRefusalBody bytes, and closes the connection.
func (hs *clientHandshake) readErrorBody(resp *http.Response) {
	body := resp.Body
	if resp.StatusCode == http.StatusSwitchingProtocols {
		body.Close()
		resp.Body = http.NoBody
		return
	}
	stop := time.AfterFunc(bodyTimeout, func() { hs.cancel(errHandshakeTimeout) })
	defer stop.Stop()
	kept, _ := io.ReadAll(io.LimitReader(body, maxRefusalBody))
	hs.cancel(nil)
	body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(kept))
}

// host returns the Host header to send, or "" for that of the URL.
func (o *DialOptions) host() (string, error) {
	lines := linesOf(o.HTTPHeader, "Host")
	switch {
	case len(lines) == 0:
		return o.Host, nil
	case len(lines) > 1 || lines[0] == "":
		return "", fmt.Errorf("HTTPHeader has Host %q, not one host", lines)
	case o.Host != "" && o.Host != lines[0]:
		return "", fmt.Errorf("HTTPHeader has Host %q, and Host is %q", lines[0], o.Host)
	}
	return lines[0], nil
}
