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

// floods are what a peer can send for ever, so that who reads always finds
// something. It begins with first, and goes on with more.
var floods = []struct {
	name        string
	compression websocket.CompressionMode
	first, more func(p *rawpeer.Peer) []byte
	drain       string // the only one that does not return what has come
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

// hugeHeader is the header of a frame that does not end.
func hugeHeader(p *rawpeer.Peer, f rawpeer.Frame) []byte {
	return rawpeer.AppendHeader(nil, unmasked(p, f), rawpeer.Length64, 1<<62)
}

// forFloods runs test for each flood and each way to read it. The ping in front
// ends its context, from within the call that reads.
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

// wantEnd wants the error of a call whose context, or deadline, ended.
func wantEnd(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got error %v, want that of the context or the deadline", err)
	}
}

// Who reads may never have to wait, and yet a context, or a deadline, that ends
// meanwhile ends the call.
func TestAttackFloodEndsWithContext(t *testing.T) {
	forFloods(t, conntest.ForBothRoles, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, first, more []byte, drain func() error) {
		flooding := rawpeer.GoErr(t, func() error {
			_, err := p.Conn.Write(first)
			for err == nil {
				_, err = p.Conn.Write(more)
			}
			return nil // the connection has ended
		})
		wantEnd(t, rawpeer.GoErr(t, drain).Err())
		c.CloseNow()
		flooding.Want()
	})
}

// A socket is read without a look at the clock as long as there is something. Not
// all that has come is read before the end of the context counts: what was not
// makes the end of the connection a reset.
func TestAttackFloodOfSocketEndsWithContext(t *testing.T) {
	const flood = 256 << 10 // what the system buffers
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
