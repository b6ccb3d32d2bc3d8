//go:build !js

package websocket_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A pong that has arrived counts for more than the end of the connection, or of
// the context, behind it.
func TestPingAnsweredBeforeTheEnd(t *testing.T) {
	for _, end := range []string{"connection", "context"} {
		t.Run(end, func(t *testing.T) {
			for range 20 { // which of two wakes Ping is a matter of luck
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					c.CloseRead(t.Context())
					stream := conntest.UnderTest(p)
					stream.RecordWrites()
					// Both have happened when the Write of the ping returns.
					stream.AfterWriting(stream.Stats().BytesWritten+int64(frameSize(p, 1)), func() {
						ping, _, err := rawpeer.ParseFrame(slices.Concat(stream.RecordedWrites()...))
						if err != nil {
							t.Error(err)
						}
						p.SendPong(string(ping.Payload))
						time.Sleep(time.Second)
						if end == "connection" {
							p.CloseWrite()
						} else {
							cancel()
						}
						time.Sleep(time.Second)
					})
					conntest.WantNoError(t, c.Ping(ctx))
				})
			}
		})
	}
}

// A pong of the program's own goes out at once, also between the frames of a
// message, and its payload is the caller's.
func TestPong(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		pong := func(payload string) {
			t.Helper()
			mine := []byte(payload)
			call := rawpeer.GoErr(t, func() error { return c.Pong(t.Context(), mine) })
			p.WantPong(payload)
			call.Want()
			if string(mine) != payload {
				t.Error("the caller's payload was changed")
			}
		}
		pong("")
		pong(strings.Repeat("p", 125))
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, "parts")
		pong("between frames")
		end := rawpeer.GoErr(t, w.Close)
		p.WantMessage(rawpeer.OpText, []byte("parts"))
		end.Want()
		wantUsable(t, c, p)
	})
}
