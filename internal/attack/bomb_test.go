//go:build !js

package attack

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

const (
	// bombSize is the inflated size of a bomb. Its compressed size is below the read
	// limit.
	bombSize = 16 << 20
	// bombMemory is the most that a test may allocate for one.
	bombMemory = 4 << 20
)

// bomb is a compressed message that inflates to a thousand times its size.
var bomb = sync.OnceValue(func() rawpeer.Frame {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression) // the level is valid; others make it twice as long
	w.Write(make([]byte, bombSize))
	w.Flush()
	payload := bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
	return rawpeer.Binary(payload).WithRSV(rawpeer.RSV1)
})

// forBombs runs test for both roles, with and without context takeover.
func forBombs(t *testing.T, test func(t *testing.T, opts *conntest.Options)) {
	if n := len(bomb().Payload); n*1000 > bombSize || n > conntest.DefaultLimit {
		t.Fatalf("the bomb has %d bytes", n)
	}
	for _, mode := range []websocket.CompressionMode{websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover} {
		test(t, &conntest.Options{Compression: mode})
	}
}

// The read limit applies to the inflated size, and inflating stops there
// (CVE-2018-1000518, CVE-2026-27571).
func TestAttackBomb(t *testing.T) {
	forBombs(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			sent := wire(p, 1, bomb())
			if n := conntest.Allocated(func() {
				call := rawpeer.Go(t, read)
				p.SendRaw(sent)
				p.WantClose(1009)
				p.Close()
				conntest.WantError(t, call.Err(), websocket.ErrMessageTooBig)
			}); n > bombMemory {
				t.Errorf("allocated %d bytes", n)
			}
		})
	})
}

// The same for a bomb in many frames.
func TestAttackBombInFragments(t *testing.T) {
	forBombs(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			call := rawpeer.Go(t, read)
			p.SendRaw(wire(p, 1, conntest.Fragmented(bomb(), 10)...)[:2000])
			p.WantClose(1009)
			p.Close()
			conntest.WantError(t, call.Err(), websocket.ErrMessageTooBig)
		})
	})
}

// Without a limit, a reader into a small slice keeps only a bounded part of the
// message.
func TestAttackBombInSmallReads(t *testing.T) {
	forBombs(t, func(t *testing.T, opts *conntest.Options) {
		for _, way := range drains {
			if way.name == "Read" || way.name == "AppendRead" {
				continue // these return the whole message
			}
			t.Run(way.name, func(t *testing.T) {
				conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					sent := wire(p, 1, bomb(), rawpeer.Close(1000, ""))
					drain, end := way.begin(t, c)
					defer end()
					if n := conntest.Allocated(func() {
						read := rawpeer.GoErr(t, drain)
						p.SendRaw(sent)
						p.WantClose(1000)
						read.Err()
					}); n > bombMemory {
						t.Errorf("allocated %d bytes", n)
					}
				})
			})
		}
	})
}

// Close discards messages without inflating them, so it does not detect invalid DEFLATE
// data.
func TestAttackBombWhileClosing(t *testing.T) {
	corrupt := rawpeer.Binary([]byte("\x07\xff\xff")).WithRSV(rawpeer.RSV1)
	forBombs(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			sent := wire(p, 1, bomb(), corrupt, bomb(), rawpeer.Close(1000, ""))
			if n := conntest.Allocated(func() {
				closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
				p.WantClose(1000)
				p.SendRaw(sent)
				closing.Want()
			}); n > bombMemory {
				t.Errorf("allocated %d bytes", n)
			}
		})
	})
}

// The same for the rest of a message that is partly read.
func TestAttackBombHalfReadWhileClosing(t *testing.T) {
	forBombs(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Send(bomb().More())
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, strings.Repeat("\x00", 1000))
			closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
			p.WantClose(1000)
			p.Send(rawpeer.Continuation("\xff\xff\xff"), rawpeer.Close(1000, ""))
			closing.Want()
			_, err := io.Copy(io.Discard, r)
			conntest.WantClosed(t, err, 1000)
		})
	})
}

// DEFLATE blocks without output: the message that consists of them is read, and no
// memory grows with their number.
func TestAttackBombOfNothing(t *testing.T) {
	blocks := 1 << 18
	if poolcheck.On { // with the race detector
		blocks = 1 << 16
	}
	forBombs(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			f := rawpeer.Text(strings.Repeat("\x00\x00\x00\xff\xff", blocks)).WithRSV(rawpeer.RSV1)
			sent := wire(p, 1, f)
			if n := conntest.Allocated(func() {
				call := rawpeer.Go(t, read)
				p.SendRaw(sent)
				synctest.Wait()
				if got, err := call.Result(); got.Payload != "" || err != nil {
					t.Errorf("got %v, %v, want an empty message", got, err)
				}
			}); n > bombMemory {
				t.Errorf("allocated %d bytes for %d blocks", n, blocks)
			}
		})
	})
}
