//go:build !js

package websocket_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// layer is the ResponseWriter of a middleware. It records the status, and sets a cookie
// when the status is written, as session managers do.
type layer struct {
	http.ResponseWriter
	status int
}

func (l *layer) WriteHeader(status int) {
	l.status = status
	http.SetCookie(l, &http.Cookie{Name: "layer", Value: "1"})
	l.ResponseWriter.WriteHeader(status)
}

func (l *layer) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// hijackingLayer has its own Hijack method instead of Unwrap.
type hijackingLayer struct{ *layer }

func (l hijackingLayer) Unwrap() {}

func (l hijackingLayer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return l.ResponseWriter.(http.Hijacker).Hijack()
}

// controllingLayer has a Hijack method, which fails if the writer below has none.
type controllingLayer struct{ *layer }

func (l controllingLayer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(l.ResponseWriter).Hijack()
}

// flushingLayer delays the header until Flush, as a compressing middleware does. Then
// it writes the beginning of a compressed body.
type flushingLayer struct {
	*layer
	held int
}

func (l *flushingLayer) WriteHeader(status int) { l.held = status }

func (l *flushingLayer) Flush() {
	l.layer.WriteHeader(l.held)
	l.ResponseWriter.Write([]byte("\x1f\x8b\x08"))
	l.ResponseWriter.(http.Flusher).Flush()
}

// ginLayer delays the header until WriteHeaderNow.
type ginLayer struct {
	*layer
	held int
}

func (l *ginLayer) WriteHeader(status int) { l.held = status }
func (l *ginLayer) WriteHeaderNow()        { l.layer.WriteHeader(l.held) }

// panickingLayer panics in Flush.
type panickingLayer struct{ *layer }

func (panickingLayer) Flush() { panic("the writer does not support flushing") }

// failingLayer returns an error from FlushError.
type failingLayer struct{ *layer }

func (failingLayer) FlushError() error { return http.ErrNotSupported }

// hijackers is a writer with embedded optional interfaces, as in some middleware.
type hijackers struct {
	http.ResponseWriter
	http.Hijacker
}

// TestAcceptUnderMiddleware: middleware sees status 101 and adds headers to the
// response, which is sent once.
func TestAcceptUnderMiddleware(t *testing.T) {
	for name, wrap := range map[string]func(*layer) http.ResponseWriter{
		"unwrapped":                     func(l *layer) http.ResponseWriter { return l },
		"unwrapped twice":               func(l *layer) http.ResponseWriter { return &layer{ResponseWriter: l} },
		"hijacks itself":                func(l *layer) http.ResponseWriter { return hijackingLayer{l} },
		"unwrapped, and hijacks itself": func(l *layer) http.ResponseWriter { return controllingLayer{l} },
		"waits for Flush":               func(l *layer) http.ResponseWriter { return &flushingLayer{layer: l} },
		"unwrapped, waits for Flush": func(l *layer) http.ResponseWriter {
			return &layer{ResponseWriter: &flushingLayer{layer: l}}
		},
		"waits for WriteHeaderNow": func(l *layer) http.ResponseWriter { return &ginLayer{layer: l} },
		"unwrapped, waits for WriteHeaderNow": func(l *layer) http.ResponseWriter {
			return &layer{ResponseWriter: &ginLayer{layer: l}}
		},
		"panics in Flush": func(l *layer) http.ResponseWriter { return panickingLayer{l} },
		"panics in Flush, over one that waits for it": func(l *layer) http.ResponseWriter {
			return panickingLayer{&layer{ResponseWriter: &flushingLayer{layer: l}}}
		},
		"fails in Flush, over one that waits for it": func(l *layer) http.ResponseWriter {
			return failingLayer{&layer{ResponseWriter: &flushingLayer{layer: l}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := new(layer)
				c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
					seen.ResponseWriter = w
					w = wrap(seen)
					http.SetCookie(w, &http.Cookie{Name: "handler", Value: "2"})
					w.Header().Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT")
					for _, name := range []string{"Content-Length", "content-length", "Content-Type", "Transfer-Encoding"} {
						w.Header()[name] = []string{"5"}
					}
					return websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"b"}})
				}, &rawpeer.ClientOptions{Header: []string{"Sec-WebSocket-Protocol: a, b"}, Frames: []rawpeer.Frame{rawpeer.Text("early")}})
				defer c.CloseNow()
				if seen.status != http.StatusSwitchingProtocols {
					t.Errorf("the middleware saw status %d, want 101", seen.status)
				}
				h := p.Response.Header
				if cookies := strings.Join(h["Set-Cookie"], "; "); !strings.HasPrefix(cookies, "handler=2; layer=1") {
					t.Errorf("got cookies %q", cookies)
				}
				for name, want := range map[string]string{
					"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "Sec-Websocket-Protocol": "b",
					"Content-Length": "", "Content-Type": "", "Transfer-Encoding": "",
				} {
					if got := strings.Join(h[name], "|"); got != want {
						t.Errorf("answered with %s %q, want %q", name, got, want)
					}
				}
				conntest.WantText(t, c, "early")
				p.SendText("through")
				conntest.WantText(t, c, "through")
				conntest.MustWriteText(t, c, "back")
				p.WantText("back")
			})
		})
	}
}

// TestAcceptDate: a response has a Date, as those of net/http do, with or without
// middleware, unless the handler sets it or removes it.
func TestAcceptDate(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		for set, want := range map[string]string{"": "Sat, 01 Jan 2000 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT": "Thu, 01 Jan 1970 00:00:00 GMT", "none": ""} {
			t.Run(name+" "+set, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
						switch set {
						case "":
						case "none":
							w.Header()["Date"] = nil
						default:
							w.Header().Set("Date", set)
						}
						return websocket.Accept(wrap(w), r, nil)
					}, nil)
					defer c.CloseNow()
					if got := strings.Join(p.Response.Header["Date"], "|"); got != want {
						t.Errorf("got Date %q, want %q", got, want)
					}
				})
			})
		}
	}
}

// hijackRecorder is a recorder as in programs' tests of handlers.
type hijackRecorder struct {
	*httptest.ResponseRecorder
	hijack func() (net.Conn, *bufio.ReadWriter, error)
}

func (r *hijackRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) { return r.hijack() }

// hijackRecorderOnly has only the Hijack method of a hijackRecorder.
type hijackRecorderOnly struct{ of hijackRecorder }

func (r *hijackRecorderOnly) Hijack() (net.Conn, *bufio.ReadWriter, error) { return r.of.hijack() }

// hijackable returns a recorder that hijacks conn.
func hijackable(conn net.Conn) *hijackRecorder {
	return &hijackRecorder{httptest.NewRecorder(), func() (net.Conn, *bufio.ReadWriter, error) {
		return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
	}}
}

// TestAcceptRecorder: the response is in the recorder, and the connection has only
// frames.
func TestAcceptRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := rawpeer.Pipe(nil)
		w := hijackable(server)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		c, err := websocket.Accept(w, conntest.Request(), nil)
		conntest.WantNoError(t, err)
		defer c.CloseNow()
		if w.Code != http.StatusSwitchingProtocols || !w.Flushed {
			t.Errorf("recorded status %d, flushed: %t", w.Code, w.Flushed)
		}
		h := w.Result().Header
		for name, want := range map[string]string{
			"Upgrade": "websocket", "Connection": "Upgrade", "Set-Cookie": "session=1",
			"Sec-WebSocket-Accept": rawpeer.AcceptKey(rawpeer.DefaultKey),
		} {
			if got := h.Get(name); got != want {
				t.Errorf("recorded %s %q, want %q", name, got, want)
			}
		}
		conntest.MustWriteText(t, c, "hello")
		p := rawpeer.NewPeer(t, client, rawpeer.Client)
		p.WantText("hello")
		p.SendText("there")
		conntest.WantText(t, c, "there")
	})
}

// TestAcceptSendsBuffered: bytes left in the server's bufio.Writer are sent before the
// frames.
func TestAcceptSendsBuffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := rawpeer.Pipe(nil)
		w := hijackable(server)
		w.hijack = func() (net.Conn, *bufio.ReadWriter, error) {
			out := bufio.NewWriter(server)
			out.WriteString("answer")
			return server, bufio.NewReadWriter(bufio.NewReader(server), out), nil
		}
		c, err := websocket.Accept(w, conntest.Request(), nil)
		conntest.WantNoError(t, err)
		defer c.CloseNow()
		conntest.WantRead(t, client, "answer")
		conntest.MustWriteText(t, c, "hello")
		rawpeer.NewPeer(t, client, rawpeer.Client).WantText("hello")
	})
}

// TestAcceptInvalidHijackers: invalid results of Hijack are an error, and the connection
// is closed.
func TestAcceptInvalidHijackers(t *testing.T) {
	errRefused := errors.New("refused")
	for _, test := range []struct {
		name   string
		writer func(net.Conn, *httptest.ResponseRecorder) http.ResponseWriter
		closed bool
		status int
	}{
		{"nil ReadWriter", func(conn net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &hijackRecorder{rec, func() (net.Conn, *bufio.ReadWriter, error) { return conn, nil, nil }}
		}, true, http.StatusSwitchingProtocols},
		{"nil Reader", func(conn net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &hijackRecorder{rec, func() (net.Conn, *bufio.ReadWriter, error) {
				return conn, &bufio.ReadWriter{Writer: bufio.NewWriter(conn)}, nil
			}}
		}, true, http.StatusSwitchingProtocols},
		{"nil connection", func(conn net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &hijackRecorder{rec, func() (net.Conn, *bufio.ReadWriter, error) {
				return nil, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
			}}
		}, false, http.StatusSwitchingProtocols},
		{"all nil", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &hijackRecorder{rec, func() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }}
		}, false, http.StatusSwitchingProtocols},
		{"an error", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &hijackRecorder{rec, func() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errRefused }}
		}, false, http.StatusSwitchingProtocols},
		{"a failed assertion", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &hijackRecorder{rec, func() (net.Conn, *bufio.ReadWriter, error) {
				return http.ResponseWriter(rec).(http.Hijacker).Hijack()
			}}
		}, false, http.StatusSwitchingProtocols},
		{"nil Hijacker embedded", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return hijackers{ResponseWriter: rec}
		}, false, http.StatusNotImplemented},
		{"nil Hijacker embedded, by a pointer, unwrapped", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &layer{ResponseWriter: &hijackers{ResponseWriter: rec}}
		}, false, http.StatusNotImplemented},
		{"nil Hijacker embedded twice", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &struct{ hijackers }{hijackers{ResponseWriter: rec}}
		}, false, http.StatusNotImplemented},
		{"a writer embedded by a nil pointer", func(_ net.Conn, rec *httptest.ResponseRecorder) http.ResponseWriter {
			return &struct {
				http.ResponseWriter
				*hijackRecorderOnly
			}{ResponseWriter: rec}
		}, false, http.StatusNotImplemented},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, server := rawpeer.Pipe(nil)
			rec := httptest.NewRecorder()
			c, err := websocket.Accept(test.writer(server, rec), conntest.Request(), nil)
			if err == nil || c != nil {
				t.Fatalf("got a connection: %t, and error %v", c != nil, err)
			}
			if test.name == "an error" {
				conntest.WantError(t, err, errRefused)
			}
			if test.status == http.StatusNotImplemented && strings.Count(err.Error(), "ijacker") > 1 {
				t.Errorf("the error names a type twice: %v", err)
			}
			if rec.Code != test.status {
				t.Errorf("got status %d, want %d", rec.Code, test.status)
			}
			if closed := server.Stats().Closed; closed != test.closed {
				t.Errorf("the connection is closed: %t, want %t", closed, test.closed)
			}
		})
	}
}

// TestAcceptHijackPanics: a panic other than a runtime error is not recovered.
func TestAcceptHijackPanics(t *testing.T) {
	w := hijackable(nil)
	w.hijack = func() (net.Conn, *bufio.ReadWriter, error) { panic(http.ErrAbortHandler) }
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v", p)
		}
	}()
	websocket.Accept(w, conntest.Request(), nil)
}

// TestAcceptRecycledReaders: a server may reuse its bufio.Readers and Writers. They share
// no memory with each other or with the connection, and keep no large buffers until then.
func TestAcceptRecycledReaders(t *testing.T) {
	const connections = 3
	var readers []*bufio.Reader
	var writers []*bufio.Writer
	for i := range connections {
		_, server := rawpeer.Pipe(nil)
		w := hijackable(server)
		w.hijack = func() (net.Conn, *bufio.ReadWriter, error) {
			r := bufio.NewReader(io.MultiReader(bytes.NewReader(rawpeer.AppendFrame(nil, masked(rawpeer.Text("early")))), server))
			r.Peek(1)
			readers, writers = append(readers, r), append(writers, bufio.NewWriter(server))
			return server, bufio.NewReadWriter(r, writers[i]), nil
		}
		c, err := websocket.Accept(w, conntest.Request(), nil)
		conntest.WantNoError(t, err)
		defer c.CloseNow()
		if r, w := readers[i].Size(), writers[i].Size(); r > 16 || w > 1 {
			t.Errorf("the buffers of the server have %d and %d bytes", r, w)
		}
		// Reuse the reader and the writer before the connection is read.
		var reused strings.Builder
		writers[i].Reset(&reused)
		writers[i].WriteString("reused")
		if err := writers[i].Flush(); err != nil || reused.String() != "reused" {
			t.Errorf("a writer that was reset wrote %q: %v", reused.String(), err)
		}
		readers[i].Reset(strings.NewReader(strings.Repeat(string(rune('a'+i)), 5000)))
		if _, err := readers[i].Peek(10); err != nil {
			t.Errorf("a reader that was reset has %d bytes: %v", readers[i].Buffered(), err)
		}
		conntest.WantText(t, c, "early")
	}
	for i, r := range readers {
		got, err := io.ReadAll(r)
		if want := strings.Repeat(string(rune('a'+i)), 5000); string(got) != want || err != nil {
			t.Errorf("reader %d has %.20q of %d bytes, %v", i, got, len(got), err)
		}
	}
}

// masked returns f as a client sends it.
func masked(f rawpeer.Frame) rawpeer.Frame { return f.WithKey([4]byte{1, 2, 3, 4}) }

// TestAcceptCannotHijack: the error names the type of the writer that cannot be
// hijacked.
func TestAcceptCannotHijack(t *testing.T) {
	for name, test := range map[string]struct {
		wrap func(http.Handler) http.Handler
		typ  string
	}{
		"a recorder":     {func(h http.Handler) http.Handler { return h }, "*httptest.ResponseRecorder"},
		"TimeoutHandler": {func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Hour, "") }, "*http.timeoutWriter"},
		"under a layer": {func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&layer{ResponseWriter: w}, r) })
		}, "*httptest.ResponseRecorder"},
		"TimeoutHandler, under a layer that hijacks": {func(h http.Handler) http.Handler {
			return http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(controllingLayer{&layer{ResponseWriter: w}}, r)
			}), time.Hour, "")
		}, "*http.timeoutWriter"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, err = websocket.Accept(w, r, nil) })
			w := httptest.NewRecorder()
			test.wrap(h).ServeHTTP(w, conntest.Request())
			conntest.WantError(t, err, http.ErrNotSupported)
			if !strings.Contains(err.Error(), test.typ) {
				t.Errorf("got error %v, want it to name %s", err, test.typ)
			}
			if w.Code != http.StatusNotImplemented {
				t.Errorf("got status %d, want 501", w.Code)
			}
		})
	}
}
