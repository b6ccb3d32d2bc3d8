package dialing

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api"
)

// pipeServer is a server on net.Pipe, which works in a synctest bubble.
type pipeServer struct {
	conns chan net.Conn
	http  http.Server
	done  sync.WaitGroup
}

func newPipeServer(h http.HandlerFunc) *pipeServer {
	s := &pipeServer{conns: make(chan net.Conn)}
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.done.Add(1)
		defer s.done.Done()
		h(w, r)
	})
	s.done.Go(func() { s.http.Serve(s) })
	return s
}

func (s *pipeServer) stop() {
	s.http.Close()
	s.done.Wait()
}

func (s *pipeServer) Accept() (net.Conn, error) {
	c, ok := <-s.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (s *pipeServer) Close() error {
	close(s.conns)
	return nil
}

func (s *pipeServer) Addr() net.Addr { return new(net.UnixAddr) }

func (s *pipeServer) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.conns <- server
	return client, nil
}

// bubble runs f in a bubble with a pipeServer, and a transport to it.
func bubble(t *testing.T, h http.HandlerFunc, f func(*testing.T, *http.Transport)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := newPipeServer(h)
		defer srv.stop()
		transport := &http.Transport{DialContext: srv.dial}
		defer transport.CloseIdleConnections()
		f(t, transport)
	})
}

// TestClientTimeout expects a client's Timeout to bound the handshake, and nothing after
// it.
func TestClientTimeout(t *testing.T) {
	const most = 10 * time.Second
	t.Run("in the handshake", func(t *testing.T) {
		silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		bubble(t, silent, func(t *testing.T, transport *http.Transport) {
			start := time.Now()
			_, _, err := websocket.Dial(t.Context(), "ws://pipe", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: transport, Timeout: most},
			})
			if passed := time.Since(start); err == nil || passed != most {
				t.Errorf("got %v after %v, want an error after %v", err, passed, most)
			}
			if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
				t.Errorf("got %v, want a timeout", err)
			}
		})
	})
	t.Run("after it", func(t *testing.T) {
		bubble(t, echo, func(t *testing.T, transport *http.Transport) {
			c, _, err := websocket.Dial(t.Context(), "ws://pipe", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: transport, Timeout: most},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			testEcho(t, c)
			time.Sleep(2 * most) // in the bubble's time
			testConn(t, c)
		})
	})
	t.Run("during a read", func(t *testing.T) {
		bubble(t, late(2*most), func(t *testing.T, transport *http.Transport) {
			c, _, err := websocket.Dial(t.Context(), "ws://pipe", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: transport, Timeout: most},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			if _, _, err := c.Read(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

// late sends a message some time after the handshake.
func late(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		time.Sleep(d) // in the bubble's time
		c.Write(context.Background(), websocket.MessageText, []byte("late"))
		c.Read(context.Background())
	}
}

// TestDialContext expects Dial's context to bound the handshake, and nothing after it.
func TestDialContext(t *testing.T) {
	t.Run("in the handshake", func(t *testing.T) {
		silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		bubble(t, silent, func(t *testing.T, transport *http.Transport) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, err := websocket.Dial(ctx, "ws://pipe", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: transport},
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
			}
		})
	})
	t.Run("after it", func(t *testing.T) {
		bubble(t, echo, func(t *testing.T, transport *http.Transport) {
			ctx, cancel := context.WithCancel(t.Context())
			c, _, err := websocket.Dial(ctx, "ws://pipe", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: transport},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			cancel()
			synctest.Wait()
			testConn(t, c)
		})
	})
}

// opaque are transports that do not reveal the network connection.
var opaque = []struct {
	name string
	wrap func(*http.Transport) http.RoundTripper
}{
	{"wrapped", func(t *http.Transport) http.RoundTripper { return untraced{t} }},
	{"own", func(t *http.Transport) http.RoundTripper { return simple{t.DialContext} }},
}

// untraced hides httptrace from the wrapped transport.
type untraced struct{ http.RoundTripper }

func (rt untraced) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(r.Context(), cancel)
	return rt.RoundTripper.RoundTrip(r.WithContext(ctx))
}

// simple is a transport with one connection for each request.
type simple struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (rt simple) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := rt.dial(r.Context(), "", "")
	if err != nil {
		return nil, err
	}
	if err := r.Write(c); err != nil {
		c.Close()
		return nil, err
	}
	buffered := bufio.NewReader(c)
	resp, err := http.ReadResponse(buffered, r)
	if err != nil {
		c.Close()
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.WriteCloser
	}{buffered, c}
	return resp, nil
}

// TestOpaqueTransport expects connections without a net.Conn to work, and to be closed by
// a context that ends during a blocked call.
func TestOpaqueTransport(t *testing.T) {
	for _, tt := range opaque {
		connect := func(t *testing.T, transport *http.Transport) *websocket.Conn {
			c, _, err := websocket.Dial(t.Context(), "ws://pipe", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: tt.wrap(transport)},
			})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		t.Run(tt.name+"/messages", func(t *testing.T) {
			bubble(t, echo, func(t *testing.T, transport *http.Transport) {
				c := connect(t, transport)
				defer c.CloseNow()
				testConn(t, c)
			})
		})
		t.Run(tt.name+"/addresses", func(t *testing.T) {
			bubble(t, echo, func(t *testing.T, transport *http.Transport) {
				c := connect(t, transport)
				defer c.CloseNow()
				for _, addr := range []net.Addr{c.LocalAddr(), c.RemoteAddr()} {
					if addr == nil || addr.Network() != "websocket" {
						t.Errorf("got address %v, want one of websocket", addr)
					}
				}
			})
		})
		t.Run(tt.name+"/context during a read", func(t *testing.T) {
			bubble(t, echo, func(t *testing.T, transport *http.Transport) {
				c := connect(t, transport)
				defer c.CloseNow()
				testBlocked(t, c, func(ctx context.Context) error {
					_, _, err := c.Read(ctx)
					return err
				})
			})
		})
		t.Run(tt.name+"/context during a write", func(t *testing.T) {
			bubble(t, late(time.Hour), func(t *testing.T, transport *http.Transport) {
				c := connect(t, transport)
				defer c.CloseNow()
				testBlocked(t, c, func(ctx context.Context) error {
					return c.Write(ctx, websocket.MessageBinary, make([]byte, 100_000))
				})
			})
		})
	}
}

// testBlocked cancels the context of a call that waits for the peer.
func testBlocked(t *testing.T, c *websocket.Conn, call func(context.Context) error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	called := make(chan error, 1)
	go func() { called <- call(ctx) }()
	synctest.Wait()
	select {
	case err := <-called:
		t.Fatalf("got %v, want the call to wait", err)
	default:
	}
	cancel()
	if err := <-called; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := c.Write(t.Context(), websocket.MessageText, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write afterwards: got %v, want %v", err, net.ErrClosed)
	}
}

// TestKnownTransport expects a connection to stay open if a context ends between
// messages.
func TestKnownTransport(t *testing.T) {
	bubble(t, echo, func(t *testing.T, transport *http.Transport) {
		c, _, err := websocket.Dial(t.Context(), "ws://pipe", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: transport},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		testConn(t, c)
	})
}

// TestReadOnlyBody expects an error if the response body is not writable, as with some
// transports that record or limit it.
func TestReadOnlyBody(t *testing.T) {
	bubble(t, echo, func(t *testing.T, transport *http.Transport) {
		_, _, err := websocket.Dial(t.Context(), "ws://pipe", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: readOnly{transport}},
		})
		if err == nil {
			t.Error("got a connection, want an error")
		}
	})
}

type readOnly struct{ http.RoundTripper }

func (rt readOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := rt.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct{ io.ReadCloser }{resp.Body}
	}
	return resp, err
}
