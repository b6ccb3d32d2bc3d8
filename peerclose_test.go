//go:build !js

package websocket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// longestReason is what fits into a close frame (RFC 6455 section 5.5).
var longestReason = strings.Repeat("r", 123)

// A close frame is answered with its code and reason, the connection is closed,
// and every call from then on tells of it.
func TestPeerCloses(t *testing.T) {
	for _, code := range []int{
		1000, 1001, 1002, 1003,
		1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
		3000, 3999, 4000, 4999,
	} {
		for _, reason := range []string{"", "bye, 世界", longestReason} {
			t.Run(fmt.Sprintf("%d with %d bytes", code, len(reason)), func(t *testing.T) {
				conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
					call := rawpeer.Go(t, read)
					synctest.Wait()
					start := time.Now()
					p.SendClose(code, reason)
					p.WantCloseReason(code, reason)
					p.WantEOF()
					err := call.Err()
					conntest.WantClosed(t, err, websocket.StatusCode(code))
					if ce, ok := errors.AsType[websocket.CloseError](err); !ok || ce.Reason != reason {
						t.Fatalf("got reason %q, want %q", ce.Reason, reason)
					}
					if d := time.Since(start); d != 0 {
						t.Fatalf("took %v, want no time", d)
					}
					conntest.WantEnded(t, c, websocket.StatusCode(code))
				})
			})
		}
	}
}

// A close frame without a code is answered with one without a code.
func TestPeerClosesWithoutCode(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		p.SendClose(rawpeer.NoCode, "")
		p.WantClose(rawpeer.NoCode)
		p.WantEOF()
		conntest.WantClosed(t, read.Err(), websocket.StatusNoStatusRcvd)
		conntest.WantEnded(t, c, websocket.StatusNoStatusRcvd)
	})
}

// A code that must not be sent is a violation, which is found when its two
// bytes have come, and is not told as the peer's status.
func TestPeerClosesWithWrongCode(t *testing.T) {
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				f := rawpeer.Close(1000, "a reason")
				f.Payload[0], f.Payload[1] = byte(code>>8), byte(code)
				wire := rawpeer.AppendFrame(nil, p.Masked(f))
				p.SendRaw(wire[:len(wire)-len("a reason")])
				p.WantClose(1002)
				p.WantEOF()
				p.Close()
				conntest.WantClosed(t, call.Err(), -1)
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// The close frame is the last thing that counts, and it counts at any cut.
func TestPeerClosesInPieces(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		all := conntest.Pieces(p, 1, []rawpeer.Frame{rawpeer.Close(4321, "grün, 水, 🎉")})
		for _, piece := range all[:len(all)-1] {
			p.SendRaw(piece)
			synctest.Wait()
			if read.Returned() {
				t.Fatalf("got %v before the whole frame", read.Err())
			}
		}
		p.SendRaw(all[len(all)-1])
		p.WantCloseReason(4321, "grün, 水, 🎉")
		conntest.WantClosed(t, read.Err(), 4321)
	})
}

func TestPeerClosesAmongFrames(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("one"), rawpeer.Ping("two"), rawpeer.Close(1001, ""), rawpeer.Text("late"), rawpeer.Close(4000, ""))
		conntest.WantText(t, c, "one")
		_, _, err := c.Read(t.Context())
		conntest.WantClosed(t, err, websocket.StatusGoingAway)
		p.WantPong("two")
		p.WantClose(1001)
		p.WantEOF()
		conntest.WantEnded(t, c, websocket.StatusGoingAway)
	})
}

// A message that the peer's close frame cuts off is not whole.
func TestPeerClosesInsideMessage(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			call := rawpeer.Go(t, read)
			encode := opts.Encoder()
			p.Send(encode(rawpeer.Text("part")).More(), rawpeer.Close(4000, ""))
			p.WantClose(4000)
			p.WantEOF()
			conntest.WantClosed(t, call.Err(), 4000)
			conntest.WantEnded(t, c, 4000)
		})
	})
}

// Calls that wait elsewhere end with the connection.
func TestPeerClosesWhileOthersWait(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		p.WantPing()
		w, err := c.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		write := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), websocket.MessageText, []byte("x")) })
		synctest.Wait()
		first, second := conntest.GoRead(t, c), conntest.GoRead(t, c)
		p.SendClose(4000, "")
		p.WantClose(4000)
		p.WantEOF()
		for _, call := range []interface{ Err() error }{ping, write, first, second} {
			conntest.WantClosed(t, call.Err(), 4000)
		}
		_, err = w.Write([]byte("x"))
		conntest.WantClosed(t, err, 4000)
		conntest.WantClosed(t, w.Close(), 4000)
		conntest.WantEnded(t, c, 4000)
	})
}
