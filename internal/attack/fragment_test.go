//go:build !js

package attack

import (
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// maxEmptyFrames is how many consecutive frames of a message may be empty and not
// final.
const maxEmptyFrames = 1000

// Empty frames cost the peer next to nothing and never complete a message, so their
// number is limited. Pings between them do not reset the count.
func TestAttackEmptyFragments(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		begin := rawpeer.Binary(nil)
		if opts.Compression != websocket.CompressionDisabled {
			begin = begin.WithRSV(rawpeer.RSV1)
		}
		for name, between := range map[string][]rawpeer.Frame{
			"in a row":   nil,
			"with pings": {rawpeer.Ping("")},
		} {
			t.Run(name, func(t *testing.T) {
				forDrains(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, drain func() error) {
					read := rawpeer.GoErr(t, drain)
					for _, f := range empties(maxEmptyFrames, begin) {
						p.Send(append(between, f)...)
						for range between {
							p.WantPong("")
						}
					}
					p.WantSilence(time.Hour)
					p.Send(rawpeer.Continuation("").More())
					p.WantClose(1008)
					p.Close()
					conntest.WantCause(t, read.Err(), -1)
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	})
}

// The largest allowed number, before a payload, after it, and again in the next
// message.
func TestAttackEmptyFragmentsWithinBounds(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			encode := opts.Encoder()
			for range 3 {
				f := encode(rawpeer.Text("hello"))
				frames := empties(maxEmptyFrames, f)
				frames = append(frames, rawpeer.Continuation(string(f.Payload)).More())
				frames = append(frames, empties(maxEmptyFrames, rawpeer.Continuation(""))...)
				p.Send(append(frames, rawpeer.Continuation(""))...)
				if got, err := read(); got.Payload != "hello" || err != nil {
					t.Fatalf("got %v, %v", got, err)
				}
			}
		})
	})
}

// Close discards messages and accepts no more empty frames than a reader does.
func TestAttackEmptyFragmentsWhileClosing(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		start := time.Now()
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		p.WantClose(1000)
		p.Send(empties(maxEmptyFrames, rawpeer.Text(""))...)
		synctest.Wait()
		if closing.Returned() {
			t.Fatalf("got %v before one frame too many", closing.Err())
		}
		p.Send(rawpeer.Continuation("").More())
		p.WantEOF() // without a second close frame
		if closing.Err() == nil {
			t.Error("got no error of a Close that the peer did not answer")
		}
		if d := time.Since(start); d != conntest.DrainTime {
			t.Errorf("took %v, want %v", d, conntest.DrainTime)
		}
	})
}

// A message of a million frames of one byte is read as any other: the work is
// proportional to the bytes received, and no memory grows with the number of frames.
func TestAttackOneByteFragments(t *testing.T) {
	const frames, most = 1000, 8 << 20
	blocks := 1000
	if testing.Short() || poolcheck.On {
		blocks = 100
	}
	forDrains(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, drain func() error) {
		block := wire(p, frames, rawpeer.Continuation("x").More())
		read := rawpeer.GoErr(t, drain)
		p.Send(rawpeer.Binary(nil).More())
		n := conntest.Allocated(func() {
			for range blocks {
				if _, err := p.Conn.Write(block); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		})
		// Read keeps the million bytes that it has to return.
		if n > most {
			t.Errorf("allocated %d bytes for %d frames", n, frames*blocks)
		}
		if read.Returned() {
			t.Fatalf("got %v inside the message", read.Err())
		}
		p.SendClose(1000, "")
		p.WantClose(1000)
		read.Err()
	})
}

// A message without an end fails at the read limit, in frames of any kind.
func TestAttackEndlessFragments(t *testing.T) {
	for name, size := range map[string]int{"small": 1, "large": 1000} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				read := conntest.GoRead(t, c)
				p.Send(rawpeer.Text("").More())
				more := wire(p, 1, rawpeer.Continuation(conntest.Filler(size)).More())
				for range conntest.DefaultLimit / size {
					p.SendRaw(more)
				}
				synctest.Wait()
				if read.Returned() {
					t.Fatalf("got %v within the limit", read.Err())
				}
				p.SendRaw(more)
				p.WantClose(1009)
				p.Close()
				conntest.WantError(t, read.Err(), websocket.ErrMessageTooBig)
			})
		})
	}
}
