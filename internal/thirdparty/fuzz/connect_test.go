package fuzz

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
	gorilla "github.com/gorilla/websocket"
)

// settings are the settings of both sides.
type settings struct {
	server      bool // this library is the server
	compression websocket.CompressionMode
	threshold   int
	level       int
	bits        int
	frameBytes  int // the size of frames in gorilla's fragmented messages
}

// connect connects this library and gorilla, on an in-memory stream of unlimited
// capacity.
func connect(t *testing.T, s settings) (*websocket.Conn, *gorilla.Conn) {
	client, server := rawpeer.Pipe(&rawpeer.PipeOptions{Capacity: rawpeer.Unbounded})
	if s.server {
		return accept(t, s, client, server)
	}
	return dial(t, s, client, server)
}

// accept has gorilla dial this library.
func accept(t *testing.T, s settings, client, server net.Conn) (*websocket.Conn, *gorilla.Conn) {
	accepting := rawpeer.Go(t, func() (*websocket.Conn, error) {
		r, err := http.ReadRequest(bufio.NewReader(server))
		if err != nil {
			return nil, err
		}
		return websocket.Accept(rawpeer.Hijackable(server), r, &websocket.AcceptOptions{
			CompressionMode:       s.compression,
			CompressionThreshold:  s.threshold,
			CompressionLevel:      s.level,
			CompressionWindowBits: s.bits,
		})
	})
	dialer := gorilla.Dialer{
		NetDialContext:    func(context.Context, string, string) (net.Conn, error) { return client, nil },
		EnableCompression: s.compression != websocket.CompressionDisabled,
		WriteBufferSize:   s.frameBytes,
	}
	theirs, _, err := dialer.Dial(rawpeer.URL, nil)
	if err != nil {
		t.Fatalf("gorilla dialing: %v", err)
	}
	return accepting.Want(), theirs
}

// dial dials gorilla's server, which runs inside the transport.
func dial(t *testing.T, s settings, client, server net.Conn) (*websocket.Conn, *gorilla.Conn) {
	var theirs *gorilla.Conn
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		upgrader := gorilla.Upgrader{
			EnableCompression: s.compression != websocket.CompressionDisabled,
			WriteBufferSize:   s.frameBytes,
		}
		var err error
		if theirs, err = upgrader.Upgrade(rawpeer.Hijackable(server), r, nil); err != nil {
			return nil, err
		}
		in := bufio.NewReader(client)
		answer, err := http.ReadResponse(in, r)
		if err == nil {
			answer.Body = body{client, in}
		}
		return answer, err
	})
	ours, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{
		HTTPClient:            &http.Client{Transport: transport},
		CompressionMode:       s.compression,
		CompressionThreshold:  s.threshold,
		CompressionLevel:      s.level,
		CompressionWindowBits: s.bits,
	})
	if err != nil {
		t.Fatalf("dialing gorilla: %v", err)
	}
	return ours, theirs
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// body is a connection behind a reader that has buffered some of its bytes.
type body struct {
	net.Conn
	in io.Reader
}

func (b body) Read(p []byte) (int, error) { return b.in.Read(p) }
