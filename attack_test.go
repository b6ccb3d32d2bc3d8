//go:build !js

package websocket_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// The attacks that these tests replay, known from other implementations, and where:
//
//	lengths of 2⁶³ and more, and sums  CVE-2020-27813, CVE-2026-27889  attack_length
//	memory by a declared length        gobwas/ws #223                  attack_length
//	deflate bombs                      CVE-2018-1000518, -2026-27571   attack_bomb
//	empty, tiny and endless fragments                                  attack_fragment
//	floods, and contexts that end                                      attack_flood
//	pings, and peers that never read                                   attack_unread
//	reserved bits, opcodes, masking, close frames                      attack_frame
//	predictable masking keys           GO-2026-6278                    attack_mask
//	residue of pools                   CVE-2026-45736                  attack_residue
//	window bits out of range           CVE-2026-2229                   attack_windowbits
//	spaces in headers, open quotes     CVE-2021-32640, -2020-7662      attack_header
//	2,000 headers                      CVE-2024-37890                  attack_header
//	foreign origins                    CVE-2026-32815                  attack_origin
//	wrong requests, header injection, early frames                     attack_accept
//	wrong and endless answers          CVE-2023-43669                  attack_dial

// drains are the ways to read whatever comes, until an error. The messages are
// binary, and have any size. end ends the context, or sets a deadline that has
// passed, and may be called from within drain.
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

// longAgo is a deadline that has passed.
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

// allocated returns how many bytes are allocated while f runs, by whomever.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// wire returns the bytes of frames as the peer sends them, n times over.
func wire(p *rawpeer.Peer, n int, frames ...rawpeer.Frame) []byte {
	var b []byte
	for range n {
		for _, f := range frames {
			b = rawpeer.AppendFrame(b, p.Masked(f))
		}
	}
	return b
}

// unmasked returns f as the peer sends it, with a key that leaves the payload as
// it is.
func unmasked(p *rawpeer.Peer, f rawpeer.Frame) rawpeer.Frame {
	if conntest.PeerIsClient(p) {
		return f.WithKey([4]byte{})
	}
	return f
}

// empties returns the first n frames of a message: empty ones, and more to come.
func empties(n int, first rawpeer.Frame) []rawpeer.Frame {
	first.Payload = nil
	frames := []rawpeer.Frame{first.More()}
	for len(frames) < n {
		frames = append(frames, rawpeer.Continuation("").More())
	}
	return frames
}
