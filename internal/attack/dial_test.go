//go:build !js

package attack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// swapCase swaps the case of each letter.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if lower := strings.ToLower(string(r)); lower != string(r) {
			return rune(lower[0])
		}
		return rune(strings.ToUpper(string(r))[0])
	}, s)
}

// Responses that fail the handshake: each header missing, wrong and repeated, an
// extension or subprotocol that was not offered, and other statuses. The client offers
// the subprotocols k and s.
func TestAttackAnswers(t *testing.T) {
	status := func(s string, lines ...string) rawpeer.ServerOptions {
		return rawpeer.ServerOptions{Status: s, Header: append(lines, "Content-Length: 0")}
	}
	type attack struct {
		name   string
		answer func(accept string) rawpeer.ServerOptions // the response to a request with this key digest
	}
	lines := func(lines ...string) func(string) rawpeer.ServerOptions {
		return func(string) rawpeer.ServerOptions { return conntest.Answer(lines...) }
	}
	accepts := func(change func(accept string) []string) func(string) rawpeer.ServerOptions {
		return func(accept string) rawpeer.ServerOptions {
			var lines []string
			for _, value := range change(accept) {
				lines = append(lines, "Sec-WebSocket-Accept: "+value)
			}
			return conntest.Answer(lines...)
		}
	}
	attacks := []attack{
		{"no Upgrade", lines("Upgrade")},
		{"empty Upgrade", lines("Upgrade: ")},
		{"other Upgrade", lines("Upgrade: websockets")},
		{"more Upgrades in a line", lines("Upgrade: websocket, h2c")},
		{"two Upgrades", lines("Upgrade: websocket", "Upgrade: h2c")},
		{"Upgrade with a version", lines("Upgrade: websocket/13")},
		{"Upgrade in other letters", lines("Upgrade: web\u017focket")},
		{"Upgrade in other letters", lines("Upgrade: websoc\u212aet")},
		{"no Connection", lines("Connection")},
		{"empty Connection", lines("Connection: ")},
		{"other Connection", lines("Connection: keep-alive")},
		{"two Connections, none right", lines("Connection: keep-alive", "Connection: x-upgrade")},
		{"no accept key", lines("Sec-WebSocket-Accept")},
		{"empty accept key", lines("Sec-WebSocket-Accept: ")},
		{"the key itself", accepts(func(string) []string { return []string{rawpeer.DefaultKey} })},
		{"accept key of another key", accepts(func(string) []string { return []string{rawpeer.AcceptKey("x")} })},
		{"accept key in other case", accepts(func(a string) []string { return []string{swapCase(a)} })},
		{"accept key in capitals", accepts(func(a string) []string { return []string{strings.ToUpper(a)} })},
		{"accept key without its end", accepts(func(a string) []string { return []string{strings.TrimRight(a, "=")} })},
		{"accept key with more", accepts(func(a string) []string { return []string{a + "="} })},
		{"accept key in quotes", accepts(func(a string) []string { return []string{`"` + a + `"`} })},
		{"accept key twice in a line", accepts(func(a string) []string { return []string{a + ", " + a} })},
		{"accept key twice", accepts(func(a string) []string { return []string{a, a} })},
		{"accept key, and another", accepts(func(a string) []string { return []string{a, rawpeer.AcceptKey("x")} })},
		{"another, and the accept key", accepts(func(a string) []string { return []string{rawpeer.AcceptKey("x"), a} })},
		{"a subprotocol not offered", lines("Sec-WebSocket-Protocol: x")},
		{"two subprotocols", lines("Sec-WebSocket-Protocol: k", "Sec-WebSocket-Protocol: s")},
		{"the same subprotocol twice", lines("Sec-WebSocket-Protocol: k", "Sec-WebSocket-Protocol: k")},
		{"two subprotocols in a line", lines("Sec-WebSocket-Protocol: k, s")},
		{"a subprotocol with more", lines("Sec-WebSocket-Protocol: k x")},
		{"a subprotocol in other letters", lines("Sec-WebSocket-Protocol: \u212a")},
		{"a subprotocol in other letters", lines("Sec-WebSocket-Protocol: \u017f")},
		{"an extension not offered", lines("Sec-WebSocket-Extensions: x-other")},
		{"an extension beside the one offered", lines("Sec-WebSocket-Extensions: "+pmd, "Sec-WebSocket-Extensions: x-other")},
		{"the extension twice", lines("Sec-WebSocket-Extensions: "+pmd, "Sec-WebSocket-Extensions: "+pmd)},
		{"not an extension", lines("Sec-WebSocket-Extensions: =")},
	}
	for _, s := range []string{"200 OK", "202 Accepted", "204 No Content", "301 Moved Permanently", "304 Not Modified",
		"400 Bad Request", "401 Unauthorized", "426 Upgrade Required", "500 Internal Server Error", "999 \x1b[31m"} {
		attacks = append(attacks, attack{s, func(string) rawpeer.ServerOptions { return status(s) }})
	}
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
					Subprotocols:    []string{"k", "s"},
					CompressionMode: websocket.CompressionContextTakeover,
				})
				answer := attack.answer(rawpeer.AcceptKey(p.Request.Header.Get("Sec-WebSocket-Key")))
				p.Answer(&answer)
				got, err := call.Result()
				if err == nil || got.Conn != nil {
					t.Fatal("the answer was taken")
				}
				if got.Response == nil {
					t.Error("got no response")
				}
				if strings.ContainsAny(err.Error(), "\x1b\r\n") {
					t.Errorf("the error %q has control characters of the server's", err)
				}
				p.WantEnd()
			})
		})
	}
}

// endless are responses without an end: first, then more repeated. Dial fails where
// net/http limits the size; elsewhere the context ends the call.
var endless = []struct{ name, first, more string }{
	{"headers", "HTTP/1.1 101 Switching Protocols\r\n", "X-Header: " + strings.Repeat("x", 1000) + "\r\n"},
	{"short headers", "HTTP/1.1 101 Switching Protocols\r\n", strings.Repeat("X: \r\n", 200)},
	{"a header", "HTTP/1.1 101 Switching Protocols\r\nX-Header: ", strings.Repeat("x", 1000)},
	{"a folded header", "HTTP/1.1 101 Switching Protocols\r\nX-Header: x\r\n", strings.Repeat(" x\r\n", 200)},
	{"a status", "HTTP/1.1 101 ", strings.Repeat("x", 1000)},
	{"hints", "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"},
	{"a body", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 1000)},
	{"chunks", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\nx\r\n", 200)},
	{"chunk extensions", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1;", strings.Repeat("x", 1000)},
	{"frames without an accept key", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", strings.Repeat("\x81\x01x", 400)},
}

// A response without an end takes bounded memory (CVE-2023-43669).
func TestAttackEndlessAnswers(t *testing.T) {
	// This includes garbage: net/http reads 10 MiB of headers, its transport's default
	// limit, and converts them to strings.
	const most = 256 << 20
	for _, test := range endless {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
				if n := conntest.Allocated(func() {
					_, err := p.Conn.Write([]byte(test.first))
					for err == nil {
						_, err = p.Conn.Write([]byte(test.more))
					}
					if got, err := call.Result(); err == nil {
						t.Errorf("got %v", got)
					}
				}); n > most {
					t.Errorf("allocated %d bytes", n)
				}
			})
		})
	}
}

// A response that arrives slowly ends with the context.
func TestAttackSlowAnswers(t *testing.T) {
	const patience = time.Minute
	for _, test := range endless[:5] {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				start := time.Now()
				call, p := conntest.GoDial(t, ctx, rawpeer.URL, nil)
				_, err := p.Conn.Write([]byte(test.first))
				for i := 0; err == nil; i++ {
					time.Sleep(time.Second) // in the bubble's time
					_, err = p.Conn.Write([]byte{test.more[i%len(test.more)]})
				}
				if err := call.Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want the context's", err)
				}
				if d := time.Since(start); d > patience+time.Second {
					t.Errorf("took %v", d)
				}
			})
		})
	}
}

// Strings in the options do not inject a header or a second request: Dial refuses them
// or encodes them harmlessly.
func TestAttackDialInjection(t *testing.T) {
	const injected = "\r\nX-Injected: x"
	options := map[string]websocket.DialOptions{
		"header value":     {HTTPHeader: http.Header{"X-Note": {"a" + injected}}},
		"header value, LF": {HTTPHeader: http.Header{"X-Note": {"a\nX-Injected: x"}}},
		"header value NUL": {HTTPHeader: http.Header{"X-Note": {"a\x00"}}},
		"header name":      {HTTPHeader: http.Header{"X-Note" + injected: {"x"}}},
		"header name, LF":  {HTTPHeader: http.Header{"X-Injected: x\nX": {"x"}}},
		"empty name":       {HTTPHeader: http.Header{"": {"x"}}},
		"Host":             {Host: "server.test" + injected},
		"Host with a path": {Host: "server.test/x HTTP/1.1" + injected},
		"Host, not ASCII":  {Host: "server\u00ff\r.test"},
	}
	for _, protocol := range []string{"a" + injected, "a\nb", "a\x00", "a b", "a,b", "\u00fc", "\u212a", "a;b", `"a"`, "a\x7f"} {
		options["subprotocol "+protocol] = websocket.DialOptions{Subprotocols: []string{"x", protocol}}
	}
	for name, opts := range options {
		t.Run(name, func(t *testing.T) { wantNothingInjected(t, rawpeer.URL, &opts) })
	}
	for _, u := range []string{
		"ws://server.test/" + injected, "ws://server.test/ HTTP/1.1" + injected, "ws://server.test/?" + injected, "ws://server.test/#" + injected,
		"ws://server.test" + injected + "/", "ws://a" + injected + "@server.test/", "ws://server.test/\x00", "ws://server.test/\x7f",
		"ws://server.test/%0d%0aX-Injected:%20x", "ws://a%0d%0aX-Injected:b@server.test/", "ws://server%0d%0a.test/",
	} {
		t.Run(u, func(t *testing.T) { wantNothingInjected(t, u, new(websocket.DialOptions)) })
	}
}

// wantNothingInjected expects Dial to fail, or to send one request without the injected
// header.
func wantNothingInjected(t *testing.T, url string, opts *websocket.DialOptions) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := rawpeer.Listen(nil)
		requests := make(chan *http.Request, 10)
		rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { requests <- r }))
		opts.HTTPClient = rawpeer.HTTPClient(n)
		if c, _, err := websocket.Dial(t.Context(), url, opts); err == nil {
			c.CloseNow()
			t.Fatal("dialed a server that is not a WebSocket server")
		}
		synctest.Wait()
		if len(requests) > 1 {
			t.Fatalf("%d requests were made", len(requests))
		}
		if len(requests) == 1 {
			r := <-requests
			for name, values := range r.Header {
				if strings.Contains(name, "Injected") || strings.Contains(name, "Note") || len(values) != 1 || strings.ContainsAny(values[0], "\r\n\x00") {
					t.Errorf("the request has %s %q", name, values)
				}
			}
			if strings.ContainsAny(r.Host, "\r\n \x00/") || r.Proto != "HTTP/1.1" || len(opts.Subprotocols) > 0 {
				t.Errorf("the request is for %q, %s, with %v", r.Host, r.Proto, r.Header)
			}
		}
	})
}

// Headers of the handshake replace those in the options, in any spelling of their
// names.
func TestAttackHandshakeHeadersTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{HTTPHeader: http.Header{
			"sec-websocket-key":        {rawpeer.DefaultKey},
			"SEC-WEBSOCKET-VERSION":    {"8"},
			"sec-websocket-extensions": {pmd},
			"upgrade":                  {"h2c"},
			"connection":               {"close"},
		}})
		for name, want := range map[string]int{
			"Sec-Websocket-Key": 1, "Sec-Websocket-Version": 1, "Upgrade": 1, "Connection": 1,
			"Sec-Websocket-Extensions": 0,
		} {
			if got := p.Request.Header[name]; len(got) != want {
				t.Errorf("sent %s %q, want %d", name, got, want)
			}
		}
		p.Answer(nil)
		call.Want()
	})
}
