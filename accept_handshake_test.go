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

// TestAcceptBoundsLists: of the headers that are compared with the options, 8 KiB and
// 64 elements are looked at, over all lines. Others may be longer.
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
					t.Fatal("accepted a request that can't be hijacked")
				}
				large := w.Code == http.StatusRequestHeaderFieldsTooLarge
				if want := test.large && name != "Cookie"; large != want {
					t.Errorf("%s in %s: got status %d, want 431: %t", test.name, name, w.Code, want)
				}
			}
		}
	}
}

// TestAcceptNamesWhatIsWrong: the error says what the request had; the client is not
// told.
func TestAcceptNamesWhatIsWrong(t *testing.T) {
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
			t.Errorf("%s: the client is told %q", test.line, w.Body)
		}
	}
	r := conntest.Request()
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	if _, err := websocket.Accept(httptest.NewRecorder(), r, nil); err == nil || !strings.Contains(err.Error(), "HTTP/1.0") {
		t.Errorf("HTTP/1.0: got error %v", err)
	}
}

// TestHandshakeFIPS: both ends of a handshake work where GODEBUG=fips140=only lets
// SHA-1 panic, as it does in a test process of its own.
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
		t.Fatal("nothing is enforced")
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

// overHTTP2 returns the answer to a request over HTTP/2, in a handler that gets its
// request changed, and Accept's error.
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

// TestAcceptHTTP2: a connection that can't be hijacked is a clear error.
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

// TestAcceptRefusesHTTP2: the refusal has none of the headers that HTTP/2 forbids,
// for which clients would refuse the answer.
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

// undated is a network whose accepted connections have no deadlines, like those
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

// TestAcceptWithoutDeadlines: a connection need not have deadlines. The client gets
// the answer before it sends anything.
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
				p.SendText("hello") // net/http's Hijack waits for it
				c := <-conns
				defer c.CloseNow()
				conntest.WantText(t, c, "hello")
				p.SendText("there")
				conntest.WantText(t, c, "there")
			})
		})
	}
}

// TestAcceptAnswerBounded: a client that does not take the answer holds Accept for
// 5 seconds, with and without middleware.
func TestAcceptAnswerBounded(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := rawpeer.Listen(nil)
				errs := make(chan error, 1)
				rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) // more than the stream holds
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

// acceptUnanswered returns Accept's error. Accept has to return within 5 s of the
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
