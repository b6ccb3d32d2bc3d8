//go:build !js

package websocket_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// TestDialRequest tests the request of RFC 6455 section 4.1.
func TestDialRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header := http.Header{
			"X-Token":               {"secret"},
			"User-Agent":            {"me"},
			"Sec-Websocket-Key":     {"mine"},
			"Sec-Websocket-Version": {"8"},
		}
		call, p := conntest.GoDial(t, t.Context(), "ws://user:pass@server.test/path?q=1#fragment", &websocket.DialOptions{
			HTTPHeader:   header,
			Host:         "virtual.test",
			Subprotocols: []string{"a", "b"},
		})
		r := p.Request
		for _, check := range []struct{ what, got, want string }{
			{"method", r.Method, "GET"},
			{"version", r.Proto, "HTTP/1.1"},
			{"target", r.RequestURI, "/path?q=1"},
			{"Host", r.Host, "virtual.test"},
			{"Connection", r.Header.Get("Connection"), "Upgrade"},
			{"Upgrade", r.Header.Get("Upgrade"), "websocket"},
			{"version", strings.Join(r.Header["Sec-Websocket-Version"], "|"), "13"},
			{"subprotocols", strings.Join(r.Header["Sec-Websocket-Protocol"], "|"), "a, b"},
			{"extensions", strings.Join(r.Header["Sec-Websocket-Extensions"], "|"), ""},
			{"own header", r.Header.Get("X-Token"), "secret"},
			{"user agent", r.Header.Get("User-Agent"), "me"},
			{"authorization", r.Header.Get("Authorization"), "Basic " + base64.StdEncoding.EncodeToString([]byte("user:pass"))},
		} {
			if check.got != check.want {
				t.Errorf("%s is %q, want %q", check.what, check.got, check.want)
			}
		}
		keys := r.Header["Sec-Websocket-Key"]
		if len(keys) != 1 {
			t.Fatalf("got keys %q, want one", keys)
		}
		if key, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(key) != 16 {
			t.Errorf("key %q is %d bytes, %v", keys[0], len(key), err)
		}
		if len(header) != 4 || header.Get("Sec-Websocket-Key") != "mine" {
			t.Error("Dial changed the caller's header")
		}
		p.Answer(&rawpeer.ServerOptions{Header: []string{"Sec-WebSocket-Protocol: b", "Set-Cookie: a=b"}})
		got := call.Want()
		if got.Conn.Subprotocol() != "b" {
			t.Errorf("got subprotocol %q, want b", got.Conn.Subprotocol())
		}
		if got.Response.StatusCode != http.StatusSwitchingProtocols || len(got.Response.Cookies()) != 1 {
			t.Errorf("got response %v", got.Response)
		}
		if n, err := got.Response.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the response's body read %d, %v", n, err)
		}
	})
}

func TestDialKeysDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
			seen[p.Request.Header.Get("Sec-Websocket-Key")] = true
			p.Answer(nil)
			call.Want()
		})
	}
	if len(seen) != 3 {
		t.Errorf("3 handshakes used %d keys", len(seen))
	}
}

// TestDialRefused: up to 1024 bytes of the body of an error response can be read.
func TestDialRefused(t *testing.T) {
	body := strings.Repeat("no! ", 1000)
	for name, length := range map[string]int{"short": 8, "exact": 1024, "long": len(body)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
				p.Answer(&rawpeer.ServerOptions{
					Status: "403 Forbidden",
					Header: []string{"Connection: close", "Upgrade", "Sec-WebSocket-Accept"},
					Behind: []byte(body[:length]),
				})
				p.Close()
				got, err := call.Result()
				if err == nil {
					t.Fatal("dialed")
				}
				b, err := io.ReadAll(got.Response.Body)
				if got.Response.StatusCode != http.StatusForbidden || string(b) != body[:min(length, 1024)] || err != nil {
					t.Errorf("got status %d and %d bytes of body, %v", got.Response.StatusCode, len(b), err)
				}
			})
		})
	}
}

// TestDialRefusedSlowly: a server that does not send the announced body blocks Dial
// only briefly.
func TestDialRefusedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
		start := time.Now()
		p.Answer(&rawpeer.ServerOptions{
			Status: "503 Service Unavailable",
			Header: []string{"Content-Length: 100", "Connection", "Upgrade", "Sec-WebSocket-Accept"},
			Behind: []byte("wait"),
		})
		got, err := call.Result()
		if err == nil {
			t.Fatal("dialed")
		}
		if b, _ := io.ReadAll(got.Response.Body); string(b) != "wait" {
			t.Errorf("got body %q", b)
		}
		if passed := time.Since(start); passed > 5*time.Second {
			t.Errorf("Dial took %v", passed)
		}
	})
}

// TestDialEarlyFrames: frames that arrive with the response are not lost.
func TestDialEarlyFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := bytes.Repeat([]byte("0123456789"), 2000)
		call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
		p.Answer(&rawpeer.ServerOptions{Frames: []rawpeer.Frame{rawpeer.Text("hello"), rawpeer.Ping("x"), rawpeer.Binary(long)}})
		c := call.Want().Conn
		for _, want := range [][]byte{[]byte("hello"), long} {
			if _, got, err := c.Read(t.Context()); !bytes.Equal(got, want) || err != nil {
				t.Fatalf("read %.100q, %v", got, err)
			}
		}
		p.WantPong("x")
	})
}

// TestDialContext: the context and the client's Timeout bound the handshake, and have
// no effect afterwards.
func TestDialContext(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration // of the client; 0: that of the context
	}{
		{name: "context"},
		{name: "client's timeout", timeout: time.Second},
	} {
		limits := func(t *testing.T) (context.Context, *websocket.DialOptions) {
			if test.timeout > 0 {
				return t.Context(), &websocket.DialOptions{HTTPClient: &http.Client{Timeout: test.timeout}}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			t.Cleanup(cancel)
			return ctx, nil
		}
		t.Run(test.name+" during", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, opts := limits(t)
				start := time.Now()
				call, p := conntest.GoDial(t, ctx, rawpeer.URL, opts)
				if err := call.Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want context.DeadlineExceeded", err)
				}
				if passed := time.Since(start); passed != time.Second {
					t.Errorf("Dial took %v, want 1s", passed)
				}
				p.WantEnd()
			})
		})
		t.Run(test.name+" after", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, opts := limits(t)
				call, p := conntest.GoDial(t, ctx, rawpeer.URL, opts)
				p.Answer(nil)
				c := call.Want().Conn
				time.Sleep(time.Minute) // in the bubble's time
				p.SendText("still there?")
				if _, got, err := c.Read(context.Background()); string(got) != "still there?" || err != nil {
					t.Fatalf("read %q, %v", got, err)
				}
				if err := c.Write(context.Background(), websocket.MessageText, []byte("yes")); err != nil {
					t.Fatal(err)
				}
				p.WantText("yes")
			})
		})
	}
}

func TestDialBadArguments(t *testing.T) {
	for name, try := range map[string]func() error{
		"URL": func() error {
			_, _, err := websocket.Dial(t.Context(), "ws://[::1", nil)
			return err
		},
		"scheme": func() error {
			_, _, err := websocket.Dial(t.Context(), "ftp://server.test/", nil)
			return err
		},
		"subprotocol twice": func() error {
			_, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{Subprotocols: []string{"a", "b", "a"}})
			return err
		},
		"compression mode": func() error {
			_, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{CompressionMode: 3})
			return err
		},
		"negative compression mode": func() error {
			_, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{CompressionMode: -1})
			return err
		},
		"subprotocol": func() error {
			_, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{Subprotocols: []string{"a, b"}})
			return err
		},
		"context": func() error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _, err := websocket.Dial(ctx, rawpeer.URL, nil)
			if !errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: Dial did not refuse it", name)
		}
	}
}

// readOnly is the response body of a transport without support for upgrades.
type readOnly struct{ io.Reader }

func (readOnly) Close() error { return nil }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDialBodyNotWritable(t *testing.T) {
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusSwitchingProtocols,
			Header: http.Header{
				"Connection":           {"Upgrade"},
				"Upgrade":              {"websocket"},
				"Sec-Websocket-Accept": {rawpeer.AcceptKey(r.Header.Get("Sec-Websocket-Key"))},
			},
			Body:    readOnly{strings.NewReader("")},
			Request: r,
		}, nil
	})}
	if c, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{HTTPClient: client}); err == nil {
		c.CloseNow()
		t.Fatal("dialed over a body that can't be written to")
	}
}

// TestDialUnregistersContext: after a failed handshake nothing is registered with its
// context.
func TestDialUnregistersContext(t *testing.T) {
	for name, answer := range map[string]rawpeer.ServerOptions{
		"refused":   {Status: "404 Not Found", Header: []string{"Content-Length: 0", "Connection", "Upgrade", "Sec-WebSocket-Accept"}},
		"wrong 101": conntest.Answer("Sec-WebSocket-Accept: wrong"),
		"cut off":   {Raw: []byte("HTTP/1.1 ")},
		"accepted":  {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := conntest.NewCountedContext()
				call, p := conntest.GoDial(t, ctx, rawpeer.URL, nil)
				p.Answer(&answer)
				if name == "cut off" {
					p.Close()
				}
				if _, err := call.Result(); (err == nil) != (name == "accepted") {
					t.Fatalf("got error %v", err)
				}
				if waiting, registered := ctx.Counts(); waiting != 0 || registered == 0 {
					t.Errorf("%d of %d functions still wait for the context's end", waiting, registered)
				}
			})
		})
	}
}

// An error with a URL does not contain its password.
func TestDialErrorHidesPassword(t *testing.T) {
	const password = "5ecre7"
	for _, u := range []string{
		"ws://me:" + password + "@host:port/",
		"ftp://me:" + password + "@127.0.0.1/",
		"ws://me:" + password + "@127.0.0.1:1/",
	} {
		_, _, err := websocket.Dial(t.Context(), u, nil)
		if err == nil {
			t.Fatalf("%s could be dialed", u)
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("the password is in %q", err)
		}
	}
}

// TestDialHost: a Host in HTTPHeader is used in the request.
func TestDialHost(t *testing.T) {
	for _, test := range []struct {
		name, host string
		header     http.Header
		want       string // "": Dial must fail
	}{
		{"none", "", nil, "server.test"},
		{"option", "virtual.test", nil, "virtual.test"},
		{"header", "", http.Header{"Host": {"virtual.test:81"}}, "virtual.test:81"},
		{"header in another case", "", http.Header{"hOST": {"virtual.test"}}, "virtual.test"},
		{"both", "virtual.test", http.Header{"Host": {"virtual.test"}}, "virtual.test"},
		{"different ones", "virtual.test", http.Header{"Host": {"other.test"}}, ""},
		{"two", "", http.Header{"Host": {"virtual.test", "other.test"}}, ""},
		{"two spellings", "", http.Header{"Host": {"virtual.test"}, "host": {"virtual.test"}}, ""},
		{"empty", "", http.Header{"Host": {""}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := &websocket.DialOptions{Host: test.host, HTTPHeader: test.header}
			if test.want == "" {
				if _, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:1", opts); err == nil || !strings.Contains(err.Error(), "HTTPHeader") {
					t.Errorf("got %v, want an error that names HTTPHeader", err)
				}
				return
			}
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), "ws://server.test", opts)
				if p.Request.Host != test.want || len(p.Request.Header["Host"]) > 0 {
					t.Errorf("sent Host %q, and %q besides, want %q", p.Request.Host, p.Request.Header["Host"], test.want)
				}
				p.Answer(nil)
				call.Want()
			})
		})
	}
}

// TestDialSubprotocols: the subprotocols are those in the option, or in a header of
// HTTPHeader.
func TestDialSubprotocols(t *testing.T) {
	const name = "Sec-WebSocket-Protocol"
	for _, test := range []struct {
		name   string
		option []string
		header http.Header
		want   string // the offer
		fails  bool
	}{
		{"none", nil, nil, "", false},
		{"empty ones", []string{"", ""}, nil, "", false},
		{"an empty one among others", []string{"", "a", "", "b"}, nil, "a, b", false},
		{"header", nil, http.Header{"Sec-Websocket-Protocol": {"a,b"}}, "a, b", false},
		{"header in another case", nil, http.Header{name: {"a"}}, "a", false},
		{"header of two lines", nil, http.Header{"Sec-Websocket-Protocol": {"a , b", "c,"}}, "a, b, c", false},
		{"header and an empty option", []string{""}, http.Header{name: {"a"}}, "a", false},
		{"option and an empty header", []string{"a"}, http.Header{name: {""}}, "a", false},
		{"both", []string{"a"}, http.Header{name: {"a"}}, "", true},
		{"header with no token", nil, http.Header{name: {"a b"}}, "", true},
		{"header with one twice", nil, http.Header{name: {"a, b, a"}}, "", true},
		{"option with one twice", []string{"a", "", "a"}, nil, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := &websocket.DialOptions{Subprotocols: test.option, HTTPHeader: test.header}
			if test.fails {
				if _, _, err := websocket.Dial(t.Context(), "ws://127.0.0.1:1", opts); err == nil || !strings.Contains(err.Error(), "Subprotocols") {
					t.Errorf("got %v, want an error that names Subprotocols", err)
				}
				return
			}
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, opts)
				lines := p.Request.Header["Sec-Websocket-Protocol"]
				if got := strings.Join(lines, "|"); got != test.want {
					t.Fatalf("offered %q, want %q", got, test.want)
				}
				last := test.want[strings.LastIndex(test.want, " ")+1:]
				p.Answer(&rawpeer.ServerOptions{Header: []string{name + ": " + last}})
				if got := call.Want().Conn.Subprotocol(); got != last {
					t.Errorf("agreed on %q, want %q", got, last)
				}
			})
		})
	}
}

// TestDialNilContext: Dial panics with a clear text.
func TestDialNilContext(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "websocket: ") || !strings.Contains(text, "nil context") {
			t.Errorf("panicked with %q", text)
		}
	}()
	var none context.Context
	websocket.Dial(none, "", nil)
}

// TestDialErrorHasURL: an error contains the URL's scheme as passed.
func TestDialErrorHasURL(t *testing.T) {
	for _, u := range []string{"ws://127.0.0.1:1/x", "WS://127.0.0.1:1/x", "wss://127.0.0.1:1/x", "http://127.0.0.1:1/x", "FTP://127.0.0.1:1/x"} {
		_, _, err := websocket.Dial(t.Context(), u, nil)
		scheme, _, _ := strings.Cut(u, ":")
		if err == nil || !strings.Contains(err.Error(), `"`+scheme+`://`) && !strings.Contains(err.Error(), `"`+scheme+`"`) {
			t.Errorf("%s: got %v, want an error with the scheme", u, err)
		}
	}
}

// TestDialErrorHasLocation: the error of a redirect contains the Location as sent by the
// server.
func TestDialErrorHasLocation(t *testing.T) {
	for _, location := range []string{"/again", "FTP://server.test/", "//server.test/again"} {
		synctest.Test(t, func(t *testing.T) {
			n := rawpeer.Listen(nil)
			rawpeer.Serve(t, n, http.RedirectHandler(location, http.StatusFound))
			_, _, err := websocket.Dial(t.Context(), "ws://server.test/", &websocket.DialOptions{HTTPClient: rawpeer.HTTPClient(n)})
			if err == nil || !strings.Contains(err.Error(), `"`+location+`"`) {
				t.Errorf("got %v, want an error with %s", err, location)
			}
		})
	}
}

// hesitantContext has ended, but its Err blocks until released.
type hesitantContext struct {
	context.Context
	answer chan struct{}
}

func (c *hesitantContext) Err() error {
	err := c.Context.Err()
	if err != nil {
		<-c.answer
	}
	return err
}

// If the context is just ending when the response arrives, Dial returns the context's
// error: it never returns neither a connection nor an error.
func TestDialContextIsEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, cancel := context.WithCancel(t.Context())
		ctx := &hesitantContext{Context: inner, answer: make(chan struct{})}
		call, p := conntest.GoDial(t, ctx, rawpeer.URL, nil)
		cancel()
		synctest.Wait()
		if call.Returned() {
			t.Fatal("the context has ended the handshake already")
		}
		p.Answer(nil)
		synctest.Wait()
		close(ctx.answer)
		result, err := call.Result()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
		if result.Conn != (*websocket.Conn)(nil) {
			t.Error("got a connection")
		}
		p.WantEnd()
	})
}

// The error has the status of a response other than 101.
func TestDialHandshakeError(t *testing.T) {
	n := rawpeer.Listen(nil)
	rawpeer.Serve(t, n, http.NotFoundHandler())
	_, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{HTTPClient: rawpeer.HTTPClient(n)})
	if refused, ok := errors.AsType[*websocket.HandshakeError](err); !ok || refused.StatusCode != http.StatusNotFound {
		t.Errorf("got %#v, want a HandshakeError with status 404", err)
	}
}

// TestDialChecksResponse tests the response of RFC 6455 section 4.1.
func TestDialChecksResponse(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer rawpeer.ServerOptions
		mode   websocket.CompressionMode
		ok     bool
	}{
		{name: "right", ok: true},
		{name: "tokens in any case", answer: conntest.Answer("Connection: keep-alive, UPGRADE", "Upgrade: WebSocket"), ok: true},
		{name: "an offered subprotocol", answer: conntest.Answer("Sec-WebSocket-Protocol: a"), ok: true},
		{name: "an empty subprotocol", answer: conntest.Answer("Sec-WebSocket-Protocol: "), ok: true},
		{name: "compression", answer: conntest.Answer("Sec-WebSocket-Extensions: permessage-deflate"), mode: websocket.CompressionContextTakeover, ok: true},
		{name: "an extension not offered", answer: conntest.Answer("Sec-WebSocket-Extensions: permessage-deflate")},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
					Subprotocols:    []string{"a", "b", "k"},
					CompressionMode: test.mode,
				})
				p.Answer(&test.answer)
				got, err := call.Result()
				if test.ok != (err == nil) || test.ok != (got.Conn != nil) {
					t.Fatalf("got connection %v, error %v", got.Conn, err)
				}
				if got.Response == nil {
					t.Error("got no response")
				}
				if !test.ok {
					p.WantEnd()
				}
			})
		})
	}
}

// TestDialErrorHasResponse: an error names invalid and missing parts of the response.
func TestDialErrorHasResponse(t *testing.T) {
	refusal := func(status string, lines ...string) rawpeer.ServerOptions {
		return rawpeer.ServerOptions{Status: status, Header: append(lines, "Content-Length: 0", "Sec-WebSocket-Accept")}
	}
	for _, test := range []struct {
		name   string
		answer rawpeer.ServerOptions
		want   []string
		not    string
	}{
		{"status", refusal("404 Not Found", "Upgrade", "Connection"), []string{"expected handshake response status code 101 but got 404", "HTTP/1.1", "Not Found"}, ""},
		{"versions", refusal("426 Upgrade Required", "Sec-WebSocket-Version: 8, 7"), []string{"426", `"8, 7"`, "Sec-Websocket-Version"}, ""},
		{"close, Upgrade", conntest.Answer("Connection: close, Upgrade"), []string{"close"}, "no Connection"},
		{"Upgrade, close", conntest.Answer("Connection: Upgrade", "Connection: close"), []string{"close"}, "no Connection"},
		{"no Connection", conntest.Answer("Connection"), []string{"no Connection"}, "close"},
		{"Connection", conntest.Answer("Connection: keep-alive"), []string{`"keep-alive"`}, ""},
		{"Upgrade", conntest.Answer("Upgrade: h2c"), []string{`"h2c"`}, ""},
		{"accept key", conntest.Answer("Sec-WebSocket-Accept: wrong"), []string{`"wrong"`}, ""},
		{"subprotocol", conntest.Answer("Sec-WebSocket-Protocol: x"), []string{`"x"`}, ""},
		{"extension", conntest.Answer("Sec-WebSocket-Extensions: x-y"), []string{`"x-y"`}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
				p.Answer(&test.answer)
				got, err := call.Result()
				if err == nil || got.Response == nil || got.Response.StatusCode == http.StatusOK {
					t.Fatalf("got %v, %v", got.Response, err)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %s in it", err, want)
					}
				}
				if test.not != "" && strings.Contains(err.Error(), test.not) {
					t.Errorf("got %v, want no %s in it", err, test.not)
				}
				p.WantEnd()
			})
		})
	}
}
