//go:build !js

package attack

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A length with the top bit set is none, whatever the limit, and is not waited
// for (CVE-2020-27813, CVE-2026-27889).
func TestAttackLengthOverflow(t *testing.T) {
	for _, length := range []uint64{1 << 63, 1<<63 + 1, 1<<64 - 1} {
		for _, limit := range []int64{conntest.DefaultLimit, math.MaxInt64, -1} {
			t.Run(fmt.Sprint(length, " limit ", limit), func(t *testing.T) {
				conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
					c.SetReadLimit(limit)
					call := rawpeer.Go(t, read)
					p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Binary(nil)), rawpeer.Length64, length))
					p.WantClose(1002)
					p.Close()
					conntest.WantClosed(t, call.Err(), -1)
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}

// Lengths that are in order each by itself may not be together: the sum does not
// overflow, be it compared with a limit or with nothing.
func TestAttackLengthSum(t *testing.T) {
	const most = math.MaxInt64
	for _, test := range []struct {
		limit  int64
		before string // the frame in front of the long one
		code   int    // of the close frame, or 0 where the long one is read
	}{
		{conntest.DefaultLimit, "", 1009},
		{conntest.DefaultLimit, "x", 1009},
		{most - 1, "", 1009},
		{most, "", 0},
		{most, "x", 1009},
		{-1, "", 0},
		{-1, "x", 0},
	} {
		t.Run(fmt.Sprint(test.limit, test.before), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				c.SetReadLimit(test.limit)
				call := rawpeer.GoErr(t, func() error {
					_, r, err := c.Reader(t.Context())
					for err == nil {
						_, err = r.Read(make([]byte, 100))
					}
					return err
				})
				p.Send(rawpeer.Binary([]byte(test.before)).More())
				p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Continuation("")), rawpeer.Length64, most))
				if test.code != 0 {
					p.WantClose(test.code)
					p.Close()
					conntest.WantError(t, call.Err(), websocket.ErrMessageTooBig)
					return
				}
				p.SendRaw(make([]byte, 100_000))
				p.WantSilence(time.Hour)
				p.Close()
				err := call.Err()
				conntest.WantClosed(t, err, -1)
				if errors.Is(err, websocket.ErrMessageTooBig) {
					t.Errorf("got %v, want the end of the stream", err)
				}
			})
		})
	}
}

// Nothing is allocated by a length that is declared, only by what comes
// (gobwas/ws #223).
func TestAttackDeclaredLength(t *testing.T) {
	const sent, most = 10, 512 << 10
	for _, length := range []uint64{1 << 30, 1 << 31, 1 << 32, 1 << 62, math.MaxInt64} {
		for name, first := range map[string][]rawpeer.Frame{
			"one frame": nil,
			"fragment":  {rawpeer.Binary([]byte("x")).More()},
		} {
			t.Run(fmt.Sprint(length, " ", name), func(t *testing.T) {
				forDrains(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, drain func() error) {
					f := rawpeer.Binary(nil)
					if first != nil {
						f = rawpeer.Continuation("")
					}
					begin := rawpeer.AppendHeader(wire(p, 1, first...), p.Masked(f), rawpeer.Shortest, length)
					read := rawpeer.GoErr(t, drain)
					if n := conntest.Allocated(func() {
						p.SendRaw(append(begin, make([]byte, sent)...))
						synctest.Wait()
					}); n > most {
						t.Errorf("allocated %d bytes for %d of %d", n, sent, length)
					}
					p.Close()
					conntest.WantClosed(t, read.Err(), -1)
				})
			})
		}
	}
}
