//go:build !js

package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bent"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// tlsInside are the types in which a TLS connection is wrapped.
var tlsInside = map[string]func(*tls.Conn) net.Conn{
	"plain":    func(c *tls.Conn) net.Conn { return c },
	"embedded": func(c *tls.Conn) net.Conn { return struct{ *tls.Conn }{c} },
	"hidden":   func(c *tls.Conn) net.Conn { return bent.Opaque{Conn: c} },
}

// tlsServer makes a connection under test on a TLS server. inside wraps its TLS
// connection. closes counts the calls of Close below TLS.
func tlsServer(t *testing.T, inside func(*tls.Conn) net.Conn) (c *websocket.Conn, peer net.Conn, closes *atomic.Int32) {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed := make(chan net.Conn, 1)
	go func() {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			close(dialed)
			return
		}
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		secure.Handshake()
		dialed <- secure
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	closes = new(atomic.Int32)
	secure := tls.Server(bent.Counted{Conn: conn, Closes: closes}, &tls.Config{Certificates: certified.TLS.Certificates})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	peer = <-dialed
	t.Cleanup(func() { peer.Close() })
	c = rawpeer.AcceptedOn(t, inside(secure), nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		return websocket.Accept(w, r, nil)
	})
	return c, peer, closes
}

// A write over TLS that its context interrupts ends the connection, in any wrapper
// type: the error reports that. Close and CloseNow do not wait for the 5 seconds of
// crypto/tls if the peer does not read.
func TestWriteCutOffOverTLSInsideAnotherType(t *testing.T) {
	for name, inside := range tlsInside {
		for how, end := range map[string]func(*websocket.Conn) error{
			"CloseNow": (*websocket.Conn).CloseNow,
			"Close":    func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				c, _, closes := tlsServer(t, inside)
				err := errors.New("not started")
				for !errors.Is(err, net.ErrClosed) {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					err = c.Write(ctx, websocket.MessageBinary, make([]byte, 3000))
					cancel()
					if err != nil { // on a busy machine, possibly before the write began
						conntest.WantError(t, err, context.DeadlineExceeded)
					}
				}
				wantWithin(t, 4*time.Second, how, func() error { return end(c) })
				if n := closes.Load(); n != 1 {
					t.Errorf("the connection below TLS was closed %d times, want once", n)
				}
			})
		}
	}
}

// Each end of a connection over TLS closes the connection below once.
func TestClosedOnceOverTLS(t *testing.T) {
	var serverCloses, clientCloses atomic.Int32
	accepted := make(chan *websocket.Conn, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}))
	s.Listener = countingListener{s.Listener, &serverCloses}
	s.StartTLS()
	defer s.Close()
	transport := s.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return bent.Counted{Conn: c, Closes: &clientCloses}, err
	}
	for how, end := range map[string]func(*websocket.Conn) error{
		"CloseNow": (*websocket.Conn).CloseNow,
		"Close":    func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") },
	} {
		t.Run(how, func(t *testing.T) {
			serverCloses.Store(0)
			clientCloses.Store(0)
			client, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
			if err != nil {
				t.Fatal(err)
			}
			server := <-accepted
			reading := rawpeer.GoErr(t, func() error { _, _, err := server.Read(t.Context()); return err })
			if err := end(client); err != nil {
				t.Error(err)
			}
			err = reading.Err()
			conntest.WantCause(t, err, websocket.CloseStatus(err))
			for _, c := range []*websocket.Conn{server, client} {
				c.Close(websocket.StatusNormalClosure, "")
				c.CloseNow()
			}
			if s, c := serverCloses.Load(), clientCloses.Load(); s != 1 || c != 1 {
				t.Errorf("closed %d times by the server and %d by the client, want once each", s, c)
			}
		})
	}
}

type countingListener struct {
	net.Listener
	closes *atomic.Int32
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return bent.Counted{Conn: c, Closes: l.closes}, nil
}

// Both sides close at the same time, and each frame is the reply to the other.
func TestCloseCrossing(t *testing.T) {
	for _, reading := range []bool{false, true} {
		t.Run(fmt.Sprintf("reading %t", reading), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				conntest.UnderTest(p).SetLatency(time.Second)
				p.Stream().SetLatency(time.Second)
				if reading {
					go c.Read(t.Context())
				}
				start := time.Now()
				call := goClose(t, c, 4000, "ours")
				p.SendClose(4001, "theirs")
				p.WantCloseReason(4000, "ours")
				p.WantEOF()
				call.Want()
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
				wantAllClosed(t, c, p, 4001)
			})
		})
	}
}

// The peer closes first: the reply has its code and reason, and all calls return it.
func TestClosedByPeer(t *testing.T) {
	for _, test := range []struct {
		code   int
		reason string
		want   websocket.StatusCode
	}{
		{1000, "", 1000},
		{1001, "see you", 1001},
		{3000, strings.Repeat("é", 61), 3000},
		{4999, strings.Repeat("x", 123), 4999},
		{rawpeer.NoCode, "", websocket.StatusNoStatusRcvd},
	} {
		t.Run(fmt.Sprint(test.code), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				start := time.Now()
				p.SendClose(test.code, test.reason)
				_, _, err := c.Read(t.Context())
				conntest.WantCause(t, err, test.want)
				var ce websocket.CloseError
				if !errors.As(err, &ce) || ce.Reason != test.reason {
					t.Errorf("got reason %q, want %q", ce.Reason, test.reason)
				}
				p.WantCloseReason(test.code, test.reason)
				p.WantEOF()
				if err := c.Close(websocket.StatusInternalError, "not sent"); err != nil {
					t.Errorf("got error %v from Close after the peer's", err)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("took %v", took)
				}
				wantAllClosed(t, c, p, test.want)
			})
		})
	}
}

// The reply to the peer's close frame waits for the frame being sent, for at most 5
// seconds.
func TestClosedByPeerWhileWriting(t *testing.T) {
	stuck := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (writing *rawpeer.Call[struct{}]) {
		conntest.UnderTest(p).SetCapacity(100)
		writing = goWrite(t, c, conntest.Filler(9000))
		synctest.Wait()
		p.SendClose(4000, "")
		_, _, err := c.Read(t.Context())
		conntest.WantCause(t, err, 4000)
		return writing
	}

	t.Run("it gets out", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			writing := stuck(t, c, p)
			conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageText, nil), 4000)
			time.Sleep(conntest.CloseTimeout - time.Millisecond)
			p.WantText(conntest.Filler(9000))
			p.WantClose(4000)
			p.WantEOF()
			writing.Want()
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("it does not", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			start := time.Now()
			writing := stuck(t, c, p)
			conntest.WantCause(t, writing.Err(), 4000)
			if took := time.Since(start); took != conntest.CloseTimeout {
				t.Errorf("took %v", took)
			}
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("Close", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			start := time.Now()
			writing := stuck(t, c, p)
			if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Errorf("got error %v from Close after the peer's", err)
			}
			if took := time.Since(start); took != conntest.CloseTimeout {
				t.Errorf("took %v", took)
			}
			conntest.WantCause(t, writing.Err(), 4000)
			wantAllClosed(t, c, p, 4000)
		})
	})
}

// An invalid code or reason is reported, but the connection is closed,
// with the valid part.
func TestCloseCodes(t *testing.T) {
	long := strings.Repeat("x", 123)
	for _, test := range []struct {
		code       websocket.StatusCode
		reason     string
		wantCode   int
		wantReason string
		refused    bool // in part
	}{
		{1000, "", 1000, "", false},
		{1001, long, 1001, long, false},
		{1002, "", 1002, "", false},
		{1003, "", 1003, "", false},
		{1007, "", 1007, "", false},
		{1008, "", 1008, "", false},
		{1009, "", 1009, "", false},
		{1010, "", 1010, "", false},
		{1011, "", 1011, "", false},
		{1012, "", 1012, "", false},
		{1013, "", 1013, "", false},
		{1014, "", 1014, "", false},
		{3000, "é", 3000, "é", false},
		{3999, "\ufffd", 3999, "\ufffd", false},
		{4999, long[1:] + "x", 4999, long, false},
		{websocket.StatusNoStatusRcvd, "", rawpeer.NoCode, "", false},

		{0, "", 1011, "", true},
		{-1, "", 1011, "", true},
		{999, "", 1011, "", true},
		{1004, "", 1011, "", true},
		{websocket.StatusNoStatusRcvd, "why", 1011, "", true},
		{websocket.StatusAbnormalClosure, "", 1011, "", true},
		{websocket.StatusTLSHandshake, "", 1011, "", true},
		{1016, "", 1011, "", true},
		{2999, "", 1011, "", true},
		{5000, "", 1011, "", true},
		{1<<16 + 1000, "", 1011, "", true},

		{1000, long + "x", 1000, long, true},
		{1001, long[1:] + "é", 1001, long[1:], true},
		{4000, long[2:] + "€", 4000, long[2:], true},
		{4000, long[3:] + "𝄞", 4000, long[3:], true},
		{4000, long[3:] + "€€", 4000, long[3:] + "€", true},
		{1000, "\xff", 1000, "", true},
		{1001, "caf\xc3", 1001, "caf", true},
		{1001, "caf\xe9 later", 1001, "caf", true},
		{4000, long + "\xff", 4000, long, true},
	} {
		t.Run(fmt.Sprintf("%d %q", int(test.code), test.reason), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				call := goClose(t, c, test.code, test.reason)
				p.WantCloseReason(test.wantCode, test.wantReason)
				p.SendClose(1000, "")
				p.WantEOF()
				if err := call.Err(); (err != nil) != test.refused {
					t.Errorf("got error %v", err)
				}
				wantAllClosed(t, c, p, 1000)
			})
		})
	}
}

// CloseNow returns at once and sends no close frame, even if other calls are blocked.
func TestCloseNow(t *testing.T) {
	idle := func(*testing.T, *websocket.Conn, *rawpeer.Peer) []*rawpeer.Call[struct{}] { return nil }
	one := func(call *rawpeer.Call[struct{}]) []*rawpeer.Call[struct{}] {
		synctest.Wait()
		return []*rawpeer.Call[struct{}]{call}
	}
	for _, test := range []struct {
		name  string
		stuck func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}]
	}{
		{"idle", idle},
		{"Read", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			return one(rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err }))
		}},
		{"Read of a Reader", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			p.Send(rawpeer.Text("more").More())
			_, r, err := c.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return one(rawpeer.GoErr(t, func() error { _, err := io.ReadAll(r); return err }))
		}},
		{"Write", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			_, calls := queue(t, c, p, "zero", "one", conntest.Filler(5000), conntest.Filler(100_000))
			return calls
		}},
		{"large Write", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			conntest.UnderTest(p).SetCapacity(1000)
			return one(goWrite(t, c, conntest.Filler(100_000)))
		}},
		{"Ping", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			return one(rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) }))
		}},
		{"Write of a Writer", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			w := conntest.MustWriter(t, c, t.Context())
			conntest.UnderTest(p).StallWrites()
			calls := one(rawpeer.GoErr(t, func() error { _, err := w.Write([]byte(conntest.Filler(100_000))); return err }))
			calls = append(calls, goWrite(t, c, "behind"))
			synctest.Wait()
			return calls
		}},
		{"Writer", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			conntest.MustWriter(t, c, t.Context())
			return one(rawpeer.GoErr(t, func() error { _, err := c.Writer(t.Context(), websocket.MessageText); return err }))
		}},
		{"Close", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) []*rawpeer.Call[struct{}] {
			conntest.UnderTest(p).StallWrites()
			return one(goClose(t, c, 1000, ""))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, mode := range modes[:2] {
				t.Run(mode.name, func(t *testing.T) {
					conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						calls := test.stuck(t, c, p)
						start := time.Now()
						if err := c.CloseNow(); err != nil {
							t.Errorf("got error %v", err)
						}
						for _, call := range calls {
							conntest.WantClosed(t, call.Err(), -1)
						}
						if took := time.Since(start); took != 0 {
							t.Errorf("took %v", took)
						}
						wantAllClosed(t, c, p, -1)
						for {
							f, err := p.ReadFrame()
							if err != nil {
								break
							}
							if f.Opcode == rawpeer.OpClose {
								t.Errorf("got %v", f)
							}
						}
					})
				})
			}
		})
	}
}

// The peer disconnects without a close frame: each call returns the first error.
func TestConnectionLost(t *testing.T) {
	for _, test := range []struct {
		name string
		goes func(p *rawpeer.Peer)
		want error
	}{
		{"EOF", func(p *rawpeer.Peer) { p.Close() }, io.EOF},
		{"EOF in a frame", func(p *rawpeer.Peer) { p.SendRaw([]byte{0x82}); p.Close() }, io.ErrUnexpectedEOF},
		{"EOF in a message", func(p *rawpeer.Peer) { p.Send(rawpeer.Text("").More()); p.Close() }, io.ErrUnexpectedEOF},
		{"reset", func(p *rawpeer.Peer) { p.Reset() }, rawpeer.ErrReset},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				pinging := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
				synctest.Wait()
				test.goes(p)
				_, _, err := c.Read(t.Context())
				conntest.WantError(t, err, test.want)
				conntest.WantError(t, pinging.Err(), test.want)
				wantAllClosed(t, c, p, -1)
				for name, err := range conntest.EveryCall(t, c) {
					if !errors.Is(err, test.want) {
						t.Errorf("%s: got error %v, want %v", name, err, test.want)
					}
				}
			})
		})
	}
}

// Close returns no error if a write has already reported that the connection failed.
func TestCloseAfterFailedWrite(t *testing.T) {
	for _, goes := range []struct {
		name string
		do   func(p *rawpeer.Peer)
	}{
		{"closed", func(p *rawpeer.Peer) { p.Close() }},
		{"reset", func(p *rawpeer.Peer) { p.Reset() }},
	} {
		for _, write := range []struct {
			name string
			do   func(t *testing.T, c *websocket.Conn) error
		}{
			{"Write", func(t *testing.T, c *websocket.Conn) error {
				return c.Write(t.Context(), websocket.MessageBinary, []byte("x"))
			}},
			{"large Write", func(t *testing.T, c *websocket.Conn) error {
				return c.Write(t.Context(), websocket.MessageBinary, []byte(conntest.Filler(50_000)))
			}},
			{"Ping", func(t *testing.T, c *websocket.Conn) error { return c.Ping(t.Context()) }},
			{"Writer", func(t *testing.T, c *websocket.Conn) error {
				w, err := c.Writer(t.Context(), websocket.MessageBinary)
				conntest.WantNoError(t, err)
				_, err = w.Write([]byte(conntest.Filler(50_000)))
				return err
			}},
		} {
			t.Run(goes.name+"/"+write.name, func(t *testing.T) {
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					goes.do(p)
					synctest.Wait()
					conntest.WantCause(t, write.do(t, c), -1)
					conntest.WantNoError(t, c.Close(websocket.StatusNormalClosure, ""))
					wantAllClosed(t, c, p, -1)
				})
			})
		}
	}
}

// After CloseRead, and with invalid arguments, calls on a closed connection return the
// errors of a closed connection.
func TestClosedAfterCloseRead(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.SendClose(4000, "enough")
		<-ctx.Done()
		_, _, err := c.Read(t.Context())
		conntest.WantClosed(t, err, 4000)
		_, _, err = c.Reader(t.Context())
		conntest.WantClosed(t, err, 4000)
		conntest.WantClosed(t, c.Write(t.Context(), 0, nil), 4000)
		_, err = c.Writer(t.Context(), 3)
		conntest.WantClosed(t, err, 4000)
		p.WantClose(4000)
	})
}
