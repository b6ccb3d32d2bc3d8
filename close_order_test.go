//go:build !js

package websocket_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// After the close frame nothing is sent, and there is one.
func TestCloseIsLast(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.CloseRead(t.Context())
		calls := []*rawpeer.Call[struct{}]{goClose(t, c, 4000, "first")}
		for range 3 {
			calls = append(calls, goClose(t, c, 4001, "not sent"))
		}
		p.WantCloseReason(4000, "first")
		for name, err := range map[string]error{
			"Write":       c.Write(t.Context(), websocket.MessageText, nil),
			"large Write": c.Write(t.Context(), websocket.MessageText, []byte(conntest.Filler(5000))),
			"Ping":        c.Ping(t.Context()),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: got error %v after the close frame", name, err)
			}
		}
		_, err := c.Writer(t.Context(), websocket.MessageText)
		conntest.WantClosed(t, err, -1)
		p.SendPing("not answered")
		p.WantSilence(time.Second)
		for _, call := range calls {
			if call.Returned() {
				t.Fatal("a Close did not wait")
			}
		}
		p.SendClose(4000, "")
		p.WantEOF()
		for _, call := range calls {
			call.Want()
		}
	})
}

// A pong that was due before the close frame was out comes too late.
func TestCloseIsLastOfPosted(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		release := conntest.UnderTest(p).StallWrites()
		call := goClose(t, c, 4000, "")
		p.SendPing("too late")
		synctest.Wait()
		release()
		p.WantClose(4000)
		p.WantSilence(time.Second)
		p.SendClose(4000, "")
		p.WantEOF()
		call.Want()
	})
}

// Those that wait for their turn when Close comes do not get it any more.
func TestCloseAheadOfQueue(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				release, calls := queue(t, c, p, "zero", "one", conntest.Filler(1000), conntest.Filler(5000), "four")
				call := goClose(t, c, 4000, "")
				release()
				p.WantText("zero")
				p.WantClose(4000)
				calls[0].Want()
				for _, call := range calls[1:] {
					conntest.WantClosed(t, call.Err(), -1)
				}
				p.SendClose(4000, "")
				p.WantEOF()
				call.Want()
				wantAllClosed(t, c, p, 4000)
			})
		})
	}
}
