package rawpeer

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// DefaultKey is the default Sec-WebSocket-Key of a client: the example of RFC 6455
// section 1.3.
const DefaultKey = "dGhlIHNhbXBsZSBub25jZQ=="

// AcceptKey returns the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section
// 4.2.2, number 5.4).
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ServerOptions are the response of a peer to an opening handshake. nil is valid.
type ServerOptions struct {
	// Status is the code and reason phrase of the status line. "" means "101 Switching
	// Protocols".
	Status string

	// Header has lines that are added to, or replace, the default ones, which are
	// Upgrade, Connection and Sec-WebSocket-Accept, in this order. See ClientOptions.
	Header []string

	// Raw, if not nil, replaces the status line and the header.
	Raw []byte

	// Frames and then Behind are sent directly after the header, in the same Write. For
	// a Status other than 101, Behind is the body of the response.
	Frames []Frame
	Behind []byte
}

// ServeHandshake returns a peer that is the server on conn. It reads the client's
// request, sets [Peer.Request], and responds. A test that needs the request before the
// response uses [NewPeer], [Peer.ReadRequest] and [Peer.Answer].
func ServeHandshake(tb testing.TB, conn net.Conn, opts *ServerOptions) *Peer {
	tb.Helper()
	p := NewPeer(tb, conn, Server)
	p.ReadRequest()
	p.Answer(opts)
	return p
}

// ReadRequest reads an HTTP/1.1 request, sets [Peer.Request] and returns it.
func (p *Peer) ReadRequest() *http.Request {
	p.tb.Helper()
	p.Conn.SetReadDeadline(time.Now().Add(p.Timeout))
	r, err := http.ReadRequest(p.in)
	if err != nil {
		p.fatalf("got %v, want a request", err)
	}
	p.journal = append(p.journal, fmt.Sprintf("received %s %s", r.Method, r.RequestURI))
	p.Request = r
	return r
}

// Answer sends the response to the request.
func (p *Peer) Answer(opts *ServerOptions) {
	p.tb.Helper()
	if opts == nil {
		opts = new(ServerOptions)
	}
	status := opts.Status
	if status == "" {
		status = "101 Switching Protocols"
	}
	b := opts.Raw
	if b == nil {
		b = appendHead(nil, "HTTP/1.1 "+status, headerLines([]string{
			"Upgrade: websocket",
			"Connection: Upgrade",
			"Sec-WebSocket-Accept: " + AcceptKey(p.Request.Header.Get("Sec-WebSocket-Key")),
		}, opts.Header))
	}
	p.journal = append(p.journal, "sent "+status)
	p.sendBehind(b, opts.Frames, opts.Behind)
}

// ClientOptions are the request of a peer. nil is valid.
type ClientOptions struct {
	// RequestLine is the request line. "" means "GET / HTTP/1.1".
	RequestLine string

	// Header has lines that are added to, or replace, the default ones, which are Host,
	// Upgrade, Connection, Sec-WebSocket-Version and Sec-WebSocket-Key, in this order.
	// Lines with the name of a default one replace it; a name without a colon removes
	// it; other lines follow in their order.
	Header []string

	// Raw, if not nil, replaces the request line and the header.
	Raw []byte

	// Frames and then Behind are sent directly after the header, in the same Write, as
	// by a client that does not wait for the response.
	Frames []Frame
	Behind []byte

	// WantStatus is the expected status. Zero means 101 with a valid
	// Sec-WebSocket-Accept. Negative means any.
	WantStatus int
}

// ClientHandshake returns a peer that is the client on conn. It sends a request, reads
// the response, and sets [Peer.Response].
func ClientHandshake(tb testing.TB, conn net.Conn, opts *ClientOptions) *Peer {
	tb.Helper()
	p := NewPeer(tb, conn, Client)
	p.SendRequest(opts)
	p.ReadResponse(opts)
	return p
}

// SendRequest sends the request without waiting for a response.
func (p *Peer) SendRequest(opts *ClientOptions) {
	p.tb.Helper()
	if opts == nil {
		opts = new(ClientOptions)
	}
	line := opts.RequestLine
	if line == "" {
		line = "GET / HTTP/1.1"
	}
	b := opts.Raw
	if b == nil {
		b = appendHead(nil, line, headerLines([]string{
			"Host: server.test",
			"Upgrade: websocket",
			"Connection: Upgrade",
			"Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: " + DefaultKey,
		}, opts.Header))
	}
	p.journal = append(p.journal, "sent "+line)
	p.sendBehind(b, opts.Frames, opts.Behind)
}

// ReadResponse reads the response to a request, sets [Peer.Response] and returns it. It
// uses only WantStatus of opts, which are those passed to SendRequest.
func (p *Peer) ReadResponse(opts *ClientOptions) *http.Response {
	p.tb.Helper()
	p.Conn.SetReadDeadline(time.Now().Add(p.Timeout))
	r, err := http.ReadResponse(p.in, nil)
	if err != nil {
		p.fatalf("got %v, want a response", err)
	}
	p.journal = append(p.journal, "received "+r.Status)
	p.Response = r
	if r.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			p.fatalf("reading the body of %s: %v", r.Status, err)
		}
		p.journal = append(p.journal, fmt.Sprintf("received body %q", body))
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	p.checkResponse(opts)
	return r
}

func (p *Peer) checkResponse(opts *ClientOptions) {
	p.tb.Helper()
	want := http.StatusSwitchingProtocols
	if opts != nil && opts.WantStatus != 0 {
		want = opts.WantStatus
	}
	if want > 0 && p.Response.StatusCode != want {
		p.fatalf("got status %d, want %d", p.Response.StatusCode, want)
	}
	if want != http.StatusSwitchingProtocols {
		return
	}
	key := DefaultKey
	if opts != nil {
		for _, line := range opts.Header {
			if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Sec-WebSocket-Key") {
				key = strings.TrimSpace(value)
			}
		}
		if opts.Raw != nil {
			return // it contains the key
		}
	}
	if got := p.Response.Header.Get("Sec-WebSocket-Accept"); got != AcceptKey(key) {
		p.fatalf("got Sec-WebSocket-Accept %q, want %q", got, AcceptKey(key))
	}
}

// sendBehind sends b, frames and behind in one Write.
func (p *Peer) sendBehind(b []byte, frames []Frame, behind []byte) {
	p.tb.Helper()
	for _, f := range frames {
		p.log("sent", f)
	}
	b = p.appendFrames(b[:len(b):len(b)], frames)
	p.write(append(b, behind...))
}

func appendHead(dst []byte, first string, lines []string) []byte {
	dst = append(dst, first+"\r\n"...)
	for _, line := range lines {
		dst = append(dst, line+"\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// headerLines replaces the defaults by own lines with their names, and appends the
// others.
func headerLines(defaults, own []string) []string {
	name := func(line string) string {
		name, _, _ := strings.Cut(line, ":")
		return strings.ToLower(strings.TrimSpace(name))
	}
	var lines []string
	isDefault := map[string]bool{}
	for _, line := range defaults {
		isDefault[name(line)] = true
		replaced := false
		for _, o := range own {
			if name(o) != name(line) {
				continue
			}
			replaced = true
			if strings.Contains(o, ":") {
				lines = append(lines, o)
			}
		}
		if !replaced {
			lines = append(lines, line)
		}
	}
	for _, o := range own {
		if !isDefault[name(o)] {
			lines = append(lines, o)
		}
	}
	return lines
}
