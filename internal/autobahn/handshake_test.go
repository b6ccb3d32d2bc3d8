package autobahn

import (
	"bufio"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

// The key of RFC 6455 section 1.3, with its Sec-WebSocket-Accept.
const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func TestAcceptOf(t *testing.T) {
	if got := acceptOf(sampleKey); got != sampleAccept {
		t.Errorf("got %s, want %s", got, sampleAccept)
	}
}

// TestReadHead reads heads that are directly followed by frames.
func TestReadHead(t *testing.T) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n",
		"GET /" + strings.Repeat("x", 20_000) + " HTTP/1.1\r\n\r\n",
	} {
		r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(head + "\x81\x00")))
		if got, err := readHead(r); string(got) != head || err != nil {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, len(head))
		}
		if rest, err := io.ReadAll(r); string(rest) != "\x81\x00" || err != nil {
			t.Errorf("behind it got %q, %v", rest, err)
		}
	}
}

func TestReadHeadCutOff(t *testing.T) {
	for _, head := range []string{"", "GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"} {
		if _, err := readHead(bufio.NewReader(strings.NewReader(head))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v", head, err)
		}
	}
	endless := bufio.NewReader(io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\n"), endlessLines{}))
	if head, err := readHead(endless); err == nil || len(head) > maxHead+endless.Size() {
		t.Errorf("read %d bytes, %v", len(head), err)
	}
}

// endlessLines is an infinite header.
type endlessLines struct{}

func (endlessLines) Read(p []byte) (int, error) {
	return copy(p, "X: y\r\n"), nil
}

// TestRequest checks that the suite's server accepts the suite's request.
func TestRequest(t *testing.T) {
	u, err := url.Parse("ws://suite.test:9001/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	head, key := request(u, &Deflate{Offers: []Offer{{}}})
	req, err := parseRequest([]byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkRequest(req); err != nil {
		t.Errorf("%v in\n%s", err, head)
	}
	if req.Host != u.Host || req.URL.String() != "/a?b=c" || req.Header.Get("Sec-WebSocket-Key") != key {
		t.Errorf("got\n%s", head)
	}
	if offers := req.Header.Get("Sec-WebSocket-Extensions"); offers != (Offer{}).String() {
		t.Errorf("the offer is %q", offers)
	}
	answer, _ := response(req, nil)
	if _, err := checkResponse([]byte(answer), key, nil); err != nil {
		t.Errorf("%v in\n%s", err, answer)
	}
	if _, other := request(u, nil); other == key {
		t.Error("two requests have the same key")
	}
}

const rightRequest = "GET /runCase?case=1 HTTP/1.1\r\n" +
	"Host: suite.test\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: " + sampleKey + "\r\n" +
	"Sec-WebSocket-Version: 13\r\n\r\n"

const rightResponse = "HTTP/1.1 101 Switching Protocols\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: " + sampleAccept + "\r\n\r\n"

// edits are changes to a head, with whether the result is valid.
type edits []struct {
	old, new string
	right    bool
}

// check applies each edit to a new copy of the head.
func (e edits) check(t *testing.T, head string, check func(head []byte) error) {
	t.Helper()
	for _, edit := range append(e, edits{{"", "", true}}...) {
		if !strings.Contains(head, edit.old) {
			t.Fatalf("%q is missing", edit.old)
		}
		edited := strings.Replace(head, edit.old, edit.new, 1)
		if err := check([]byte(edited)); (err == nil) != edit.right {
			t.Errorf("%q in place of %q: got %v", edit.new, edit.old, err)
		}
	}
}

func TestCheckRequest(t *testing.T) {
	edits{
		{"Upgrade: websocket", "upgrade: h2c, WebSocket", true},
		{"Connection: Upgrade", "Connection: keep-alive\r\nConnection: x, upgrade", true},
		{"GET", "POST", false},
		{"HTTP/1.1", "HTTP/1.0", false},
		{"Host: suite.test\r\n", "", false},
		{"Upgrade: websocket\r\n", "", false},
		{"Upgrade: websocket", "Upgrade: websockets", false},
		{"Connection: Upgrade\r\n", "", false},
		{"Connection: Upgrade", "Connection: close", false},
		{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", false},
		{"Sec-WebSocket-Version: 13\r\n", "", false},
		{"Sec-WebSocket-Key: " + sampleKey + "\r\n", "", false},
		{sampleKey, "dGhlIHNhbXBsZSBub25j", false},       // 15 bytes
		{sampleKey, "dGhlIHNhbXBsZSBub25jZS4=", false},   // 17
		{sampleKey, strings.Trim(sampleKey, "="), false}, // not base64
		{"Sec-WebSocket-Key", "Sec-WebSocket-Key: " + sampleKey + "\r\nSec-WebSocket-Key", false},
	}.check(t, rightRequest, func(head []byte) error {
		req, err := parseRequest(head)
		if err != nil {
			return err
		}
		return checkRequest(req)
	})
}

func TestCheckResponse(t *testing.T) {
	edits{
		{"101 Switching Protocols", "101", true},
		{"Upgrade: websocket", "upgrade: WebSocket", true},
		{"Connection: Upgrade", "Connection: keep-alive, upgrade", true},
		{"Connection", "X-Other: value\r\nConnection", true},
		{"101 Switching Protocols", "200 OK", false},
		{"101 Switching Protocols", "400 Bad Request", false},
		{"HTTP/1.1 101", "ICY 101", false},
		{"Upgrade: websocket\r\n", "", false},
		{"Upgrade: websocket", "Upgrade: h2c", false},
		{"Connection: Upgrade\r\n", "", false},
		{"Connection: Upgrade", "Connection: keep-alive", false},
		{"Sec-WebSocket-Accept: " + sampleAccept + "\r\n", "", false},
		{sampleAccept, strings.ToLower(sampleAccept), false},
		{sampleAccept, acceptOf("another key"), false},
		{"Connection", "Sec-WebSocket-Protocol: chat\r\nConnection", false},
		{"Connection", "Sec-WebSocket-Extensions: permessage-deflate\r\nConnection", false},
	}.check(t, rightResponse, func(head []byte) error {
		_, err := checkResponse(head, sampleKey, nil)
		return err
	})
}

// TestCheckResponseWithExtensions has a response with two extension headers.
func TestCheckResponseWithExtensions(t *testing.T) {
	d := &Deflate{Offers: []Offer{{}}}
	one := strings.Replace(rightResponse, "Connection", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9\r\nConnection", 1)
	a, err := checkResponse([]byte(one), sampleKey, d)
	if err != nil || *a != (agreement{15, 9, true, true}) {
		t.Errorf("got %+v, %v", a, err)
	}
	two := strings.Replace(one, "Connection", "Sec-WebSocket-Extensions: x-foo\r\nConnection", 1)
	if a, err := checkResponse([]byte(two), sampleKey, d); err == nil {
		t.Errorf("two extensions: got %+v", a)
	}
}
