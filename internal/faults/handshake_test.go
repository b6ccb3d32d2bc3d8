//go:build !js

package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// breaking is a network that passes the streams of the end under test to broken first.
type breaking struct {
	*rawpeer.Listener
	dialed, accepted func(*rawpeer.Stream)
}

func (n *breaking) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := n.Listener.Dial(ctx)
	if err == nil && n.dialed != nil {
		n.dialed(conn.(*rawpeer.Stream))
	}
	return conn, err
}

func (n *breaking) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err == nil && n.accepted != nil {
		n.accepted(conn.(*rawpeer.Stream))
	}
	return conn, err
}

// handshake performs an opening handshake with a raw peer. If it fails, the session has
// no connection.
type handshake func(t *testing.T, prepare func(*rawpeer.Stream)) (s *faultSession, err error)

// errNoRequest means that no request reached the handler.
var errNoRequest = errors.New("no request")

var handshakeOptions = conntest.Options{Compression: websocket.CompressionContextTakeover, Threshold: 16}

// shakeAsClient dials a raw peer.
func shakeAsClient(t *testing.T, prepare func(*rawpeer.Stream)) (*faultSession, error) {
	s := new(faultSession)
	n := &breaking{Listener: rawpeer.Listen(nil), dialed: func(stream *rawpeer.Stream) {
		s.stream = stream
		prepare(stream)
	}}
	t.Cleanup(func() { n.Close() })
	s.peer = new(answering)
	go func() {
		conn, err := n.Accept()
		if err != nil {
			return
		}
		s.peer.p = rawpeer.NewPeer(t, conn, rawpeer.Server)
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		// The client may have given up; errors are ignored.
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: %s\r\n%s\r\n\r\n",
			rawpeer.AcceptKey(r.Header.Get("Sec-WebSocket-Key")), handshakeOptions.Extensions()[0])
		s.peer.run(nil)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), operationTimeout)
	defer cancel()
	c, _, err := websocket.Dial(ctx, rawpeer.URL, &websocket.DialOptions{
		HTTPClient:           rawpeer.HTTPClient(n),
		CompressionMode:      handshakeOptions.Compression,
		CompressionThreshold: handshakeOptions.Threshold,
	})
	s.c = c
	return s, err
}

// shakeAsServer accepts the request of a raw peer.
func shakeAsServer(t *testing.T, prepare func(*rawpeer.Stream)) (*faultSession, error) {
	s := new(faultSession)
	n := &breaking{Listener: rawpeer.Listen(nil), accepted: func(stream *rawpeer.Stream) {
		s.stream = stream
		prepare(stream)
	}}
	type result struct {
		c   *websocket.Conn
		err error
	}
	accepted := make(chan result, 1)
	rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			CompressionMode:      handshakeOptions.Compression,
			CompressionThreshold: handshakeOptions.Threshold,
		})
		accepted <- result{c, err}
	}))
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.peer = &answering{p: rawpeer.NewPeer(t, conn, rawpeer.Client)}
	synctest.Wait() // until the server has the connection
	go func() {
		// The server may have given up; errors are ignored.
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: server.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n\r\n",
			rawpeer.DefaultKey, handshakeOptions.Extensions()[0])
		in := bufio.NewReader(conn)
		if _, err := http.ReadResponse(in, nil); err == nil {
			s.peer.run(nil)
		}
	}()
	timeout := time.NewTimer(operationTimeout)
	defer timeout.Stop()
	select {
	case r := <-accepted:
		s.c = r.c
		return s, r.err
	case <-timeout.C:
		return s, errNoRequest
	}
}

// dialErrors returns the errors that Dial may return after a fault. net/http calls an
// incomplete response malformed. If no byte of it arrived, net/http says that the
// connection was idle, without the stream's error.
func dialErrors(f *fault, d direction, n int64) []error {
	switch err := f.fails[inward]; {
	case err == io.EOF, err != errStopped && d == inward && n > 0:
		return nil
	case f.stops():
		return []error{context.DeadlineExceeded}
	}
	// net/http reads while it writes, and closes the connection as soon as one of them
	// fails.
	return append(eitherError(f, d, n), net.ErrClosed)
}

// acceptErrors returns the errors that Accept may return after a fault. An incomplete
// request does not reach it.
func acceptErrors(f *fault, d direction, _ int64) []error {
	switch {
	case d == inward:
		return []error{errNoRequest}
	case f.fails[d] == errStopped:
		return []error{os.ErrDeadlineExceeded}
	}
	return []error{f.fails[d]}
}

// TestFaultsInHandshake breaks the stream at each byte of the handshake. If the
// handshake succeeds, the connection works as far as the stream does.
func TestFaultsInHandshake(t *testing.T) {
	cases := 0
	for _, role := range []struct {
		name  string
		shake handshake
		op    operation
	}{
		{"Accept", shakeAsServer, operation{order: []direction{inward, outward}, fails: acceptErrors}},
		{"Dial", shakeAsClient, operation{order: []direction{outward, inward}, fails: dialErrors}},
	} {
		t.Run(role.name, func(t *testing.T) {
			k := faultCase{op: &role.op}
			synctest.Test(t, func(t *testing.T) {
				s, err := role.shake(t, func(*rawpeer.Stream) {})
				if err != nil {
					t.Fatal(err)
				}
				passed := s.stream.Stats()
				k.passes = [2]int64{passed.BytesRead, passed.BytesWritten}
				k.needs = k.passes
				s.c.CloseNow()
			})
			cases += k.playEach(t, func(t *testing.T) { k.shake(t, role.shake) })
		})
	}
	t.Logf("%d cases", cases)
}

// shake performs the handshake with the fault.
func (k *faultCase) shake(t *testing.T, handshake handshake) {
	s, err := handshake(t, func(stream *rawpeer.Stream) {
		strike := func() { k.fault.strike(stream) }
		if k.at == inward {
			stream.AfterReading(k.n, strike)
		} else {
			stream.AfterWriting(k.n, strike)
		}
	})
	synctest.Wait()
	if s.c != nil {
		defer s.c.CloseNow()
	}
	d, n, hit := k.hit()
	switch {
	case !hit && err != nil:
		t.Errorf("got error %v from a handshake that should succeed", err)
	case hit && (s.c != nil || !isOneOf(err, k.wantFailure(d, n))):
		t.Errorf("got error %v, want one of %q", err, k.wantFailure(d, n))
	case hit:
		if err != errNoRequest && !s.stream.Stats().Closed {
			t.Error("the stream of a handshake that failed is open")
		}
	default:
		k.after(t, s, nil)
	}
}
