//go:build !js

package conntest

import (
	"context"
	"fmt"
	"io"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A ReadWay is one of [ReadWays].
type ReadWay struct {
	Name string
	Read func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error)
}

// ReadWays are the ways to read a whole message.
var ReadWays = []ReadWay{
	{"Read", func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error) {
		return c.Read(ctx)
	}},
	{"AppendRead", appendWay(1 << 16)},
	{"AppendRead without room", appendWay(0)},
	{"Reader", readerWay(func(r io.Reader) io.Reader { return r })},
	{"Reader in small reads", readerWay(func(r io.Reader) io.Reader { return smallReads{r} })},
}

// appendWay appends to a slice with a prefix, which must not change, and room for more
// bytes.
func appendWay(room int) func(context.Context, *websocket.Conn) (websocket.MessageType, []byte, error) {
	const prefix = "prefix"
	return func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error) {
		dst := append(make([]byte, 0, len(prefix)+room), prefix...)
		typ, p, err := c.AppendRead(ctx, dst)
		switch {
		case string(p[:min(len(p), len(prefix))]) != prefix:
			return 0, nil, fmt.Errorf("AppendRead changed the bytes before its message: %q", p)
		case err != nil && len(p) != len(prefix):
			return 0, nil, fmt.Errorf("AppendRead returned %d bytes and %w", len(p)-len(prefix), err)
		}
		return typ, p[len(prefix):], err
	}
}

// smallReads reads a few bytes at a time, 5 at most, to avoid alignment.
type smallReads struct{ r io.Reader }

func (s smallReads) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 5)]) }

func readerWay(through func(io.Reader) io.Reader) func(context.Context, *websocket.Conn) (websocket.MessageType, []byte, error) {
	return func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error) {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return 0, nil, err
		}
		p, err := io.ReadAll(through(r))
		return typ, p, err
	}
}

// ForReadWays runs test for both roles and each of [ReadWays]; with -short, only for
// the first.
func ForReadWays(t *testing.T, opts *Options, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (Message, error))) {
	t.Helper()
	ways := ReadWays
	if testing.Short() {
		ways = ways[:1]
	}
	for _, way := range ways {
		t.Run(way.Name, func(t *testing.T) {
			ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				test(t, c, p, func() (Message, error) {
					typ, b, err := way.Read(t.Context(), c)
					return Message{Type: typ, Payload: string(b)}, err
				})
			})
		})
	}
}

// ForEachMode runs test without compression, and with each compression mode.
func ForEachMode(t *testing.T, test func(t *testing.T, opts *Options)) {
	t.Helper()
	for name, mode := range map[string]websocket.CompressionMode{
		"plain":      websocket.CompressionDisabled,
		"takeover":   websocket.CompressionContextTakeover,
		"notakeover": websocket.CompressionNoContextTakeover,
	} {
		t.Run(name, func(t *testing.T) { test(t, &Options{Compression: mode}) })
	}
}

// Encoder returns a function that compresses the peer's messages if compression was
// negotiated.
func (o *Options) Encoder() func(rawpeer.Frame) rawpeer.Frame {
	if o.Compression == websocket.CompressionDisabled {
		return func(f rawpeer.Frame) rawpeer.Frame { return f }
	}
	d := rawpeer.NewDeflater(o.Takeover())
	return func(f rawpeer.Frame) rawpeer.Frame {
		f.Payload = d.Message(f.Payload)
		return f.WithRSV(rawpeer.RSV1)
	}
}

// Fragmented cuts a message into frames of size bytes.
func Fragmented(f rawpeer.Frame, size int) []rawpeer.Frame {
	var frames []rawpeer.Frame
	for rest := f.Payload; ; f = rawpeer.Continuation("") {
		n := min(size, len(rest))
		f.Payload, rest = rest[:n], rest[n:]
		f.Fin = len(rest) == 0
		frames = append(frames, f)
		if f.Fin {
			return frames
		}
	}
}

// Between inserts f between each two of frames.
func Between(frames []rawpeer.Frame, f rawpeer.Frame) []rawpeer.Frame {
	var all []rawpeer.Frame
	for i, g := range frames {
		if i > 0 {
			all = append(all, f)
		}
		all = append(all, g)
	}
	return all
}

// Pieces encodes frames and cuts them into pieces of size bytes.
func Pieces(p *rawpeer.Peer, size int, frames []rawpeer.Frame) [][]byte {
	var b []byte
	for _, f := range frames {
		b = rawpeer.AppendFrame(b, p.Masked(f))
	}
	var all [][]byte
	for len(b) > 0 {
		n := min(size, len(b))
		all = append(all, b[:n])
		b = b[n:]
	}
	return all
}
