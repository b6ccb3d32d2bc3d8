//go:build !js

package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bent"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// tlsInside are the types that TLS is met in.
var tlsInside = map[string]func(*tls.Conn) net.Conn{
	"plain":    func(c *tls.Conn) net.Conn { return c },
	"embedded": func(c *tls.Conn) net.Conn { return struct{ *tls.Conn }{c} },
	"hidden":   func(c *tls.Conn) net.Conn { return bent.Opaque{Conn: c} },
}

// tlsServer makes a connection under test on a TLS server, whose end of the stream is
// TLS inside another type, and counts how often what is below TLS is closed.
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

// A write over TLS that its context cuts off has ended the connection, in whatever
// type TLS is: the error does not say that it is open. Close and CloseNow do not wait
// for the 5 seconds that crypto/tls waits with a peer that does not read.
func TestWriteCutOffOverTLSInsideAnotherType(t *testing.T) {
	for name, inside := range tlsInside {
		for how, end := range map[string]func(*websocket.Conn) error{
			"CloseNow": (*websocket.Conn).CloseNow,
			"Close":    func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				c, _, closes := tlsServer(t, inside)
				err := errors.New("not begun")
				for !errors.Is(err, net.ErrClosed) {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					err = c.Write(ctx, websocket.MessageBinary, make([]byte, 3000))
					cancel()
					if err != nil { // on a busy machine, perhaps before the write began
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

// Each end of a connection over TLS closes what is below once.
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
			conntest.WantError(t, reading.Err(), net.ErrClosed)
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
