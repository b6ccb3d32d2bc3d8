//go:build !js

package websocket

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Dial opens a connection to a server (RFC 6455 section 4.1). The URL's scheme
// is ws or wss; http and https mean the same. User information in it becomes
// basic authentication.
//
// ctx bounds the handshake alone, and so does the Timeout of opts.HTTPClient:
// once Dial has returned they have no effect on the connection.
//
// The response is the server's answer. It may be there beside an error, then
// with up to 1024 bytes of its body; it need not be closed.
func Dial(ctx context.Context, u string, opts *DialOptions) (*Conn, *http.Response, error) {
	if ctx == nil {
		return nil, nil, opError("dial", errNilContext)
	}
	c, resp, err := dial(ctx, u, opts.orDefault())
	if err != nil {
		return nil, resp, opError("dial", err)
	}
	return c, resp, nil
}

func dial(ctx context.Context, u string, opts *DialOptions) (*Conn, *http.Response, error) {
	for _, protocol := range opts.Subprotocols {
		if !isToken(protocol) {
			return nil, nil, fmt.Errorf("subprotocol %q is not a token", protocol)
		}
	}
	if err := opts.compression().check(); err != nil {
		return nil, nil, err
	}
	target, err := handshakeURL(u)
	if err != nil {
		return nil, nil, err
	}
	hs := newClientHandshake(ctx, opts)
	resp, err := hs.roundTrip(target)
	if err != nil {
		hs.giveUp()
		return nil, nil, err
	}
	c, err := hs.conclude(resp)
	if err != nil {
		hs.keepBody(resp)
		hs.giveUp()
		return nil, resp, err
	}
	resp.Body = http.NoBody
	return c, resp, nil
}

// handshakeURL turns a WebSocket URL into the one that is requested.
func handshakeURL(u string) (*url.URL, error) {
	target, err := url.Parse(u)
	if err != nil {
		return nil, withoutURL(err)
	}
	if !toHTTP(target) {
		return nil, fmt.Errorf("scheme of URL is %q, not ws or wss", target.Scheme)
	}
	target.Fragment = "" // section 3: has no meaning
	return target, nil
}

// toHTTP gives a URL the scheme for HTTP that its own one stands for.
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

// clientHandshake is a handshake under way.
type clientHandshake struct {
	opts   *DialOptions
	client http.Client
	key    string

	// The request has a context of its own, which ends with the caller's until
	// the handshake is over: some transports tie the connection to it.
	ctx    context.Context
	cancel context.CancelCauseFunc
	detach []func() bool

	conn atomic.Pointer[net.Conn] // as the transport reports it
}

func newClientHandshake(ctx context.Context, opts *DialOptions) *clientHandshake {
	hs := &clientHandshake{opts: opts, client: *opts.httpClient()}
	hs.key = base64.StdEncoding.EncodeToString(randomBytes(16))

	hs.ctx, hs.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	hs.detach = append(hs.detach, context.AfterFunc(ctx, func() { hs.cancel(ctx.Err()) }))
	// With a Timeout the client would wrap the body, which then can't be
	// written to, and tear the connection down when it is over.
	if timeout := hs.client.Timeout; timeout > 0 {
		hs.client.Timeout = 0
		timer := time.AfterFunc(timeout, func() { hs.cancel(errHandshakeTimeout) })
		hs.detach = append(hs.detach, timer.Stop)
	}
	hs.client.CheckRedirect = checkRedirect(hs.client.CheckRedirect)
	hs.ctx = httptrace.WithClientTrace(hs.ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { hs.conn.Store(&info.Conn) },
	})
	return hs
}

var errNilContext = errors.New("nil Context")

var errHandshakeTimeout = fmt.Errorf("the client's Timeout passed during the handshake: %w", context.DeadlineExceeded)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// detachAll takes the request off what bounds the handshake. It reports false
// when that has ended it already.
func (hs *clientHandshake) detachAll() bool {
	all := true
	for _, detach := range hs.detach {
		all = detach() && all
	}
	return all
}

// giveUp ends a handshake that failed.
func (hs *clientHandshake) giveUp() {
	hs.detachAll()
	hs.cancel(nil)
}

// checkRedirect lets redirects lead to ws and wss URLs too.
func checkRedirect(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	const maxRedirects = 10 // as http.Client has it
	return func(r *http.Request, via []*http.Request) error {
		if !toHTTP(r.URL) {
			return fmt.Errorf("redirected to a URL with scheme %q", r.URL.Scheme)
		}
		if next != nil {
			return next(r, via)
		}
		if len(via) >= maxRedirects {
			return fmt.Errorf("stopped after %d redirects", maxRedirects)
		}
		return nil
	}
}

// roundTrip sends the request of section 4.1 and returns the response.
func (hs *clientHandshake) roundTrip(target *url.URL) (*http.Response, error) {
	req := (&http.Request{
		Method:     http.MethodGet,
		URL:        target,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Host:       target.Host,
		Header:     hs.opts.HTTPHeader.Clone(),
	}).WithContext(hs.ctx)
	if hs.opts.Host != "" {
		req.Host = hs.opts.Host
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	set := func(name, value string) {
		// Del would leave a name that is spelled otherwise.
		maps.DeleteFunc(req.Header, func(other string, _ []string) bool {
			return http.CanonicalHeaderKey(other) == name
		})
		if value != "" {
			req.Header[name] = []string{value}
		}
	}
	set("Connection", "Upgrade")
	set("Upgrade", "websocket")
	set(headerVersion, protocolVersion)
	set(headerKey, hs.key)
	set(headerProtocol, strings.Join(hs.opts.Subprotocols, ", "))
	set(headerExtensions, offerDeflate(hs.opts.compression()))

	resp, err := hs.client.Do(req)
	if err != nil {
		if cause := context.Cause(hs.ctx); cause != nil {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		return nil, err
	}
	return resp, nil
}

// conclude checks the answer (section 4.1) and begins the connection.
func (hs *clientHandshake) conclude(resp *http.Response) (*Conn, error) {
	protocol, params, err := hs.checkAnswer(resp)
	if err != nil {
		return nil, err
	}
	rwc, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		return nil, fmt.Errorf("the transport's response has a body of type %T, which can't be written to", resp.Body)
	}
	if !hs.detachAll() {
		// The context ended, or the Timeout passed, a moment ago. Whoever noticed
		// is about to say so.
		<-hs.ctx.Done()
		return nil, context.Cause(hs.ctx)
	}
	var conn net.Conn
	if reported := hs.conn.Load(); reported != nil {
		conn = *reported
	}
	c := newConn(client, params, extras{protocol, hs.opts.OnPingReceived, hs.opts.OnPongReceived})
	c.begin(rwc, conn)
	return c, nil
}

func (hs *clientHandshake) checkAnswer(resp *http.Response) (protocol string, params *deflateParams, err error) {
	accept := resp.Header[headerAccept]
	protocols := slices.DeleteFunc(slices.Clone(resp.Header[headerProtocol]), func(line string) bool { return line == "" })
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		err = fmt.Errorf("the server answered %q, not 101", resp.Status)
	case !hasToken(resp.Header, "Connection", "upgrade"):
		err = errors.New("the server's answer has no Connection header with Upgrade")
	case !hasTokenAlone(resp.Header, "Upgrade", "websocket"):
		err = errors.New("the server's answer has no Upgrade header, or not with websocket alone")
	case len(accept) != 1 || strings.TrimSpace(accept[0]) != acceptKey(hs.key):
		err = errors.New("the server's Sec-WebSocket-Accept does not match the key")
	case len(protocols) > 1:
		err = errors.New("the server answered with more than one subprotocol")
	case len(protocols) == 1 && !slices.ContainsFunc(hs.opts.Subprotocols, func(offered string) bool {
		return equalFold(offered, protocols[0])
	}):
		err = fmt.Errorf("the server answered with subprotocol %q, which was not offered", protocols[0])
	}
	if err != nil {
		return "", nil, err
	}
	params, ok := agreeDeflate(resp.Header[headerExtensions], hs.opts.compression())
	if !ok {
		return "", nil, fmt.Errorf("the server answered with extensions %q, which were not offered or are not valid", resp.Header[headerExtensions])
	}
	if len(protocols) == 1 {
		protocol = protocols[0]
	}
	return protocol, params, nil
}

const (
	// maxRefusalBody is how much of a refusal's body is kept.
	maxRefusalBody = 1024
	// refusalPatience is how long that may take to arrive.
	refusalPatience = 3 * time.Second
)

// keepBody reads the beginning of the body of an answer that was refused, and
// closes the connection.
func (hs *clientHandshake) keepBody(resp *http.Response) {
	body := resp.Body
	if resp.StatusCode == http.StatusSwitchingProtocols {
		body.Close()
		resp.Body = http.NoBody
		return
	}
	stop := time.AfterFunc(refusalPatience, func() { hs.cancel(errHandshakeTimeout) })
	defer stop.Stop()
	kept, _ := io.ReadAll(io.LimitReader(body, maxRefusalBody))
	hs.cancel(nil)
	body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(kept))
}
