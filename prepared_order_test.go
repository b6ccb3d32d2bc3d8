//go:build !js

package websocket_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// takingOver is for connections of which each message from 100 bytes on refers to
// those before it.
var takingOver = &conntest.Options{Compression: websocket.CompressionContextTakeover, Threshold: 100}

// mustTalk writes a message, and wants it to arrive.
func mustTalk(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, s string) {
	t.Helper()
	conntest.MustWriteText(t, c, s)
	p.WantMessage(rawpeer.OpText, []byte(s))
}

// A prepared message that takes another along is before it, for those that follow
// both, too.
func TestPreparedTakesPreparedAlong(t *testing.T) {
	first, second := conntest.Filler(700), strings.ToUpper(conntest.Filler(1400)[700:])
	conntest.ForBothRoles(t, takingOver, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		mustTalk(t, c, p, conntest.Filler(500)) // so that there is a compressor
		release, calls := queue(t, c, p, "zero")
		for _, s := range []string{first, second} {
			calls = append(calls, goWritePrepared(t, c, mustPrepare(t, websocket.MessageText, s)))
			synctest.Wait()
		}
		release()
		for i, s := range []string{"zero", first, second} {
			p.WantMessage(rawpeer.OpText, []byte(s))
			calls[i].Want()
		}
		mustTalk(t, c, p, first)
		mustTalk(t, c, p, second)
	})
}

// A prepared message that another took along, and whose context ends when nothing
// of it is out, has not been sent: what follows does not refer to it.
func TestPreparedTakenBack(t *testing.T) {
	text := conntest.Filler(700)
	conntest.ForBothRoles(t, takingOver, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		mustTalk(t, c, p, conntest.Filler(500)) // so that there is a compressor
		release, calls := queue(t, c, p, "zero")
		one, cancelOne := context.WithCancel(t.Context())
		writeOne := rawpeer.GoErr(t, func() error { return c.Write(one, websocket.MessageText, []byte("one")) })
		synctest.Wait()
		two, cancelTwo := context.WithCancel(t.Context())
		prepared := mustPrepare(t, websocket.MessageText, text)
		writeTwo := rawpeer.GoErr(t, func() error { return c.WritePrepared(two, prepared) })
		synctest.Wait()

		header := 2
		if !conntest.PeerIsClient(p) {
			header = 6 // with a masking key
		}
		conntest.UnderTest(p).SetCapacity(header + len("zero") + header + len("one"))
		release()
		calls[0].Want()
		synctest.Wait()
		cancelOne() // it is out, and its sender leaves the rest to the other
		writeOne.Want()
		synctest.Wait()
		cancelTwo()
		wantCanceled(t, writeTwo.Err())

		p.WantText("zero")
		p.WantText("one")
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		mustTalk(t, c, p, text)
	})
}
