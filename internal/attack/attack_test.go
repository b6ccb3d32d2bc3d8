//go:build !js

package attack

import (
	"context"
	"io"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// pmd is the name of the compression extension.
const pmd = "permessage-deflate"

// drains are the ways to read until an error. The messages are binary and of any size.
// end cancels the context, or sets a deadline in the past; drain may call it.
var drains = []struct {
	name  string
	begin func(t *testing.T, c *websocket.Conn) (drain func() error, end func())
}{
	{"Read", func(t *testing.T, c *websocket.Conn) (func() error, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		c.SetReadLimit(-1)
		return func() error {
			for {
				if _, _, err := c.Read(ctx); err != nil {
					return err
				}
			}
		}, cancel
	}},
	{"AppendRead", func(t *testing.T, c *websocket.Conn) (func() error, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		c.SetReadLimit(-1)
		return func() error {
			var p []byte
			for {
				var err error
				if _, p, err = c.AppendRead(ctx, p[:0]); err != nil {
					return err
				}
			}
		}, cancel
	}},
	{"Reader", func(t *testing.T, c *websocket.Conn) (func() error, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		c.SetReadLimit(-1)
		small := make([]byte, 100)
		return func() error {
			for {
				_, r, err := c.Reader(ctx)
				for err == nil {
					_, err = r.Read(small)
				}
				if err != io.EOF {
					return err
				}
			}
		}, cancel
	}},
	{"NetConn", func(t *testing.T, c *websocket.Conn) (func() error, func()) {
		nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
		small := make([]byte, 100)
		return func() error {
			for {
				if _, err := nc.Read(small); err != nil {
					return err
				}
			}
		}, func() { nc.SetReadDeadline(longAgo) }
	}},
}

// longAgo is a deadline in the past.
var longAgo = time.Unix(1, 0)

// forDrains runs test for both roles and each of drains.
func forDrains(t *testing.T, opts *conntest.Options, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, drain func() error)) {
	t.Helper()
	for _, way := range drains {
		t.Run(way.name, func(t *testing.T) {
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				drain, end := way.begin(t, c)
				defer end()
				test(t, c, p, drain)
			})
		})
	}
}

// wire returns the encoding of frames as the peer sends them, repeated n times.
func wire(p *rawpeer.Peer, n int, frames ...rawpeer.Frame) []byte {
	var b []byte
	for range n {
		for _, f := range frames {
			b = rawpeer.AppendFrame(b, p.Masked(f))
		}
	}
	return b
}

// unmasked returns f as the peer sends it. From a client it has a zero masking key,
// which leaves the payload as it is.
func unmasked(p *rawpeer.Peer, f rawpeer.Frame) rawpeer.Frame {
	if conntest.PeerIsClient(p) {
		return f.WithKey([4]byte{})
	}
	return f
}

// empties returns the first n frames of a message, all empty and none final.
func empties(n int, first rawpeer.Frame) []rawpeer.Frame {
	first.Payload = nil
	frames := []rawpeer.Frame{first.More()}
	for len(frames) < n {
		frames = append(frames, rawpeer.Continuation("").More())
	}
	return frames
}
