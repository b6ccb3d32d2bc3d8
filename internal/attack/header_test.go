//go:build !js

package attack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// answerTo returns the server's response to a request. headers are set by the handler
// before it calls Accept with opts.
func answerTo(t *testing.T, opts *websocket.AcceptOptions, request rawpeer.ClientOptions, headers http.Header) *http.Response {
	t.Helper()
	n := rawpeer.Listen(&rawpeer.PipeOptions{Capacity: rawpeer.Unbounded})
	rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range headers {
			w.Header()[name] = values
		}
		if c, err := websocket.Accept(w, r, opts); err == nil {
			c.CloseNow()
		}
	}))
	conn, err := n.Dial(t.Context())
	conntest.WantNoError(t, err)
	request.WantStatus = -1
	return rawpeer.ClientHandshake(t, conn, &request).Response
}

// willing are options that agree to everything negotiable.
var willing = &websocket.AcceptOptions{
	Subprotocols:    []string{"b", "x"},
	OriginPatterns:  []string{"*.example.com"},
	CompressionMode: websocket.CompressionContextTakeover,
}

// long are values that take quadratic time in a parser that looks back for each byte:
// it would not finish a mebibyte of them.
var long = map[string]func(n int) string{
	"spaces":               func(n int) string { return "b" + strings.Repeat(" ", n) + "x" },
	"spaces in front":      func(n int) string { return strings.Repeat(" ", n) + "!" },
	"tabs":                 func(n int) string { return "b" + strings.Repeat("\t", n) + "x" },
	"commas":               func(n int) string { return strings.Repeat(",", n) + "=" },
	"commas and spaces":    func(n int) string { return strings.Repeat(" ,", n/2) + "=" },
	"semicolons":           func(n int) string { return "permessage-deflate" + strings.Repeat(";", n) },
	"parameters":           func(n int) string { return "permessage-deflate" + strings.Repeat(";a", n/2) },
	"other extensions":     func(n int) string { return strings.Repeat("a,", n/2) + "permessage-deflate" },
	"a quote":              func(n int) string { return `permessage-deflate; a="` + strings.Repeat("b", n) },
	"a quote with escapes": func(n int) string { return `permessage-deflate; a="` + strings.Repeat(`\"`, n/2) },
	"quotes":               func(n int) string { return "permessage-deflate" + strings.Repeat(`;a="b"`, n/6) + `;a="` },
	"a token":              func(n int) string { return strings.Repeat("b", n) },
	"slashes":              func(n int) string { return "http://" + strings.Repeat("/", n) },
	"dots":                 func(n int) string { return "http://" + strings.Repeat("a.", n/2) + "example.com.x" },
}

// searched are the headers that Accept parses, with the status of its response to a
// value of 32,000 bytes.
var searched = map[string]int{
	"Sec-WebSocket-Protocol":   http.StatusRequestHeaderFieldsTooLarge,
	"Sec-WebSocket-Extensions": http.StatusRequestHeaderFieldsTooLarge,
	"Sec-WebSocket-Key":        http.StatusBadRequest,
	"Sec-WebSocket-Version":    http.StatusUpgradeRequired,
	"Connection":               http.StatusUpgradeRequired,
	"Upgrade":                  http.StatusUpgradeRequired,
	"Origin":                   http.StatusRequestHeaderFieldsTooLarge,
}

// A value with 32,000 spaces (CVE-2021-32640), an unterminated quoted string
// (CVE-2020-7662), and similar ones.
func TestAttackLongHeaders(t *testing.T) {
	// net/http trims the leading spaces.
	trimmed := map[string]int{
		"Sec-WebSocket-Protocol":   http.StatusSwitchingProtocols,
		"Sec-WebSocket-Extensions": http.StatusSwitchingProtocols,
		"Origin":                   http.StatusForbidden,
	}
	for what, value := range long {
		for name, status := range searched {
			if short, ok := trimmed[name]; ok && what == "spaces in front" {
				status = short
			}
			t.Run(what+" in "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got := answerTo(t, willing, rawpeer.ClientOptions{Header: []string{name + ": " + value(32_000)}}, nil)
					if got.StatusCode != status {
						t.Errorf("got status %d, want %d", got.StatusCode, status)
					}
					for _, agreed := range []string{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"} {
						if got := got.Header.Get(agreed); got != "" {
							t.Errorf("agreed on %s %.80q", agreed, got)
						}
					}
				})
			})
		}
	}
}

// The same with a mebibyte, for servers that allow this much. Each byte is examined a
// fixed number of times: skipped, scanned into a token, and compared. Allocation is
// proportional too, and not a struct for each byte.
func TestAttackMebibyteHeaders(t *testing.T) {
	const size, most = 1 << 20, 8 << 20
	for what, value := range long {
		for name := range searched {
			t.Run(what+" in "+name, func(t *testing.T) {
				r := conntest.Request(name + ": " + value(size))
				if n := conntest.Allocated(func() {
					if _, err := websocket.Accept(httptest.NewRecorder(), r, willing); err == nil {
						t.Error("accepted a request that cannot be hijacked")
					}
				}); n > most {
					t.Errorf("allocated %d bytes", n)
				}
			})
		}
	}
	// Likewise for the headers of the response to a client.
	for what, value := range long {
		for _, name := range []string{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept", "Connection", "Upgrade"} {
			t.Run(what+" in the answer's "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
						Subprotocols:    []string{"b", "x"},
						CompressionMode: websocket.CompressionContextTakeover,
					})
					answer := conntest.Answer(name + ": " + value(size))
					p.Stream().SetCapacity(rawpeer.Unbounded)
					p.Answer(&answer)
					if _, err := call.Result(); err == nil {
						t.Error("accepted the response")
					}
				})
			})
		}
	}
}

// 2,000 headers, more than some servers keep (CVE-2024-37890): those of the handshake
// are found before and after the others.
func TestAttackManyHeaders(t *testing.T) {
	const n = 2000
	many := func(line string) []string {
		lines := make([]string, n)
		for i := range lines {
			lines[i] = line
		}
		return lines
	}
	head := "GET / HTTP/1.1\r\nHost: server.test\r\n"
	handshake := "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rawpeer.DefaultKey + "\r\n"
	others := strings.Repeat("X-Other: x\r\n", n)
	for _, test := range []struct {
		name    string
		request rawpeer.ClientOptions
		status  int
	}{
		{"others behind", rawpeer.ClientOptions{Raw: []byte(head + handshake + others + "\r\n")}, http.StatusSwitchingProtocols},
		{"others in front", rawpeer.ClientOptions{Raw: []byte(head + others + handshake + "\r\n")}, http.StatusSwitchingProtocols},
		{"others alone", rawpeer.ClientOptions{Raw: []byte(head + others + "\r\n")}, http.StatusUpgradeRequired},
		{"Connection", rawpeer.ClientOptions{Header: append(many("Connection: keep-alive"), "Connection: Upgrade")}, http.StatusSwitchingProtocols},
		{"Upgrade", rawpeer.ClientOptions{Header: append(many("Upgrade: h2c"), "Upgrade: websocket")}, http.StatusSwitchingProtocols},
		{"key", rawpeer.ClientOptions{Header: many("Sec-WebSocket-Key: " + rawpeer.DefaultKey)}, http.StatusBadRequest},
		{"version", rawpeer.ClientOptions{Header: many("Sec-WebSocket-Version: 13")}, http.StatusUpgradeRequired},
		{"origin", rawpeer.ClientOptions{Header: many("Origin: http://server.test")}, http.StatusRequestHeaderFieldsTooLarge},
		{"subprotocol", rawpeer.ClientOptions{Header: many("Sec-WebSocket-Protocol: b")}, http.StatusRequestHeaderFieldsTooLarge},
		{"extension", rawpeer.ClientOptions{Header: many("Sec-WebSocket-Extensions: permessage-deflate")}, http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := answerTo(t, willing, test.request, nil); got.StatusCode != test.status {
					t.Errorf("got status %d, want %d", got.StatusCode, test.status)
				}
			})
		})
	}
}
