//go:build !js

package attack

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A length with the top bit set is invalid (RFC 6455 section 5.2). It fails the
// connection at once, with any limit (CVE-2020-27813, CVE-2026-27889).
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
					conntest.WantCause(t, call.Err(), -1)
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}

// Lengths that are each valid may be too large together: their sum does not overflow,
// with a limit or without.
func TestAttackLengthSum(t *testing.T) {
	const most = math.MaxInt64
	for _, test := range []struct {
		limit  int64
		before string // the frame before the one with the long length
		code   int    // the close code, or 0 if the long frame is read
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
				conntest.WantCause(t, err, -1)
				if errors.Is(err, websocket.ErrMessageTooBig) {
					t.Errorf("got %v, want the end of the stream", err)
				}
			})
		})
	}
}

// Memory is allocated for received bytes and not for a declared length (gobwas/ws
// #223).
func TestAttackDeclaredLength(t *testing.T) {
	const sent, most = 100_000, 2 << 20
	for _, length := range []uint64{1 << 30, 1 << 31, 1 << 32, 1 << 62, math.MaxInt64} {
		for _, test := range []struct {
			name  string
			first []rawpeer.Frame
			f     rawpeer.Frame // its length is the declared one
		}{
			{"one frame", nil, rawpeer.Binary(make([]byte, sent))},
			{"fragment", []rawpeer.Frame{rawpeer.Binary([]byte("x")).More()}, rawpeer.Continuation(strings.Repeat("x", sent))},
			{"compressed", nil, rawpeer.Deflated(rawpeer.Binary(make([]byte, sent)))},
		} {
			t.Run(fmt.Sprint(length, " ", test.name), func(t *testing.T) {
				opts := &conntest.Options{
					Compression: websocket.CompressionContextTakeover,
					Pipe:        &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded},
				}
				forDrains(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, drain func() error) {
					sent := rawpeer.AppendFrameAs(wire(p, 1, test.first...), p.Masked(test.f), rawpeer.Shortest, length)
					read := rawpeer.GoErr(t, drain)
					if n := conntest.Allocated(func() {
						p.SendRaw(sent)
						synctest.Wait()
					}); n > most {
						t.Errorf("allocated %d bytes for %d of %d", n, len(sent), length)
					}
					p.Close()
					conntest.WantCause(t, read.Err(), -1)
				})
			})
		}
	}
}
