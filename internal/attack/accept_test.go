//go:build !js

package attack

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// Invalid handshake requests, as raw bytes on the wire. Each gets an error response;
// one with an unsupported version gets the supported version.
func TestAttackRequests(t *testing.T) {
	const handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rawpeer.DefaultKey + "\r\n"
	lines := func(lines ...string) rawpeer.ClientOptions { return rawpeer.ClientOptions{Header: lines} }
	line := func(line string) rawpeer.ClientOptions { return rawpeer.ClientOptions{RequestLine: line} }
	raw := func(s string) rawpeer.ClientOptions { return rawpeer.ClientOptions{Raw: []byte(s)} }
	type attack struct {
		name    string
		request rawpeer.ClientOptions
		status  int
	}
	attacks := []attack{
		{"HTTP/1.0", line("GET / HTTP/1.0"), http.StatusUpgradeRequired},
		{"POST", line("POST / HTTP/1.1"), http.StatusMethodNotAllowed},
		{"PUT", line("PUT / HTTP/1.1"), http.StatusMethodNotAllowed},
		{"OPTIONS", line("OPTIONS / HTTP/1.1"), http.StatusMethodNotAllowed},
		{"get", line("get / HTTP/1.1"), http.StatusMethodNotAllowed},
		{"no Host", lines("Host"), http.StatusBadRequest},
		{"empty Host", lines("Host: "), http.StatusBadRequest},
		{"two Hosts", lines("Host: server.test", "Host: evil.test"), http.StatusBadRequest},
		{"Host with a line end", raw("GET / HTTP/1.1\r\nHost: a\rb\r\n" + handshake + "\r\n"), http.StatusBadRequest},
		{"a name with a space", raw("GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n" + handshake + "\r\n"), http.StatusBadRequest},
		{"a value with NUL", raw("GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n" + handshake + "\r\n"), http.StatusBadRequest},
		{"a body", rawpeer.ClientOptions{Header: []string{"Content-Length: 5"}, Behind: []byte("hello")}, http.StatusBadRequest},
		{"a body in chunks", rawpeer.ClientOptions{Header: []string{"Transfer-Encoding: chunked"}, Behind: []byte("5\r\nhello\r\n0\r\n\r\n")}, http.StatusBadRequest},
		{"a frame as the body", rawpeer.ClientOptions{Header: []string{"Content-Length: 7"}, Frames: []rawpeer.Frame{rawpeer.Text("x")}}, http.StatusBadRequest},
		{"no body, and says so", lines("Content-Length: 0"), http.StatusSwitchingProtocols},
		{"Upgrade in other letters", lines("Upgrade: web\u017focket"), http.StatusUpgradeRequired},
		{"Upgrade in other letters", lines("Upgrade: websoc\u212aet"), http.StatusUpgradeRequired},
		{"Connection with more", lines("Connection: Upgrade; x"), http.StatusUpgradeRequired},
		{"key with a space", lines("Sec-WebSocket-Key: dGhlIHNhbXBsZS Bub25jZQ="), http.StatusBadRequest},
		{"key with more", lines("Sec-WebSocket-Key: " + rawpeer.DefaultKey + "AAAA"), http.StatusBadRequest},
		{"two keys in a line", lines("Sec-WebSocket-Key: " + rawpeer.DefaultKey + ", " + rawpeer.DefaultKey), http.StatusBadRequest},
		{"empty key", lines("Sec-WebSocket-Key: "), http.StatusBadRequest},
		{"key with other letters", lines("Sec-WebSocket-Key: \u212a" + rawpeer.DefaultKey[3:]), http.StatusBadRequest},
	}
	for _, version := range []string{"", "0", "7", "8", "12", "14", "013", "13.0", "+13", "13, 8", "8, 13", "13 13", "\uff11\uff13", "9999999999999999999"} {
		attacks = append(attacks, attack{"version " + version, lines("Sec-WebSocket-Version: " + version), http.StatusUpgradeRequired})
	}
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := answerTo(t, nil, attack.request, nil)
				if got.StatusCode != attack.status {
					t.Errorf("got status %d, want %d", got.StatusCode, attack.status)
				}
				if version := got.Header["Sec-Websocket-Version"]; strings.HasPrefix(attack.name, "version") && (len(version) != 1 || version[0] != "13") {
					t.Errorf("got Sec-WebSocket-Version %q, want 13", version)
				}
			})
		})
	}
}

// Request headers, options and headers set on the ResponseWriter cannot inject another
// response header, with or without line breaks in them.
func TestAttackHeaderInjection(t *testing.T) {
	const injected = "\r\nX-Injected: x"
	for _, test := range []struct {
		name    string
		ours    []string    // subprotocols
		offered string      // offered by the client
		header  http.Header // set by the handler
		status  int         // of a refusal
	}{
		{name: "our subprotocol", ours: []string{"b" + injected}, offered: "b", status: http.StatusInternalServerError},
		{name: "our subprotocol, offered so", ours: []string{"b" + injected}, offered: "b X-Injected: x", status: http.StatusInternalServerError},
		{name: "not ASCII", ours: []string{"b\u00fc"}, offered: "b\u00fc", status: http.StatusInternalServerError},
		{name: "other letters", ours: []string{"k"}, offered: "\u212a"},
		{name: "quoted", ours: []string{`"b"`}, offered: `"b"`, status: http.StatusInternalServerError},
		{name: "with a colon", ours: []string{"b:x"}, offered: "b:x", status: http.StatusInternalServerError},
		{name: "empty", ours: []string{""}, offered: ", ,"},
		{name: "value", header: http.Header{"X-Note": {"a" + injected, "b\nX-Injected: x", "c\rX-Injected: x"}}},
		{name: "name", header: http.Header{"X-Note" + injected: {"x"}, "X-Injected: x\r\nX": {"x"}, "": {"x"}}},
		{name: "name in small letters", header: http.Header{
			"sec-websocket-accept":     {"x"},
			"sec-websocket-Extensions": {pmd},
			"connection":               {"close"},
			"content-length":           {"5"},
			"transfer-encoding":        {"chunked"},
		}},
		{name: "subprotocol that was not offered", header: http.Header{"SEC-WEBSOCKET-PROTOCOL": {"b"}}, status: http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := &websocket.AcceptOptions{Subprotocols: test.ours}
				request := rawpeer.ClientOptions{}
				if test.offered != "" {
					request.Header = []string{"Sec-WebSocket-Protocol: " + test.offered}
				}
				got := answerTo(t, opts, request, test.header)
				want := cmp.Or(test.status, http.StatusSwitchingProtocols)
				if got.StatusCode != want {
					t.Fatalf("got status %d, want %d", got.StatusCode, want)
				}
				for _, name := range []string{"X-Injected", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"} {
					if value, ok := got.Header[name]; ok {
						t.Errorf("got %s %q", name, value)
					}
				}
				if test.status != 0 {
					return
				}
				if length, ok := got.Header["Content-Length"]; ok {
					t.Errorf("got Content-Length %q", length)
				}
				if len(got.Header["Sec-Websocket-Accept"]) != 1 || len(got.Header["Connection"]) != 1 || len(got.TransferEncoding) > 0 {
					t.Errorf("got %v and %v", got.Header, got.TransferEncoding)
				}
			})
		})
	}
}

// The error response does not echo the request.
func TestAttackRefusalEchoes(t *testing.T) {
	const mark = "<script>alert(1)</script>"
	for name := range searched {
		r := conntest.Request(name + ": " + mark)
		w := httptest.NewRecorder()
		if _, err := websocket.Accept(w, r, willing); err == nil {
			t.Fatal("accepted a request that cannot be hijacked")
		}
		if strings.Contains(w.Body.String(), "script") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: answered %q of type %s", name, w.Body, w.Header().Get("Content-Type"))
		}
	}
}

// coalesced returns more than a mebibyte of frames and the messages in them.
func coalesced() (frames []rawpeer.Frame, messages []string) {
	for i := range 300 {
		messages = append(messages, conntest.Filler(i*20), conntest.Filler(5000))
	}
	for _, m := range messages {
		frames = append(frames, rawpeer.Text(m))
	}
	return frames, messages
}

// Frames that arrive together with the handshake are read, and none is lost where a
// buffer of net/http ends.
func TestAttackCoalescedFrames(t *testing.T) {
	frames, messages := coalesced()
	for _, n := range []int{1, 2, 10, len(messages)} {
		opts := &conntest.Options{
			Frames: frames[:n],
			Pipe:   &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded},
		}
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			for _, want := range messages[:n] {
				conntest.WantText(t, c, want)
			}
			p.SendText("last")
			conntest.WantText(t, c, "last")
		})
	}
}

// A violation right after the handshake fails the connection as any other does.
func TestAttackCoalescedViolation(t *testing.T) {
	for _, f := range []rawpeer.Frame{{Fin: true, Opcode: 3}, rawpeer.Text("").WithRSV(rawpeer.RSV2), rawpeer.Continuation("")} {
		opts := &conntest.Options{Frames: []rawpeer.Frame{rawpeer.Text("first"), f}}
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			conntest.WantText(t, c, "first")
			read := conntest.GoRead(t, c)
			p.WantClose(1002)
			p.Close()
			conntest.WantCause(t, read.Err(), -1)
		})
	}
}
