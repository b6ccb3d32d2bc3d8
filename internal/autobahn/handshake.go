package autobahn

import (
	"bufio"
	"bytes"
	crand "crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxHead is the size of the longest request or response that the suite reads.
const maxHead = 64 << 10

// readHead reads the lines of a request or a response, including the empty one at the
// end.
func readHead(r *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := r.ReadSlice('\n')
		head = append(head, line...)
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return head, midFrame(err)
		case len(head) > maxHead:
			return head, fmt.Errorf("a header of more than %d bytes", maxHead)
		case bytes.HasSuffix(head, []byte("\r\n\r\n")), bytes.HasSuffix(head, []byte("\n\n")):
			return head, nil
		}
	}
}

// acceptOf returns the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section
// 4.2.2, number 5.4).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hasToken reports whether a list header has a token.
func hasToken(h http.Header, name, token string) bool {
	for element := range strings.SplitSeq(strings.Join(h[name], ","), ",") {
		if strings.EqualFold(strings.TrimSpace(element), token) {
			return true
		}
	}
	return false
}

// request returns the suite's request as a client, with its key.
func request(u *url.URL, d *Deflate) (head, key string) {
	var nonce [16]byte
	crand.Read(nonce[:])
	key = base64.StdEncoding.EncodeToString(nonce[:])
	lines := []string{
		"GET " + u.RequestURI() + " HTTP/1.1",
		"Host: " + u.Host,
		"User-Agent: conformance suite",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: " + key,
		"Sec-WebSocket-Version: 13",
	}
	if d != nil {
		lines = append(lines, "Sec-WebSocket-Extensions: "+d.offers())
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n", key
}

// checkResponse checks a server's response (RFC 6455 section 4.1) and returns the
// negotiated compression.
func checkResponse(head []byte, key string, d *Deflate) (*agreement, error) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
	if err != nil {
		return nil, err
	}
	h := resp.Header
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the server answers %s", resp.Status)
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return nil, fmt.Errorf("the response has Upgrade %q", h["Upgrade"])
	case !hasToken(h, "Connection", "upgrade"):
		return nil, fmt.Errorf("the response has Connection %q", h["Connection"])
	case h.Get("Sec-Websocket-Accept") != acceptOf(key):
		return nil, fmt.Errorf("the response has Sec-WebSocket-Accept %q, not %s", h["Sec-Websocket-Accept"], acceptOf(key))
	case len(h["Sec-Websocket-Protocol"]) > 0:
		return nil, fmt.Errorf("the response has the subprotocol %q, and none was offered", h["Sec-Websocket-Protocol"])
	}
	return d.answered(strings.Join(h["Sec-Websocket-Extensions"], ", "))
}

// parseRequest parses a client's request.
func parseRequest(head []byte) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
}

// checkRequest checks that a request opens a WebSocket connection (RFC 6455 section
// 4.2.1).
func checkRequest(req *http.Request) error {
	h := req.Header
	key, err := base64.StdEncoding.DecodeString(h.Get("Sec-Websocket-Key"))
	switch {
	case req.Method != http.MethodGet || !req.ProtoAtLeast(1, 1):
		return fmt.Errorf("the request is %s %s", req.Method, req.Proto)
	case req.Host == "":
		return errors.New("the request has no Host")
	case !hasToken(h, "Upgrade", "websocket"):
		return fmt.Errorf("the request has Upgrade %q", h["Upgrade"])
	case !hasToken(h, "Connection", "upgrade"):
		return fmt.Errorf("the request has Connection %q", h["Connection"])
	case h.Get("Sec-Websocket-Version") != "13":
		return fmt.Errorf("the request has Sec-WebSocket-Version %q", h["Sec-Websocket-Version"])
	case err != nil || len(key) != 16 || len(h["Sec-Websocket-Key"]) != 1:
		return fmt.Errorf("the request has Sec-WebSocket-Key %q", h["Sec-Websocket-Key"])
	}
	return nil
}

// response returns the suite's response as a server, and the negotiated compression.
func response(req *http.Request, d *Deflate) (head string, a *agreement) {
	lines := []string{
		"HTTP/1.1 101 Switching Protocols",
		"Server: conformance suite",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Accept: " + acceptOf(req.Header.Get("Sec-Websocket-Key")),
	}
	if d != nil {
		var answer string
		if answer, a = d.answer(strings.Join(req.Header["Sec-Websocket-Extensions"], ", ")); a != nil {
			lines = append(lines, "Sec-WebSocket-Extensions: "+answer)
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n", a
}

// refusal returns an error response to an invalid request.
func refusal(status int, text string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(text), text)
}
