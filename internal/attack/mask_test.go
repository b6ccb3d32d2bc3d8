//go:build !js

package attack

import (
	"context"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// maskedWays are the ways in which a client sends frames. send sends at least n of
// them.
var maskedWays = []struct {
	name        string
	compression websocket.CompressionMode
	send        func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int)
}{
	{name: "Write", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) { writeMany(t, c, n, 16) }},
	{name: "empty Write", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) { writeMany(t, c, n, 0) }},
	{name: "long Write", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) { writeMany(t, c, n, 5000) }},
	{
		name: "compressed Write", compression: websocket.CompressionContextTakeover,
		send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) { writeMany(t, c, n, 500) },
	},
	{name: "concurrent Writes", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() { writeMany(t, c, n/8, 16) })
		}
		writers.Wait()
	}},
	{name: "Writer", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, strings.Repeat("x", n*16<<10))
		conntest.MustEnd(t, w)
	}},
	{name: "prepared", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		writePreparedMany(t, c, n, 16)
	}},
	{name: "long prepared", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		writePreparedMany(t, c, n, 5000)
	}},
	{name: "Ping", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		for range n {
			ctx, cancel := context.WithCancel(t.Context())
			ping := rawpeer.GoErr(t, func() error { return c.Ping(ctx) })
			synctest.Wait()
			cancel()
			conntest.WantInterrupted(t, ping.Err(), context.Canceled)
		}
	}},
	{name: "pong", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		for range n {
			p.Send(rawpeer.Ping("x"), rawpeer.Text(""))
			conntest.WantText(t, c, "")
			synctest.Wait()
		}
	}},
	{name: "NetConn", send: func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) {
		nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
		for range n {
			conntest.MustAdd(t, nc, "hello")
		}
	}},
}

func writeMany(t *testing.T, c *websocket.Conn, n, size int) {
	for range n {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", size))); err != nil {
			t.Error(err)
		}
	}
}

func writePreparedMany(t *testing.T, c *websocket.Conn, n, size int) {
	t.Helper()
	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte(strings.Repeat("x", size)))
	conntest.WantNoError(t, err)
	for range n {
		conntest.WantNoError(t, c.WritePrepared(t.Context(), m))
	}
}

// keysOf returns the masking keys of the frames that send makes a new client connection
// send, including the close frame.
func keysOf(t *testing.T, compression websocket.CompressionMode, send func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) (keys [][4]byte) {
	t.Helper()
	t.Run("connection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			opts := &conntest.Options{Compression: compression, Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			c, p := conntest.Dialed(t, rawpeer.Listen(opts.Pipe), opts)
			defer c.CloseNow()
			send(t, c, p)
			closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
			p.SendClose(1000, "")
			closing.Err()
			for {
				f := p.WantFrame()
				keys = append(keys, f.Key)
				if f.Opcode == rawpeer.OpClose {
					return
				}
			}
		})
	})
	return keys
}

// wantUnpredictable expects keys to look random.
//
// Among n keys of 32 bits the probability of an equal pair is n²/2³³, so two such pairs
// among a few thousand keys are practically impossible. Each of the four bytes has 255
// degrees of freedom; a sum of 400 has a probability of 10⁻⁸.
func wantUnpredictable(t *testing.T, keys [][4]byte) {
	t.Helper()
	seen := make(map[[4]byte]bool)
	steps := make(map[uint32]bool)
	var counts [4][256]int
	repeated, regular := 0, 0
	last := uint32(0)
	for _, key := range keys {
		if seen[key] {
			repeated++
		}
		seen[key] = true
		now := binary.BigEndian.Uint32(key[:])
		if steps[now-last] {
			regular++
		}
		steps[now-last] = true
		last = now
		for i, b := range key {
			counts[i][b]++
		}
	}
	if repeated > 1 || regular > 1 {
		t.Errorf("of %d keys %d are repeated, and %d are as far from the last as another", len(keys), repeated, regular)
	}
	mean := float64(len(keys)) / 256
	if mean < 5 {
		return // too few for the statistic
	}
	for i := range counts {
		sum := 0.0
		for _, n := range counts[i] {
			sum += (float64(n) - mean) * (float64(n) - mean) / mean
		}
		if sum > 400 {
			t.Errorf("byte %d of %d keys is not uniform: the sum of squares is %.0f", i, len(keys), sum)
		}
	}
}

// A predictable masking key lets the author of a message choose the bytes that a proxy
// sees (GO-2026-6278): each frame has a new key, sent by any method.
func TestAttackMaskingKeys(t *testing.T) {
	const frames = 320
	var all [][4]byte
	for _, way := range maskedWays {
		t.Run(way.name, func(t *testing.T) {
			keys := keysOf(t, way.compression, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { way.send(t, c, p, frames) })
			if len(keys) < frames {
				t.Errorf("got %d frames, want %d", len(keys), frames)
			}
			wantUnpredictable(t, keys)
			all = append(all, keys...)
		})
	}
	wantUnpredictable(t, all)
}

// Two connections do not use the same sequence of keys either.
func TestAttackMaskingKeysOfManyConnections(t *testing.T) {
	const conns = 100
	var first, last [][4]byte
	for range conns {
		keys := keysOf(t, websocket.CompressionDisabled, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { writeMany(t, c, 1, 5) })
		first = append(first, keys[0])
		last = append(last, keys[len(keys)-1])
	}
	wantUnpredictable(t, first)
	wantUnpredictable(t, append(last, first...))
}
