//go:build !js

package websocket

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/httpheader"
)

// Accept accepts a WebSocket handshake (RFC 6455 section 4.2) and returns the
// connection. Headers set on w, such as cookies, are sent with the response.
//
// Accept refuses requests from pages of other origins unless opts allow them. If it
// returns an error, it has responded to the request, and the handler must return.
//
// w must have a Hijack method, or an Unwrap method that leads to a writer with one.
// HTTP/2 has none. Accept writes status 101 to w, so that middleware sees it, then calls
// Flush and Hijack. If w or the connection supports write deadlines, sending the
// response takes at most 5 seconds.
//
// The connection is hijacked: the server's timeouts and Shutdown no longer apply
// to it, and r.Context is not tied to it. It may outlive the handler.
func Accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	c, err := accept(w, r, opts.orDefault())
	if err != nil {
		return nil, opError("accept", err)
	}
	return c, nil
}

// accept and the functions that it calls use little stack, since net/http and the handler
// have used most of 4 KiB before. A growth takes as long as Accept itself, and a stack that
// has grown stays large while a handler waits.
func accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	var answer responseHeaders
	params, refusal := negotiate(w, r, opts, &answer)
	if refusal != nil {
		return nil, refusal.refuse(w, r, opts)
	}
	httpheader.AppendAcceptKey(answer.accept[:0], answer.key)
	h, refusal := findHijacker(w, r)
	if refusal != nil {
		return nil, refusal.refuse(w, r, opts)
	}
	hijacked := hijacksFirst(w, h)
	if !hijacked {
		if err := respond(w, &answer); err != nil {
			return nil, err
		}
	}
	conn, rw, err := hijack(h)
	if err == nil {
		err = sendBuffered(h, conn, rw)
	}
	switch {
	case err != nil && hijacked:
		return nil, refuseHijack(w, r, opts, h, err)
	case err != nil:
		return nil, err
	}
	if hijacked {
		if err := sendResponse(conn, w.Header(), &answer); err != nil {
			conn.Close()
			return nil, err
		}
	}
	c := newServer(conn, params, opts, answer.protocol)
	take := takeBuffered
	if hijacked {
		take = takeLast
	}
	c.rcv.in.Add(take(rw))
	return c, nil
}

// newServer returns the connection of a server on a stream.
func newServer(conn net.Conn, params *deflateParams, opts *AcceptOptions, protocol string) *Conn {
	c := new(Conn)
	c.init(server, params, opts.connection(protocol))
	c.begin(conn, conn)
	return c
}

// negotiate checks the options and the request. It returns the agreed parameters of the
// compression, and sets the headers of the response but for the accept key.
func negotiate(w http.ResponseWriter, r *http.Request, opts *AcceptOptions, answer *responseHeaders) (*deflateParams, *refusal) {
	if err := opts.check(); err != nil {
		return nil, misconfigured(err)
	}
	if err := checkRequest(r); err != nil {
		return nil, err
	}
	if err := checkBounds(r.Header); err != nil {
		return nil, err
	}
	if !opts.InsecureSkipVerify {
		if err := checkOrigin(r, opts.OriginPatterns); err != nil {
			return nil, err
		}
	}
	protocol := chooseSubprotocol(r.Header, opts.Subprotocols)
	if set := lines(w.Header(), headerProtocol); protocol == "" && len(set) > 0 && set[0] != "" {
		var err *refusal
		if protocol, err = setSubprotocol(r.Header, set); err != nil {
			return nil, err
		}
	}
	params, extensions := acceptDeflate(r.Header[headerExtensions], opts.compression())
	answer.key = strings.TrimSpace(r.Header[headerKey][0])
	answer.protocol, answer.extensions = protocol, extensions
	return params, nil
}

// refusal is the response to a handshake that is refused, and the error for the caller,
// which has more details.
type refusal struct {
	status int
	text   string // for the client
	err    error  // for the caller
	header [2]string
}

func refused(status int, text string, err error) *refusal {
	return &refusal{status: status, text: text, err: err}
}

// misconfigured returns the refusal for an error in the options of the server.
func misconfigured(err error) *refusal {
	return refused(http.StatusInternalServerError, "WebSocket is not available here", err)
}

// refuse responds to the request and returns the error for the caller of Accept.
func (f *refusal) refuse(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) error {
	h := w.Header()
	for name := range h {
		if http.CanonicalHeaderKey(name) == headerProtocol {
			delete(h, name) // no subprotocol is selected
		}
	}
	if f.header[0] != "" {
		h[f.header[0]] = []string{f.header[1]}
	}
	// HTTP/2 forbids both headers (RFC 9113 section 8.2.2).
	if f.status == http.StatusUpgradeRequired && r.ProtoMajor < 2 {
		h["Connection"] = []string{"Upgrade"}
		h["Upgrade"] = []string{"websocket"}
	}
	err := &HandshakeError{f.status, f.err}
	if opts.OnReject != nil {
		opts.OnReject(w, r, err)
	} else {
		http.Error(w, f.text, f.status)
	}
	return err
}

// bad returns the refusal of a request that is not a handshake, with the value that shows
// it. It is not inlined, so that checkRequest uses little stack.
//
//go:noinline
func bad(status int, text, got string) *refusal {
	return refused(status, text, fmt.Errorf("%s: got %.100q", text, got))
}

// checkRequest checks the requirements of RFC 6455 section 4.2.1.
func checkRequest(r *http.Request) *refusal {
	values := func(name string) string { return strings.Join(r.Header[name], ", ") }
	keys, versions := r.Header[headerKey], r.Header[headerVersion]
	switch {
	case r.Method != http.MethodGet:
		f := bad(http.StatusMethodNotAllowed, "a WebSocket handshake is a GET request", r.Method)
		f.header = [2]string{"Allow", http.MethodGet}
		return f
	case r.ContentLength != 0:
		// The body would be parsed as frames.
		return refused(http.StatusBadRequest, "a WebSocket handshake has no body", errors.New("the request has a body"))
	case !r.ProtoAtLeast(1, 1), r.ProtoMajor > 1 && len(r.Header["Upgrade"]) == 0:
		return bad(http.StatusUpgradeRequired, "a WebSocket handshake is HTTP/1.1", r.Proto)
	case !httpheader.Has(r.Header["Upgrade"], "websocket"):
		return bad(http.StatusUpgradeRequired, "not a WebSocket handshake: no Upgrade header with websocket", values("Upgrade"))
	case !httpheader.Has(r.Header["Connection"], "upgrade"):
		return bad(http.StatusUpgradeRequired, "not a WebSocket handshake: no Connection header with Upgrade", values("Connection"))
	case r.Host == "":
		return bad(http.StatusBadRequest, "the WebSocket handshake has no Host header", "")
	case len(versions) != 1 || strings.TrimSpace(versions[0]) != protocolVersion:
		f := bad(http.StatusUpgradeRequired, "the WebSocket version is not "+protocolVersion, values(headerVersion))
		f.header = [2]string{headerVersion, protocolVersion}
		return f
	case len(keys) != 1:
		return bad(http.StatusBadRequest, "the WebSocket handshake needs one Sec-WebSocket-Key", values(headerKey))
	}
	if !httpheader.IsKey(strings.TrimSpace(keys[0])) {
		return bad(http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64", keys[0])
	}
	return nil
}

// chooseSubprotocol returns the first of the server's subprotocols that the client
// offers, in the client's spelling (RFC 6455 section 4.2.2).
func chooseSubprotocol(h http.Header, supported []string) string {
	for _, want := range supported {
		chosen := ""
		httpheader.Elements(h[headerProtocol], func(offered string) bool {
			if httpheader.IsToken(offered) && httpheader.EqualFold(offered, want) {
				chosen = offered
			}
			return chosen == ""
		})
		if chosen != "" {
			return chosen
		}
	}
	return ""
}

// setSubprotocol is chooseSubprotocol for a Sec-WebSocket-Protocol header that the
// program set on the ResponseWriter. The client must offer it.
func setSubprotocol(h http.Header, set []string) (string, *refusal) {
	const advice = "set AcceptOptions.Subprotocols in place of the http.ResponseWriter's Sec-WebSocket-Protocol"
	if len(set) > 1 || !httpheader.IsToken(set[0]) {
		return "", misconfigured(fmt.Errorf("%s, which is %.100q and not one token", advice, strings.Join(set, ", ")))
	}
	protocol := chooseSubprotocol(h, set)
	if protocol == "" {
		return "", refused(http.StatusBadRequest, "the handshake does not offer the server's subprotocol",
			fmt.Errorf("%s, which is %.100q and not among the client's %.100q", advice, set[0], strings.Join(h[headerProtocol], ", ")))
	}
	return protocol, nil
}

// responseHeaders are the variable parts of the response.
type responseHeaders struct {
	key, protocol, extensions string

	accept [httpheader.AcceptKeyLen]byte // of key
}

// reservedHeaders are the headers that a program can't set: those of the handshake, and
// those that describe a body.
var reservedHeaders = map[string]bool{
	"Connection":        true,
	"Upgrade":           true,
	headerAccept:        true,
	headerProtocol:      true,
	headerExtensions:    true,
	headerKey:           true,
	headerVersion:       true,
	"Content-Length":    true,
	"Content-Type":      true,
	"Content-Encoding":  true,
	"Transfer-Encoding": true,
	"Trailer":           true,
}

// appendResponse appends the response with status 101 and the headers that the program
// set. Like net/http, it adds a Date header unless the program set one, or set it to nil.
func appendResponse(b []byte, set http.Header, a *responseHeaders, now time.Time) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = append(b, a.accept[:]...)
	if a.protocol != "" {
		b = append(b, "\r\nSec-WebSocket-Protocol: "...)
		b = append(b, a.protocol...)
	}
	if a.extensions != "" {
		b = append(b, "\r\nSec-WebSocket-Extensions: "...)
		b = append(b, a.extensions...)
	}
	if _, ok := set["Date"]; !ok {
		b = append(b, "\r\nDate: "...)
		b = append(b, date(now)...)
	}
	b = append(b, "\r\n"...)
	if len(set) > 0 {
		var rest strings.Builder
		set.WriteSubset(&rest, excludedHeaders(set))
		b = append(b, rest.String()...)
	}
	return append(b, "\r\n"...)
}

// dated is a second in the form of a Date header.
type dated struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[dated]

// date returns t in the form of a Date header.
func date(t time.Time) string {
	if last := lastDate.Load(); last != nil && last.second == t.Unix() {
		return last.text
	}
	now := &dated{t.Unix(), t.UTC().Format(http.TimeFormat)}
	lastDate.Store(now)
	return now.text
}

// excludedHeaders returns reservedHeaders, with other spellings of its names in set.
func excludedHeaders(set http.Header) map[string]bool {
	names := reservedHeaders
	for name := range set {
		if reservedHeaders[http.CanonicalHeaderKey(name)] && !names[name] {
			names = maps.Clone(names)
			names[name] = true
		}
	}
	return names
}
