//go:build !js

package attack

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// secret fills memory that other connections have used. It has 16 bytes.
const secret = "another's secret"

// wantNoResidue expects no part of the secret in b.
func wantNoResidue(t *testing.T, what string, b []byte) {
	t.Helper()
	for i := range len(secret) - 3 {
		if bytes.Contains(b, []byte(secret[i:i+4])) {
			t.Fatalf("%s has bytes of other messages: %.100q", what, b)
		}
	}
}

// sendsAll sends each kind of frame, and expects the peer to receive exactly these bytes.
func sendsAll(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
	t.Helper()
	for _, n := range []int{0, 1, 5, 200, 5000, 20_000} {
		payload := conntest.Filler(n)
		conntest.MustWriteText(t, c, payload)
		p.WantMessage(rawpeer.OpText, []byte(payload))

		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, payload)
		conntest.MustAdd(t, w, "!")
		conntest.MustEnd(t, w)
		p.WantMessage(rawpeer.OpText, []byte(payload+"!"))

		m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte(payload))
		conntest.WantNoError(t, err)
		conntest.WantNoError(t, c.WritePrepared(t.Context(), m))
		p.WantMessage(rawpeer.OpText, []byte(payload))
	}
	read := conntest.GoRead(t, c)
	for _, payload := range []string{"", "x", conntest.LongestPayload} {
		p.SendPing(payload)
		p.WantPong(payload)
	}
	ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
	payload := p.WantPing()
	p.SendPong(payload)
	ping.Want()
	p.SendText("done")
	read.Want()
}

// Frames sent from pooled memory contain nothing of its previous contents. A close
// frame with a short reason is the classic leak (CVE-2026-45736).
func TestAttackPoolResidueOnWire(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		for _, end := range []struct {
			name   string
			code   websocket.StatusCode
			reason string
		}{
			{"no code", websocket.StatusNoStatusRcvd, ""},
			{"no reason", websocket.StatusGoingAway, ""},
			{"short reason", websocket.StatusGoingAway, "x"},
			{"long reason", websocket.StatusGoingAway, strings.Repeat("x", 123)},
		} {
			t.Run(end.name, func(t *testing.T) {
				conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					p.CountWrites()
					fillPools(secret)
					sendsAll(t, c, p)
					fillPools(secret)
					closing := rawpeer.GoErr(t, func() error { return c.Close(end.code, end.reason) })
					code := int(end.code)
					if end.code == websocket.StatusNoStatusRcvd {
						code = rawpeer.NoCode
					}
					p.WantCloseReason(code, end.reason)
					p.SendClose(1000, "")
					closing.Want()
					sent := bytes.Join(p.Stream().Peer().RecordedWrites(), nil)
					wantNoResidue(t, "the stream", sent)
					frames, err := rawpeer.ParseFrames(sent)
					conntest.WantNoError(t, err)
					for _, f := range frames {
						wantNoResidue(t, f.String(), f.Payload)
					}
				})
			})
		}
	})
}

// The reply to a close frame is no longer than that frame, and a close frame for a
// violation has no residue either.
func TestAttackPoolResidueInReply(t *testing.T) {
	for _, f := range []rawpeer.Frame{rawpeer.Close(rawpeer.NoCode, ""), rawpeer.Close(1000, ""), rawpeer.Close(1000, "x")} {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			fillPools(secret)
			read := conntest.GoRead(t, c)
			p.Send(f)
			p.Want(f)
			p.WantEOF()
			read.Err()
		})
	}
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		fillPools(secret)
		read := conntest.GoRead(t, c)
		p.Send(rawpeer.Frame{Fin: true, Opcode: 3})
		wantNoResidue(t, "the reason", []byte(p.WantClose(1002)))
		p.Close()
		read.Err()
	})
}

// The result of Read ends with the message, and a reader writes only the message's bytes
// into a slice.
func TestAttackPoolResidueInReads(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.Encoder()
			for _, n := range []int{0, 1, 100, 5000, 20_000} {
				for _, size := range []int{n + 1, n/3 + 1} { // in one read, and in several
					frames := conntest.Fragmented(encode(rawpeer.Text(conntest.Filler(n))), size)
					fillPools(secret)
					p.Send(frames...)
					_, b, err := c.Read(t.Context())
					conntest.WantNoError(t, err)
					wantNoResidue(t, "the result of Read", b[:cap(b)])

					frames = conntest.Fragmented(encode(rawpeer.Text(conntest.Filler(n))), size)
					fillPools(secret)
					p.Send(frames...)
					r := conntest.WantReader(t, c)
					b = make([]byte, n+1000)
					if got, err := io.ReadFull(r, b); got != n || err != io.ErrUnexpectedEOF && n > 0 {
						t.Fatalf("read %d bytes, %v, want %d", got, err, n)
					}
					wantNoResidue(t, "the slice of Read", b)
				}
			}
		})
	})
}

// The payload slice of a ping or pong callback is capped: the bytes behind it can
// neither be seen nor overwritten by append.
func TestAttackPingPayload(t *testing.T) {
	var calls int
	grow := func(_ context.Context, payload []byte) {
		calls++
		_ = append(payload, strings.Repeat("\xff", 50)...)
	}
	opts := &conntest.Options{
		OnPing: func(ctx context.Context, payload []byte) bool { grow(ctx, payload); return true },
		OnPong: grow,
	}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		calls = 0
		p.Send(rawpeer.Ping("a"), rawpeer.Text("one"), rawpeer.Pong("b"), rawpeer.Text("two"))
		conntest.WantText(t, c, "one")
		conntest.WantText(t, c, "two")
		p.WantPong("a")
		synctest.Wait()
		if calls != 2 {
			t.Errorf("got %d callbacks, want 2", calls)
		}
	})
}

// fillPools puts blocks filled with secret into the pools, as other connections would.
func fillPools(secret string) {
	const (
		enough  = 16 // enough even if the race detector drops some
		classes = 3  // those of the sizes that frames use; filling the others takes long
	)
	for class := range classes {
		var taken [enough]*bufpool.Block
		for i := range taken {
			taken[i] = bufpool.Get(bufpool.MinBlock << (2 * class))
			copy(taken[i].B, bytes.Repeat([]byte(secret), len(taken[i].B)/len(secret)))
		}
		for _, b := range taken {
			b.Free()
		}
	}
}
