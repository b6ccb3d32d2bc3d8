//go:build !js

package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bhojpur/api/internal/httpheader"
)

// The headers of the opening handshake (RFC 6455 section 11.3).
const (
	headerKey        = "Sec-Websocket-Key"
	headerAccept     = "Sec-Websocket-Accept"
	headerVersion    = "Sec-Websocket-Version"
	headerProtocol   = "Sec-Websocket-Protocol"
	headerExtensions = "Sec-Websocket-Extensions"
)

// protocolVersion is the protocol version of RFC 6455.
const protocolVersion = "13"

// Limits of each header whose elements are compared with the options, over all of its
// lines. They bound the work for a request.
const (
	maxListBytes    = 8 << 10
	maxListElements = 64
)

// checkBounds refuses a request with a header above the limits.
func checkBounds(h http.Header) *refusal {
	for _, name := range []string{headerProtocol, headerExtensions, "Origin"} {
		list := h[name]
		if len(list) == 0 {
			continue
		}
		n, elements := 0, 0
		for _, line := range list {
			n += len(line)
		}
		if n <= maxListBytes {
			httpheader.Elements(list, func(string) bool { elements++; return elements <= maxListElements })
		}
		if n > maxListBytes || elements > maxListElements {
			text := fmt.Sprintf("%s has more than %d bytes or %d elements", name, maxListBytes, maxListElements)
			return refused(http.StatusRequestHeaderFieldsTooLarge, text, errors.New(text))
		}
	}
	return nil
}

// lines returns the lines of the header with the given canonical name, which the program
// may have set in another spelling.
func lines(h http.Header, name string) []string {
	if _, ok := h[name]; ok || len(h) == 0 {
		return h[name]
	}
	return linesOf(h, name)
}

var errDowngrade = errors.New("redirected from wss to ws, which a CheckRedirect of the HTTPClient may allow")

// checkRedirect returns a CheckRedirect function that also allows ws and wss URLs, and
// refuses redirects from TLS to plain text. next, the CheckRedirect of the program,
// replaces these rules if it is not nil.
func checkRedirect(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	const maxRedirects = 10 // as in http.Client
	return func(r *http.Request, via []*http.Request) error {
		if !toHTTP(r.URL) {
			return fmt.Errorf("redirected to a URL with scheme %q", asTyped(r.URL.Scheme, r.Response.Header.Get("Location")))
		}
		downgrade := r.URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "https"
		if downgrade && via[0].Header.Get("Referer") == "" {
			// http.Client omits the header from https to http, but not to ws.
			r.Header.Del("Referer")
		}
		switch {
		case next != nil:
			return next(r, via)
		case downgrade:
			return errDowngrade
		case len(via) >= maxRedirects:
			return fmt.Errorf("stopped after %d redirects", maxRedirects)
		}
		return nil
	}
}

// checkResponse checks the response to a handshake (RFC 6455 section 4.1).
func (hs *clientHandshake) checkResponse(resp *http.Response) (protocol string, params *deflateParams, err error) {
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return "", nil, hs.withALPN(notSwitched(resp))
	}
	if err := checkUpgrade(resp); err != nil {
		return "", nil, err
	}
	accept := resp.Header[headerAccept]
	if len(accept) != 1 || strings.TrimSpace(accept[0]) != httpheader.AcceptKey(hs.key) {
		return "", nil, fmt.Errorf("the server's response has Sec-WebSocket-Accept %.100q, want %q", accept, httpheader.AcceptKey(hs.key))
	}
	if protocol, err = hs.checkSubprotocol(resp.Header[headerProtocol]); err != nil {
		return "", nil, err
	}
	params, ok := agreeDeflate(resp.Header[headerExtensions], hs.opts.compression())
	if !ok {
		return "", nil, fmt.Errorf("the server's response has extensions %.200q, which were not offered or are not valid", resp.Header[headerExtensions])
	}
	return protocol, params, nil
}

// notSwitched returns the error for a response with another status than 101, with the
// headers that may explain it.
func notSwitched(resp *http.Response) error {
	var details strings.Builder
	for _, name := range []string{"Location", "Upgrade", "Connection", headerVersion, "Content-Type"} {
		if lines := resp.Header[name]; len(lines) > 0 {
			fmt.Fprintf(&details, ", %s %.100q", name, strings.Join(lines, ", "))
		}
	}
	return &HandshakeError{resp.StatusCode, fmt.Errorf("expected handshake response status code %d but got %d (%s %.100q%s)",
		http.StatusSwitchingProtocols, resp.StatusCode, resp.Proto, resp.Status, details.String())}
}

// checkUpgrade checks the Connection and Upgrade headers of a response with status 101.
func checkUpgrade(resp *http.Response) error {
	connection, upgrade := resp.Header["Connection"], resp.Header["Upgrade"]
	switch {
	case httpheader.Has(resp.Header["Connection"], "upgrade"):
	case resp.Close && connection == nil && resp.ProtoAtLeast(1, 1):
		// net/http has removed the header, and does not return the connection.
		return errors.New("the server's response has close in its Connection header, which ends the connection")
	case connection == nil:
		return errors.New("the server's response has no Connection header")
	default:
		return fmt.Errorf("the server's response has Connection %.100q, want Upgrade in it", connection)
	}
	if !httpheader.HasOnly(resp.Header["Upgrade"], "websocket") {
		return fmt.Errorf("the server's response has Upgrade %.100q, want websocket", upgrade)
	}
	return nil
}

// checkSubprotocol returns the subprotocol of a response, or "" if it has none.
func (hs *clientHandshake) checkSubprotocol(lines []string) (string, error) {
	lines = slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line == "" })
	switch {
	case len(lines) == 0:
		return "", nil
	case len(lines) > 1:
		return "", fmt.Errorf("the server's response has more than one subprotocol: %.100q", lines)
	case !slices.ContainsFunc(hs.subprotocols, func(offered string) bool { return httpheader.EqualFold(offered, lines[0]) }):
		return "", fmt.Errorf("the server's response has subprotocol %.100q, which was not offered", lines[0])
	}
	return lines[0], nil
}

// checkSubprotocols returns an error for names that are not tokens, and for duplicates
// (RFC 6455 section 4.1). Empty names are ignored.
func checkSubprotocols(names []string) error {
	for i, name := range names {
		switch {
		case name == "":
		case !httpheader.IsToken(name):
			return fmt.Errorf("%.100q in Subprotocols is not a token", name)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("%.100q is in Subprotocols twice", name)
		}
	}
	return nil
}

// check returns an error for invalid options.
func (o *AcceptOptions) check() error {
	if err := o.compression().check(); err != nil {
		return err
	}
	if err := checkSubprotocols(o.Subprotocols); err != nil {
		return err
	}
	return checkPatterns(o.OriginPatterns)
}

var noAcceptOptions AcceptOptions

// orDefault returns o, or the default options if o is nil. The caller must not change
// the result.
func (o *AcceptOptions) orDefault() *AcceptOptions {
	if o == nil {
		return &noAcceptOptions
	}
	return o
}

func (o *DialOptions) httpClient() *http.Client {
	if o.HTTPClient == nil {
		return http.DefaultClient
	}
	return o.HTTPClient
}
