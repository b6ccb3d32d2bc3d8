//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/wstest"
)

// floods are what a peer can send for ever, so that who reads always finds
// something. It begins with first, and goes on with more.
var floods = []struct {
	name        string
	compression websocket.CompressionMode
	first, more func(p *wstest.Peer) []byte
	drain       string // the only one that does not return what has come
}{
	{
		name: "pings",
		more: func(p *wstest.Peer) []byte { return wire(p, 1000, wstest.Ping("")) },
	},
	{
		name: "pongs",
		more: func(p *wstest.Peer) []byte { return wire(p, 1000, wstest.Pong("")) },
	},
	{
		name:  "pings inside a message",
		first: func(p *wstest.Peer) []byte { return wire(p, 1, wstest.Binary(nil).More()) },
		more:  func(p *wstest.Peer) []byte { return wire(p, 1000, wstest.Ping(strings.Repeat("x", 125))) },
	},
	{
		name:  "fragments of a byte",
		first: func(p *wstest.Peer) []byte { return wire(p, 1, wstest.Binary(nil).More()) },
		more:  func(p *wstest.Peer) []byte { return wire(p, 1000, wstest.Continuation("x").More()) },
		drain: "Read",
	},
	{
		name:  "a payload",
		first: func(p *wstest.Peer) []byte { return hugeHeader(p, wstest.Binary(nil)) },
		more:  func(p *wstest.Peer) []byte { return make([]byte, 64<<10) },
		drain: "Read",
	},
	{
		name:        "blocks without bytes",
		compression: websocket.CompressionNoContextTakeover,
		first:       func(p *wstest.Peer) []byte { return hugeHeader(p, wstest.Binary(nil).WithRSV(wstest.RSV1)) },
		more:        func(p *wstest.Peer) []byte { return []byte(strings.Repeat("\x00\x00\x00\xff\xff", 10_000)) },
	},
	{
		name:  "empty messages",
		more:  func(p *wstest.Peer) []byte { return wire(p, 1000, wstest.Binary(nil)) },
		drain: "NetConn",
	},
}

// hugeHeader is the header of a frame that does not end.
func hugeHeader(p *wstest.Peer, f wstest.Frame) []byte {
	return wstest.AppendHeader(nil, unmasked(p, f), wstest.Length64, 1<<62)
}

// forFloods runs test for each flood and each way to read it. The ping in front
// ends its context, from within the call that reads.
func forFloods(t *testing.T, over func(*testing.T, *connOptions, func(*testing.T, *websocket.Conn, *wstest.Peer)),
	test func(t *testing.T, c *websocket.Conn, p *wstest.Peer, first, more []byte, drain func() error)) {
	t.Helper()
	for _, flood := range floods {
		for _, way := range drains {
			if flood.drain != "" && flood.drain != way.name {
				continue
			}
			t.Run(flood.name+"/"+way.name, func(t *testing.T) {
				var end func()
				opts := &connOptions{compression: flood.compression}
				opts.onPing = func(_ context.Context, payload []byte) bool {
					if string(payload) == "now" {
						end()
					}
					return false
				}
				over(t, opts, func(t *testing.T, c *websocket.Conn, p *wstest.Peer) {
					var drain func() error
					drain, end = way.begin(t, c)
					defer end()
					first := wire(p, 1, wstest.Ping("now"))
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
	forFloods(t, forBothRoles, func(t *testing.T, c *websocket.Conn, p *wstest.Peer, first, more []byte, drain func() error) {
		flooding := wstest.GoErr(t, func() error {
			_, err := p.Conn.Write(first)
			for err == nil {
				_, err = p.Conn.Write(more)
			}
			return nil // the connection has ended
		})
		wantEnd(t, wstest.GoErr(t, drain).Err())
		c.CloseNow()
		flooding.Want()
	})
}

// A socket is read without a look at the clock as long as there is something. Not
// all that has come is read before the end of the context counts: what was not
// makes the end of the connection a reset.
func TestAttackFloodOfSocketEndsWithContext(t *testing.T) {
	const flood = 256 << 10 // what the system buffers
	forFloods(t, overTCP, func(t *testing.T, c *websocket.Conn, p *wstest.Peer, first, more []byte, drain func() error) {
		for len(first) < flood {
			first = append(first, more...)
		}
		p.SendRaw(first[:flood])
		wantEnd(t, wstest.GoErr(t, drain).Err())
		c.CloseNow()
		p.WantReset()
	})
}
