//go:build !js

package attack

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// floods are inputs that a peer can send without end, so that a reader never blocks: first,
// then more repeatedly.
var floods = []struct {
	name        string
	compression websocket.CompressionMode
	first, more func(p *rawpeer.Peer) []byte
	drain       string // if set, the only way of reading that does not return early
}{
	{
		name: "pings",
		more: func(p *rawpeer.Peer) []byte { return wire(p, 1000, rawpeer.Ping("")) },
	},
	{
		name: "pongs",
		more: func(p *rawpeer.Peer) []byte { return wire(p, 1000, rawpeer.Pong("")) },
	},
	{
		name:  "pings inside a message",
		first: func(p *rawpeer.Peer) []byte { return wire(p, 1, rawpeer.Binary(nil).More()) },
		more:  func(p *rawpeer.Peer) []byte { return wire(p, 1000, rawpeer.Ping(strings.Repeat("x", 125))) },
	},
	{
		name:  "fragments of a byte",
		first: func(p *rawpeer.Peer) []byte { return wire(p, 1, rawpeer.Binary(nil).More()) },
		more:  func(p *rawpeer.Peer) []byte { return wire(p, 1000, rawpeer.Continuation("x").More()) },
		drain: "Read",
	},
	{
		name:  "a payload",
		first: func(p *rawpeer.Peer) []byte { return hugeHeader(p, rawpeer.Binary(nil)) },
		more:  func(p *rawpeer.Peer) []byte { return make([]byte, 64<<10) },
		drain: "Read",
	},
	{
		name:        "blocks without bytes",
		compression: websocket.CompressionNoContextTakeover,
		first:       func(p *rawpeer.Peer) []byte { return hugeHeader(p, rawpeer.Binary(nil).WithRSV(rawpeer.RSV1)) },
		more:        func(p *rawpeer.Peer) []byte { return []byte(strings.Repeat("\x00\x00\x00\xff\xff", 10_000)) },
	},
	{
		name:  "empty messages",
		more:  func(p *rawpeer.Peer) []byte { return wire(p, 1000, rawpeer.Binary(nil)) },
		drain: "NetConn",
	},
}

// hugeHeader returns the header of a frame that never ends.
func hugeHeader(p *rawpeer.Peer, f rawpeer.Frame) []byte {
	return rawpeer.AppendHeader(nil, unmasked(p, f), rawpeer.Length64, 1<<62)
}

// forFloods runs test for each flood and each way to read it. The ping in front ends
// the context, or sets the deadline, from within the reading call.
func forFloods(t *testing.T, over func(*testing.T, *conntest.Options, func(*testing.T, *websocket.Conn, *rawpeer.Peer)),
	test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, first, more []byte, drain func() error)) {
	t.Helper()
	for _, flood := range floods {
		for _, way := range drains {
			if flood.drain != "" && flood.drain != way.name {
				continue
			}
			t.Run(flood.name+"/"+way.name, func(t *testing.T) {
				var end func()
				opts := &conntest.Options{Compression: flood.compression}
				opts.OnPing = func(_ context.Context, payload []byte) bool {
					if string(payload) == "now" {
						end()
					}
					return false
				}
				over(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					var drain func() error
					drain, end = way.begin(t, c)
					defer end()
					first := wire(p, 1, rawpeer.Ping("now"))
					if flood.first != nil {
						first = append(first, flood.first(p)...)
					}
					test(t, c, p, first, flood.more(p), drain)
				})
			})
		}
	}
}

// wantEnd expects the error of a context or a deadline that ended a call.
func wantEnd(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got error %v, want that of the context or the deadline", err)
	}
}

// A context or a deadline ends a reading call that never blocks.
func TestAttackFloodEndsWithContext(t *testing.T) {
	forFloods(t, conntest.ForBothRoles, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, first, more []byte, drain func() error) {
		flooding := rawpeer.GoErr(t, func() error {
			_, err := p.Conn.Write(first)
			for err == nil {
				_, err = p.Conn.Write(more)
			}
			return nil // the connection has failed
		})
		wantEnd(t, rawpeer.GoErr(t, drain).Err())
		c.CloseNow()
		flooding.Want()
	})
}

// A socket with unread bytes is read without checking its deadline. The call returns
// before everything is read, and closing a socket with unread bytes resets the
// connection.
func TestAttackFloodOfSocketEndsWithContext(t *testing.T) {
	const flood = 256 << 10 // the capacity of the kernel's buffers
	forFloods(t, conntest.OverTCP, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, first, more []byte, drain func() error) {
		for len(first) < flood {
			first = append(first, more...)
		}
		p.SendRaw(first[:flood])
		wantEnd(t, rawpeer.GoErr(t, drain).Err())
		c.CloseNow()
		p.WantReset()
	})
}
