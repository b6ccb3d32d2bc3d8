package websocket

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
)

// Unexported names that coder's external tests use, implemented with the exported ones.

var ErrClosed = net.ErrClosed

// ExportedDial is Dial; random generates the key.
func ExportedDial(ctx context.Context, u string, opts *DialOptions, random func([]byte) (int, error)) (*Conn, *http.Response, error) {
	if _, err := SecWebSocketKey(reader(random)); err != nil {
		return nil, nil, err
	}
	return Dial(ctx, u, opts)
}

type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

func SecWebSocketKey(r io.Reader) (string, error) {
	b := make([]byte, 16)
	_, err := io.ReadFull(r, b)
	return base64.StdEncoding.EncodeToString(b), err
}

func SecWebSocketAccept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// CompressionModeOpts keeps the mode for VerifyServerResponse.
func CompressionModeOpts(mode CompressionMode) CompressionMode { return mode }

// VerifyServerResponse dials with resp as the response. The key in resp is replaced by
// that of the request.
func VerifyServerResponse(opts *DialOptions, mode CompressionMode, key string, resp *http.Response) (*Conn, error) {
	dialing := *opts
	dialing.CompressionMode = mode
	dialing.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if resp.Header.Get("Sec-WebSocket-Accept") == SecWebSocketAccept(key) {
			resp.Header.Set("Sec-WebSocket-Accept", SecWebSocketAccept(r.Header.Get("Sec-WebSocket-Key")))
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			conn, peer := net.Pipe()
			peer.Close()
			resp.Body = conn
		}
		return resp, nil
	})}
	c, _, err := Dial(context.Background(), "ws://example.com", &dialing)
	if c != nil {
		c.CloseNow()
	}
	return c, err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
