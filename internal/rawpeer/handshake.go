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

// DefaultKey is the Sec-WebSocket-Key that a client sends, the example's
// (RFC 6455 section 1.3).
const DefaultKey = "dGhlIHNhbXBsZSBub25jZQ=="

// AcceptKey returns the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key
// (RFC 6455 section 4.2.2, number 5.4).
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ServerOptions say how a peer answers an opening handshake. nil is valid.
type ServerOptions struct {
	// Status is the status line's code and text. "" means
	// "101 Switching Protocols".
	Status string

	// Header has lines to send beside or in place of the default ones, which
	// are Upgrade, Connection and Sec-WebSocket-Accept, in this order. See
	// ClientOptions.
	Header []string

	// Raw is sent in place of the status line and the header, when not nil.
	Raw []byte

	// Frames and then Behind are sent right behind the header, in the same
	// Write. For a Status other than 101, Behind is the answer's body.
	Frames []Frame
	Behind []byte
}

// ServeHandshake returns a peer that is the server on conn. It reads the
// client's request, which is then in [Peer.Request], and answers it. To look
// at the request before the answer, use [NewPeer], [Peer.ReadRequest] and
// [Peer.Answer].
func ServeHandshake(tb testing.TB, conn net.Conn, opts *ServerOptions) *Peer {
	tb.Helper()
	p := NewPeer(tb, conn, Server)
	p.ReadRequest()
	p.Answer(opts)
	return p
}

// ReadRequest reads an HTTP/1.1 request and returns it, as [Peer.Request] too.
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

// Answer answers the request that was read.
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

// ClientOptions say how a peer opens a connection. nil is valid.
type ClientOptions struct {
	// RequestLine is the first line. "" means "GET / HTTP/1.1".
	RequestLine string

	// Header has lines to send beside or in place of the default ones, which
	// are Host, Upgrade, Connection, Sec-WebSocket-Version and
	// Sec-WebSocket-Key, in this order. A line, or several, with the name of
	// a default one takes its place; a name alone, without colon, removes it;
	// other lines come behind, in their order.
	Header []string

	// Raw is sent in place of the request line and the header, when not nil.
	Raw []byte

	// Frames and then Behind are sent right behind the header, in the same
	// Write: what a client does that does not wait for the answer.
	Frames []Frame
	Behind []byte

	// WantStatus is the answer's status. Zero means 101, and then its
	// Sec-WebSocket-Accept must be right. Negative means any.
	WantStatus int
}

// ClientHandshake returns a peer that is the client on conn. It sends a
// request and reads the answer, which is then in [Peer.Response].
func ClientHandshake(tb testing.TB, conn net.Conn, opts *ClientOptions) *Peer {
	tb.Helper()
	p := NewPeer(tb, conn, Client)
	p.SendRequest(opts)
	p.ReadResponse(opts)
	return p
}

// SendRequest sends the request and does not wait for an answer.
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

// ReadResponse reads the answer to a request and returns it, as [Peer.Response]
// too. Of opts, which are those of SendRequest, it looks at WantStatus.
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
			return // the key is in there
		}
	}
	if got := p.Response.Header.Get("Sec-WebSocket-Accept"); got != AcceptKey(key) {
		p.fatalf("got Sec-WebSocket-Accept %q, want %q", got, AcceptKey(key))
	}
}

// sendBehind sends b and what follows it in one Write.
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

// headerLines puts own lines in the place of the defaults with their names.
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
