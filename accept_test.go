//go:build !js

package websocket_test

import (
	"bufio"
	"context"
	"crypto/fips140"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// TestAcceptChecksRequest tests RFC 6455 section 4.2.1. A valid request gets status
// 501, because the recorder cannot be hijacked.
func TestAcceptChecksRequest(t *testing.T) {
	const accepted = http.StatusNotImplemented
	for _, test := range []struct {
		name   string
		r      *http.Request
		change func(*http.Request)
		status int
		header string // a header line of the error response
	}{
		{name: "right", r: conntest.Request(), status: accepted},
		{name: "tokens in any case", r: conntest.Request("Connection: keep-alive, UPGRADE", "Upgrade: WebSocket"), status: accepted},
		{name: "several lines", r: conntest.Request("Connection: keep-alive", "Connection: Upgrade", "Upgrade: h2c", "Upgrade: foo, websocket"), status: accepted},
		{name: "POST", r: conntest.Request(), change: func(r *http.Request) { r.Method = http.MethodPost }, status: http.StatusMethodNotAllowed, header: "Allow: GET"},
		{name: "HTTP/1.0", r: conntest.Request(), change: func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 1, 0 }, status: http.StatusUpgradeRequired},
		{name: "no Host", r: conntest.Request(), change: func(r *http.Request) { r.Host = "" }, status: http.StatusBadRequest},
		{name: "no Connection", r: conntest.Request("Connection"), status: http.StatusUpgradeRequired, header: "Upgrade: websocket"},
		{name: "Connection of part of a token", r: conntest.Request("Connection: NotUpgrade"), status: http.StatusUpgradeRequired},
		{name: "no Upgrade", r: conntest.Request("Upgrade"), status: http.StatusUpgradeRequired, header: "Connection: Upgrade"},
		{name: "other Upgrade", r: conntest.Request("Upgrade: websocket2"), status: http.StatusUpgradeRequired},
		{name: "Upgrade with the Kelvin sign", r: conntest.Request("Upgrade: websoc\u212aet"), status: http.StatusUpgradeRequired},
		{name: "no version", r: conntest.Request("Sec-WebSocket-Version"), status: http.StatusUpgradeRequired, header: "Sec-Websocket-Version: 13"},
		{name: "old version", r: conntest.Request("Sec-WebSocket-Version: 8"), status: http.StatusUpgradeRequired, header: "Sec-Websocket-Version: 13"},
		{name: "two versions", r: conntest.Request("Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13"), status: http.StatusUpgradeRequired},
		{name: "no key", r: conntest.Request("Sec-WebSocket-Key"), status: http.StatusBadRequest},
		{name: "two keys", r: conntest.Request("Sec-WebSocket-Key: "+rawpeer.DefaultKey, "Sec-WebSocket-Key: "+rawpeer.DefaultKey), status: http.StatusBadRequest},
		{name: "key of 15 bytes", r: conntest.Request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"), status: http.StatusBadRequest},
		{name: "key of 17 bytes", r: conntest.Request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="), status: http.StatusBadRequest},
		{name: "key that is not base64", r: conntest.Request("Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="), status: http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.change != nil {
				test.change(test.r)
			}
			w := httptest.NewRecorder()
			if _, err := websocket.Accept(w, test.r, nil); err == nil {
				t.Fatal("accepted a request that cannot be hijacked")
			}
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
			if name, value, ok := strings.Cut(test.header, ": "); ok && w.Header().Get(name) != value {
				t.Errorf("got %s %q, want %q", name, w.Header().Get(name), value)
			}
			if body := w.Body.String(); len(body) == 0 || len(body) > 100 {
				t.Errorf("got a body of %d bytes, want a short text", len(body))
			}
		})
	}
}

func TestAcceptSubprotocol(t *testing.T) {
	for _, test := range []struct {
		name    string
		offered []string
		ours    []string
		want    string
	}{
		{name: "none"},
		{name: "not offered", ours: []string{"a"}},
		{name: "not spoken", offered: []string{"a"}},
		{name: "the server's first", offered: []string{"a, b, c"}, ours: []string{"c", "a"}, want: "c"},
		{name: "over several lines", offered: []string{"a", "b"}, ours: []string{"b"}, want: "b"},
		{name: "the client's spelling", offered: []string{"Chat.V1"}, ours: []string{"chat.v1"}, want: "Chat.V1"},
		{name: "an empty one is ignored", offered: []string{"a"}, ours: []string{"", "a", ""}, want: "a"},
		{name: "only empty ones", offered: []string{"a", ""}, ours: []string{"", ""}},
		{name: "part of a token", offered: []string{"chat.v10"}, ours: []string{"chat.v1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines []string
				for _, line := range test.offered {
					lines = append(lines, "Sec-WebSocket-Protocol: "+line)
				}
				c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
					return websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: test.ours})
				}, &rawpeer.ClientOptions{Header: lines})
				defer c.CloseNow()
				if c.Subprotocol() != test.want {
					t.Errorf("got subprotocol %q, want %q", c.Subprotocol(), test.want)
				}
				got, ok := p.Response.Header["Sec-Websocket-Protocol"]
				if strings.Join(got, "|") != test.want || ok != (test.want != "") {
					t.Errorf("answered with subprotocol %q, want %q", got, test.want)
				}
			})
		})
	}
}

// TestAcceptSendsHeaders: headers set on the ResponseWriter are sent with the response,
// except those that would make it invalid.
func TestAcceptSendsHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
			w.Header().Set("X-Note", "one\r\nX-Injected: two")
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Transfer-Encoding", "chunked")
			w.Header().Set("Sec-WebSocket-Accept", "wrong")
			w.Header().Set("Sec-WebSocket-Extensions", "permessage-deflate")
			return websocket.Accept(w, r, nil)
		}, nil)
		defer c.CloseNow()
		h := p.Response.Header
		if got := strings.Join(h["Set-Cookie"], "; "); got != "session=1; theme=dark" {
			t.Errorf("got cookies %q", got)
		}
		for _, name := range []string{"X-Injected", "Content-Length", "Transfer-Encoding", "Sec-Websocket-Extensions"} {
			if got, ok := h[name]; ok {
				t.Errorf("answered with %s %q", name, got)
			}
		}
		if len(p.Response.TransferEncoding) > 0 || len(h["Sec-Websocket-Accept"]) != 1 {
			t.Errorf("answered with %v", h)
		}
	})
}

// TestAcceptSetSubprotocol: a Sec-WebSocket-Protocol header set by the handler selects
// a subprotocol if none of Subprotocols matches and the client offers it. Otherwise it
// is an error that names the option.
func TestAcceptSetSubprotocol(t *testing.T) {
	for _, test := range []struct {
		name    string
		offered []string
		ours    []string
		set     []string
		want    string
		status  int
	}{
		{"offered", []string{"a, b"}, nil, []string{"b"}, "b", 101},
		{"in the client's spelling", []string{"a, B"}, nil, []string{"b"}, "B", 101},
		{"beside others", []string{"a, b"}, []string{"c"}, []string{"b"}, "b", 101},
		{"behind Subprotocols", []string{"a, b"}, []string{"a"}, []string{"b"}, "a", 101},
		{"not offered", []string{"a"}, nil, []string{"b"}, "", 400},
		{"none offered", nil, nil, []string{"b"}, "", 400},
		{"a list", []string{"a, b"}, nil, []string{"a, b"}, "", 500},
		{"two lines", []string{"a, b"}, nil, []string{"a", "b"}, "", 500},
		{"a line end", []string{"a"}, nil, []string{"a\r\nX-Injected: x"}, "", 500},
		{"empty", []string{"a"}, nil, []string{""}, "", 101},
		{"no line", []string{"a"}, nil, []string{}, "", 101},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for where, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
					"direct":                    func(w http.ResponseWriter) http.ResponseWriter { return w },
					"direct, as in the RFC":     func(w http.ResponseWriter) http.ResponseWriter { return w },
					"middleware":                func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
					"middleware, as in the RFC": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
				} {
					name := "Sec-Websocket-Protocol"
					if strings.HasSuffix(where, "RFC") {
						name = "Sec-WebSocket-Protocol" // Header.Set would not use this key
					}
					n := rawpeer.Listen(nil)
					var c *websocket.Conn
					var err error
					rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.Header()["X-Other"] = []string{"1"}
						w.Header()[name] = test.set
						c, err = websocket.Accept(wrap(w), r, &websocket.AcceptOptions{Subprotocols: test.ours})
					}))
					conn, dialErr := n.Dial(t.Context())
					conntest.WantNoError(t, dialErr)
					opts := &rawpeer.ClientOptions{WantStatus: -1}
					for _, line := range test.offered {
						opts.Header = append(opts.Header, "Sec-WebSocket-Protocol: "+line)
					}
					p := rawpeer.ClientHandshake(t, conn, opts)
					synctest.Wait()
					if p.Response.StatusCode != test.status {
						t.Fatalf("%s: got status %d, want %d; error %v", where, p.Response.StatusCode, test.status, err)
					}
					if got := strings.Join(p.Response.Header["Sec-Websocket-Protocol"], "|"); got != test.want {
						t.Errorf("%s: answered with %q, want %q", where, got, test.want)
					}
					if test.status == 101 {
						if c.Subprotocol() != test.want {
							t.Errorf("%s: got subprotocol %q, want %q", where, c.Subprotocol(), test.want)
						}
						c.CloseNow()
					} else if !strings.Contains(err.Error(), "AcceptOptions.Subprotocols") {
						t.Errorf("%s: the error does not name the option: %v", where, err)
					}
				}
			})
		})
	}
}

// TestAcceptChecksOptions: invalid options are an error of the server for any request,
// and the error names the option.
func TestAcceptChecksOptions(t *testing.T) {
	for _, test := range []struct {
		name  string
		opts  websocket.AcceptOptions
		named string
	}{
		{"mode", websocket.AcceptOptions{CompressionMode: 3}, "CompressionMode 3"},
		{"negative mode", websocket.AcceptOptions{CompressionMode: -1}, "CompressionMode -1"},
		{"level", websocket.AcceptOptions{CompressionLevel: 10}, "CompressionLevel 10"},
		{"window", websocket.AcceptOptions{CompressionWindowBits: 16}, "CompressionWindowBits 16"},
		{"subprotocol that is not a token", websocket.AcceptOptions{Subprotocols: []string{"a", "", "a b"}}, `"a b"`},
		{"doubled subprotocol", websocket.AcceptOptions{Subprotocols: []string{"a", "chat", "chat"}}, `"chat"`},
	} {
		for name, r := range map[string]*http.Request{
			"right": conntest.Request("Sec-WebSocket-Protocol: a", "Sec-WebSocket-Extensions: "+pmd),
			"wrong": conntest.Request("Upgrade"),
		} {
			w := httptest.NewRecorder()
			_, err := websocket.Accept(w, r, &test.opts)
			if w.Code != http.StatusInternalServerError || err == nil || !strings.Contains(err.Error(), test.named) {
				t.Errorf("%s, the request is %s: got status %d and error %v, want 500 and %s in it", test.name, name, w.Code, err, test.named)
			}
		}
	}
}

// TestAcceptEarlyFrames: bytes that the client sends directly after its request are
// read as frames.
func TestAcceptEarlyFrames(t *testing.T) {
	long := strings.Repeat("0123456789", 2000)
	for name, frames := range map[string][]rawpeer.Frame{
		"one":    {rawpeer.Text("early")},
		"many":   {rawpeer.Text("early"), rawpeer.Ping("x"), rawpeer.Text("bird"), rawpeer.Binary([]byte{0, 1, 2})},
		"long":   {rawpeer.Text(long), rawpeer.Text("behind")},
		"pieces": {rawpeer.Text("one").More(), rawpeer.Continuation(" and two")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := conntest.Accepted(t, rawpeer.Listen(nil), &conntest.Options{Frames: frames})
				defer c.CloseNow()
				p.SendText("last")
				var got, want strings.Builder
				for _, f := range frames {
					if f.Opcode != rawpeer.OpPing {
						want.Write(f.Payload)
					}
				}
				for {
					_, msg, err := c.Read(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if string(msg) == "last" {
						break
					}
					got.Write(msg)
				}
				if got.String() != want.String() {
					t.Errorf("read %.100q, want %.100q", got.String(), want.String())
				}
			})
		})
	}
}

// TestAcceptLeavesServer: neither the server's timeouts nor the end of the request's
// context affect the connection.
func TestAcceptLeavesServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := rawpeer.Listen(nil)
		defer n.Close()
		conns := make(chan *websocket.Conn, 1)
		s := &http.Server{
			ReadTimeout:  time.Second,
			WriteTimeout: time.Second,
			IdleTimeout:  time.Second,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, nil)
				if err != nil {
					t.Error(err)
				}
				conns <- c // the handler returns, which ends r.Context()
			}),
		}
		go s.Serve(n)
		defer s.Close()
		conn, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := rawpeer.ClientHandshake(t, conn, nil)
		c := <-conns
		defer c.CloseNow()
		time.Sleep(time.Minute) // in the bubble's time
		p.SendText("still there?")
		if _, msg, err := c.Read(context.Background()); string(msg) != "still there?" || err != nil {
			t.Fatalf("read %q, %v", msg, err)
		}
		if err := c.Write(context.Background(), websocket.MessageText, []byte("yes")); err != nil {
			t.Fatal(err)
		}
		p.WantText("yes")
	})
}

// TestAcceptAddresses: the addresses are those of the network connection.
func TestAcceptAddresses(t *testing.T) {
	c, p := conntest.Accepted(t, rawpeer.ListenLoopback(t), new(conntest.Options))
	defer c.CloseNow()
	if got, want := c.RemoteAddr().String(), p.Conn.LocalAddr().String(); got != want {
		t.Errorf("got remote address %s, want %s", got, want)
	}
	if got, want := c.LocalAddr().String(), p.Conn.RemoteAddr().String(); got != want {
		t.Errorf("got local address %s, want %s", got, want)
	}
}

// OnReject writes the error response, with the headers required by the status, and the
// error is a HandshakeError.
func TestAcceptOnReject(t *testing.T) {
	for _, test := range []struct {
		name   string
		r      *http.Request
		status int
		header string
	}{
		{"no upgrade", conntest.Request("Upgrade"), http.StatusUpgradeRequired, "Upgrade"},
		{"version", conntest.Request("Sec-WebSocket-Version: 8"), http.StatusUpgradeRequired, "Sec-Websocket-Version"},
		{"origin", conntest.Request("Origin: https://other.example"), http.StatusForbidden, ""},
		{"not hijackable", conntest.Request(), http.StatusNotImplemented, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var rejected *websocket.HandshakeError
			w := httptest.NewRecorder()
			_, err := websocket.Accept(w, test.r, &websocket.AcceptOptions{
				OnReject: func(w http.ResponseWriter, r *http.Request, err *websocket.HandshakeError) {
					rejected = err
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(err.StatusCode)
					io.WriteString(w, `{"error":"refused"}`)
				},
			})
			if got, ok := errors.AsType[*websocket.HandshakeError](err); !ok || got != rejected || rejected.StatusCode != test.status || rejected.Err == nil {
				t.Errorf("Accept returned %#v, and OnReject got %#v, want status %d", err, rejected, test.status)
			}
			if w.Code != test.status || w.Body.String() != `{"error":"refused"}` || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("the client got status %d, %q of %q", w.Code, w.Body, w.Header().Get("Content-Type"))
			}
			if test.header != "" && w.Header().Get(test.header) == "" {
				t.Errorf("no header %s", test.header)
			}
			_, err = websocket.Accept(httptest.NewRecorder(), test.r, nil)
			if got, ok := errors.AsType[*websocket.HandshakeError](err); !ok || got.StatusCode != test.status {
				t.Errorf("without OnReject Accept returned %#v", err)
			}
		})
	}
}

func TestIsUpgrade(t *testing.T) {
	connect := func(protocol ...string) *http.Request {
		return &http.Request{Method: http.MethodConnect, ProtoMajor: 2, Header: http.Header{":protocol": protocol}}
	}
	post := conntest.Request()
	post.Method = http.MethodPost
	for _, test := range []struct {
		name string
		r    *http.Request
		want bool
	}{
		{"handshake", conntest.Request(), true},
		{"tokens in lists", conntest.Request("Connection: keep-alive, Upgrade", "Upgrade: h2c, WebSocket"), true},
		{"wrong version", conntest.Request("Sec-WebSocket-Version: 8"), true},
		{"no Upgrade", conntest.Request("Upgrade"), false},
		{"no Connection", conntest.Request("Connection"), false},
		{"h2c", conntest.Request("Upgrade: h2c"), false},
		{"POST", post, false},
		{"page", httptest.NewRequest("GET", "/", nil), false},
		{"CONNECT", connect("websocket"), true},
		{"CONNECT for another protocol", connect("connect-udp"), false},
		{"CONNECT of a proxy", connect(), false},
	} {
		if got := websocket.IsUpgrade(test.r); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

// The ReadLimit option is the limit that SetReadLimit sets.
func TestReadLimitOption(t *testing.T) {
	for limit, allowed := range map[int64]int{10: 10, 0: conntest.DefaultLimit, -1: 100_000, -7: 100_000} {
		conntest.ForBothRoles(t, &conntest.Options{ReadLimit: limit}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			read := conntest.GoRead(t, c)
			p.SendBinary(make([]byte, allowed))
			if m := read.Want(); len(m.Payload) != allowed {
				t.Errorf("got %d bytes, want %d", len(m.Payload), allowed)
			}
			if limit >= 0 {
				read = conntest.GoRead(t, c)
				p.SendBinary(make([]byte, allowed+1))
				p.WantClose(1009)
				p.Close()
				conntest.WantError(t, read.Err(), websocket.ErrMessageTooBig)
			}
		})
	}
}

// TestAcceptBoundsLists: headers that are compared with the options are limited to 8
// KiB and 64 elements, over all lines. Others may be longer.
func TestAcceptBoundsLists(t *testing.T) {
	const bytes, elements = 8 << 10, 64
	long := strings.Repeat("x", bytes)
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat("x,", n), ",") }
	for _, test := range []struct {
		name  string
		lines []string
		large bool
	}{
		{"bytes", []string{long}, false},
		{"a byte more", []string{long + "x"}, true},
		{"bytes over two lines", []string{long[1:], "x"}, false},
		{"a byte more over two lines", []string{long, "x"}, true},
		{"elements", []string{list(elements)}, false},
		{"an element more", []string{list(elements + 1)}, true},
		{"elements over two lines", []string{list(elements / 2), list(elements / 2)}, false},
		{"an element more over two lines", []string{list(elements / 2), list(elements/2 + 1)}, true},
		{"empty elements", []string{strings.Repeat(" ,", 4*elements)}, false},
		{"lines", slices.Repeat([]string{"x"}, elements+1), true},
	} {
		for _, name := range []string{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin", "Cookie"} {
			for _, opts := range []*websocket.AcceptOptions{nil, {InsecureSkipVerify: true}} {
				r := conntest.Request()
				r.Header[http.CanonicalHeaderKey(name)] = test.lines
				w := httptest.NewRecorder()
				if _, err := websocket.Accept(w, r, opts); err == nil {
					t.Fatal("accepted a request that cannot be hijacked")
				}
				large := w.Code == http.StatusRequestHeaderFieldsTooLarge
				if want := test.large && name != "Cookie"; large != want {
					t.Errorf("%s in %s: got status %d, want 431: %t", test.name, name, w.Code, want)
				}
			}
		}
	}
}

// TestAcceptErrorNamesHeader: the error contains the value in the request; the response
// does not.
func TestAcceptErrorNamesHeader(t *testing.T) {
	for _, test := range []struct{ line, named string }{
		{"Sec-WebSocket-Version: 8", `"8"`},
		{"Connection: keep-alive", `"keep-alive"`},
		{"Upgrade: h2c", `"h2c"`},
		{"Sec-WebSocket-Key: abc", `"abc"`},
		{"Origin: http://evil.test", `"http://evil.test"`},
	} {
		w := httptest.NewRecorder()
		_, err := websocket.Accept(w, conntest.Request(test.line), nil)
		if err == nil || !strings.Contains(err.Error(), test.named) {
			t.Errorf("%s: got error %v, want %s in it", test.line, err, test.named)
		}
		if strings.Contains(w.Body.String(), strings.Trim(test.named, `"`)) {
			t.Errorf("%s: the response contains %q", test.line, w.Body)
		}
	}
	r := conntest.Request()
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	if _, err := websocket.Accept(httptest.NewRecorder(), r, nil); err == nil || !strings.Contains(err.Error(), "HTTP/1.0") {
		t.Errorf("HTTP/1.0: got error %v", err)
	}
}

// TestHandshakeFIPS: handshakes work on both ends with GODEBUG=fips140=only, which
// makes SHA-1 panic. It is set in a separate test process.
func TestHandshakeFIPS(t *testing.T) {
	const setting = "fips140=only"
	if os.Getenv("GODEBUG") != setting {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHandshakeFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+setting)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestHandshakeFIPS") {
			t.Fatalf("with GODEBUG=%s: %v\n%s", setting, err, out)
		}
		return
	}
	if !fips140.Enforced() {
		t.Fatal("FIPS mode is not enforced")
	}
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(wrap(w), r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.Write(context.Background(), websocket.MessageText, []byte("hello"))
				c.Close(websocket.StatusNormalClosure, "")
			}))
			defer s.Close()
			client := &http.Client{Transport: &http.Transport{DialContext: new(net.Dialer).DialContext}}
			c, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: client})
			conntest.WantNoError(t, err)
			defer c.CloseNow()
			conntest.WantText(t, c, "hello")
			conntest.WantCause(t, conntest.ReadErr(t.Context(), c), websocket.StatusNormalClosure)
		})
	}
}

// overHTTP2 makes a request over HTTP/2 to a handler that changes it and calls Accept.
// It returns the response and Accept's error.
func overHTTP2(t *testing.T, change func(*http.Request)) (*http.Response, error) {
	errs := make(chan error, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		change(r)
		_, err := websocket.Accept(w, r, nil)
		errs <- err
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	client := s.Client()
	defer client.CloseIdleConnections()
	client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"h2"}
	resp, err := client.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if resp.ProtoMajor != 2 {
		t.Fatalf("got an answer over %s", resp.Proto)
	}
	return resp, <-errs
}

// TestAcceptHTTP2: the error for a connection that cannot be hijacked is clear.
func TestAcceptHTTP2(t *testing.T) {
	resp, err := overHTTP2(t, func(r *http.Request) {
		r.Header = conntest.Request().Header // HTTP/2 clients do not send Upgrade
	})
	if resp.StatusCode != http.StatusNotImplemented {
		t.Errorf("got status %d", resp.StatusCode)
	}
	if !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("got error %v, want http.ErrNotSupported", err)
	}
}

// TestAcceptRefusesHTTP2: the error response has none of the headers that HTTP/2
// forbids, for which clients would reject it.
func TestAcceptRefusesHTTP2(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"no handshake": func(*http.Request) {},
		"no Connection": func(r *http.Request) {
			r.Header = conntest.Request("Connection").Header
		},
		"another version": func(r *http.Request) {
			r.Header = conntest.Request("Sec-WebSocket-Version: 8").Header
		},
	} {
		resp, err := overHTTP2(t, change)
		if resp.StatusCode != http.StatusUpgradeRequired || err == nil {
			t.Errorf("%s: got status %d and error %v, want 426", name, resp.StatusCode, err)
		}
		for _, forbidden := range []string{"Upgrade", "Connection"} {
			if got, ok := resp.Header[forbidden]; ok {
				t.Errorf("%s: answered with %s %q", name, forbidden, got)
			}
		}
		if name == "no handshake" && !strings.Contains(err.Error(), "HTTP/2.0") {
			t.Errorf("the error does not name the protocol: %v", err)
		}
	}
}

// undated is a network whose accepted connections do not support deadlines, like those
// through an SSH server.
type undated struct{ *rawpeer.Listener }

func (n undated) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return undatedConn{conn}, nil
}

type undatedConn struct{ net.Conn }

var errNoDeadlines = errors.New("deadlines are not supported")

func (undatedConn) SetDeadline(time.Time) error      { return errNoDeadlines }
func (undatedConn) SetReadDeadline(time.Time) error  { return errNoDeadlines }
func (undatedConn) SetWriteDeadline(time.Time) error { return errNoDeadlines }

// TestAcceptWithoutDeadlines: Accept works if the connection does not support
// deadlines. The client gets the response before it sends anything.
func TestAcceptWithoutDeadlines(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := undated{rawpeer.Listen(nil)}
				conns := make(chan *websocket.Conn, 1)
				rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					c, err := websocket.Accept(wrap(w), r, nil)
					if err != nil {
						t.Error(err)
					}
					conns <- c
				}))
				conn, err := n.Dial(t.Context())
				conntest.WantNoError(t, err)
				p := rawpeer.ClientHandshake(t, conn, nil)
				p.SendText("hello") // needed by net/http's Hijack
				c := <-conns
				defer c.CloseNow()
				conntest.WantText(t, c, "hello")
				p.SendText("there")
				conntest.WantText(t, c, "there")
			})
		})
	}
}

// TestAcceptResponseBounded: a client that does not read the response blocks Accept for
// at most 5 seconds, with and without middleware.
func TestAcceptResponseBounded(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := rawpeer.Listen(nil)
				errs := make(chan error, 1)
				rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) // more than the stream's capacity
					errs <- acceptUnanswered(t, wrap(w), r)
				}))
				conn, err := n.Dial(t.Context())
				conntest.WantNoError(t, err)
				rawpeer.NewPeer(t, conn, rawpeer.Client).SendRequest(nil)
				conntest.WantError(t, <-errs, os.ErrDeadlineExceeded)
			})
		})
	}
	t.Run("no deadlines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, server := rawpeer.Pipe(nil)
			w := hijackable(server)
			w.hijack = func() (net.Conn, *bufio.ReadWriter, error) {
				conn := undatedConn{server}
				out := bufio.NewWriterSize(conn, 1<<20)
				out.WriteString(strings.Repeat("x", 1<<20))
				return conn, bufio.NewReadWriter(bufio.NewReader(conn), out), nil
			}
			conntest.WantError(t, acceptUnanswered(t, w, conntest.Request()), os.ErrDeadlineExceeded)
		})
	})
}

// acceptUnanswered returns Accept's error. Accept must return within 5 s of the
// bubble's time.
func acceptUnanswered(t *testing.T, w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	c, err := websocket.Accept(w, r, nil)
	if err == nil {
		c.CloseNow()
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the client held Accept for %v", took)
	}
	return err
}
