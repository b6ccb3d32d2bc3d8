//go:build !js

package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var errDowngrade = errors.New("redirected from wss to ws, which a CheckRedirect of the HTTPClient may allow")

// checkRedirect lets redirects lead to ws and wss URLs too, and refuses those
// that give up TLS. A program's own rule, next, decides in place of the rules here.
func checkRedirect(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	const maxRedirects = 10 // as http.Client has it
	return func(r *http.Request, via []*http.Request) error {
		if !toHTTP(r.URL) {
			return fmt.Errorf("redirected to a URL with scheme %q", asTyped(r.URL.Scheme, r.Response.Header.Get("Location")))
		}
		downgrade := r.URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "https"
		if downgrade && via[0].Header.Get("Referer") == "" {
			// The client leaves it out from https to http, and does not know ws.
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

// checkAnswer is section 4.1: what the answer to a handshake has to be.
func (hs *clientHandshake) checkAnswer(resp *http.Response) (protocol string, params *deflateParams, err error) {
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return "", nil, hs.withALPN(notSwitched(resp))
	}
	if err := checkUpgrade(resp); err != nil {
		return "", nil, err
	}
	accept := resp.Header[headerAccept]
	if len(accept) != 1 || strings.TrimSpace(accept[0]) != acceptKey(hs.key) {
		return "", nil, fmt.Errorf("the server's answer has Sec-WebSocket-Accept %.100q, want %q", accept, acceptKey(hs.key))
	}
	if protocol, err = hs.checkSubprotocol(resp.Header[headerProtocol]); err != nil {
		return "", nil, err
	}
	params, ok := agreeDeflate(resp.Header[headerExtensions], hs.opts.compression())
	if !ok {
		return "", nil, fmt.Errorf("the server answered with extensions %.200q, which were not offered or are not valid", resp.Header[headerExtensions])
	}
	return protocol, params, nil
}

// notSwitched returns the error for an answer with another status than 101, with
// the headers that say why.
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

// checkUpgrade checks the headers of a 101 that it shares with other protocols.
func checkUpgrade(resp *http.Response) error {
	connection, upgrade := resp.Header["Connection"], resp.Header["Upgrade"]
	switch {
	case hasToken(resp.Header, "Connection", "upgrade"):
	case resp.Close && connection == nil && resp.ProtoAtLeast(1, 1):
		// net/http has removed the header, and does not hand over the connection.
		return errors.New("the server's answer has close in its Connection header, which ends the connection with this answer")
	case connection == nil:
		return errors.New("the server's answer has no Connection header")
	default:
		return fmt.Errorf("the server's answer has Connection %.100q, want Upgrade in it", connection)
	}
	if !hasTokenAlone(resp.Header, "Upgrade", "websocket") {
		return fmt.Errorf("the server's answer has Upgrade %.100q, want websocket", upgrade)
	}
	return nil
}

// checkSubprotocol returns the subprotocol of an answer, if it has one.
func (hs *clientHandshake) checkSubprotocol(lines []string) (string, error) {
	lines = slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line == "" })
	switch {
	case len(lines) == 0:
		return "", nil
	case len(lines) > 1:
		return "", fmt.Errorf("the server answered with more than one subprotocol: %.100q", lines)
	case !slices.ContainsFunc(hs.subprotocols, func(offered string) bool { return equalFold(offered, lines[0]) }):
		return "", fmt.Errorf("the server answered with subprotocol %.100q, which was not offered", lines[0])
	}
	return lines[0], nil
}
