//go:build !js

package attack

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// held returns by how many bytes f makes the heap grow.
func held(f func()) int64 {
	size := func() int64 {
		var m runtime.MemStats
		for range 3 { // empties the pools
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := size()
	f()
	return size() - before
}

// floodBlocks returns the number of blocks of 1,000 frames in a flood.
func floodBlocks() int {
	if poolcheck.On { // with the race detector
		return 40
	}
	return 200
}

// A peer sends pings and does not read the pongs. A bounded number is queued. Once the
// peer reads, it gets the pong for its last ping.
func TestAttackPingFlood(t *testing.T) {
	const most = 1 << 20
	blocks := floodBlocks()
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		block := wire(p, 1000, rawpeer.Ping(conntest.LongestPayload))
		if n := held(func() {
			for range blocks {
				if _, err := p.Conn.Write(block); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}); n > most {
			t.Errorf("%d bytes are held for %d pings", n, 1000*blocks)
		}
		p.SendPing("last")
		synctest.Wait()
		for pongs := 1; ; pongs++ {
			f := p.WantFrame()
			if f.Opcode != rawpeer.OpPong {
				t.Fatalf("got %v, want a pong", f)
			}
			if string(f.Payload) == "last" {
				break
			}
			if pongs > 2*rawpeer.DefaultCapacity/len(conntest.LongestPayload) {
				t.Fatalf("got %d pongs that had waited", pongs)
			}
		}
		p.SendText("done")
		read.Want()
	})
}

// Unsolicited pongs are ignored and take no memory.
func TestAttackPongFlood(t *testing.T) {
	const most = 1 << 20
	blocks := floodBlocks()
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		payload := p.WantPing()
		block := wire(p, 1000, rawpeer.Pong("unasked"), rawpeer.Pong(""))
		if n := held(func() {
			for range blocks {
				if _, err := p.Conn.Write(block); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}); n > most {
			t.Errorf("%d bytes are held for %d pongs", n, 2000*blocks)
		}
		if ping.Returned() {
			t.Error("Ping accepted a pong for another ping")
		}
		p.Send(rawpeer.Pong(payload), rawpeer.Text("done"))
		ping.Want()
		read.Want()
	})
}

// writes are the ways to write to a peer that does not read.
var writes = []struct {
	name  string
	write func(ctx context.Context, c *websocket.Conn, p []byte) error
}{
	{"Write", func(ctx context.Context, c *websocket.Conn, p []byte) error {
		return c.Write(ctx, websocket.MessageBinary, p)
	}},
	{"Writer", func(ctx context.Context, c *websocket.Conn, p []byte) error {
		w, err := c.Writer(ctx, websocket.MessageBinary)
		if err == nil {
			_, err = w.Write(p)
		}
		if err == nil {
			err = w.Close()
		}
		return err
	}},
	{"WritePrepared", func(ctx context.Context, c *websocket.Conn, p []byte) error {
		m, err := websocket.NewPreparedMessage(websocket.MessageBinary, p)
		if err != nil {
			return err
		}
		return c.WritePrepared(ctx, m)
	}},
	{"Ping", func(ctx context.Context, c *websocket.Conn, p []byte) error { return c.Ping(ctx) }},
}

// A peer that never reads blocks writers until their contexts end. Their messages are
// not copied meanwhile, whether there is one writer or many.
func TestAttackPeerNeverReads(t *testing.T) {
	const (
		writers  = 50
		patience = rawpeer.DefaultTimeout / 2
		most     = 2 << 20
	)
	for _, size := range []int{10, 5000, 200_000} {
		for _, way := range writes {
			t.Run(way.name, func(t *testing.T) {
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					payload := make([]byte, size)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					start := time.Now()
					fills := rawpeer.GoErr(t, func() error {
						for {
							if err := c.Write(ctx, websocket.MessageBinary, payload); err != nil {
								return err
							}
						}
					})
					synctest.Wait()
					var calls []*rawpeer.Call[struct{}]
					n := held(func() {
						for range writers {
							calls = append(calls, rawpeer.GoErr(t, func() error { return way.write(ctx, c, payload) }))
						}
						synctest.Wait()
					})
					if way.name != "WritePrepared" && n > most { // WritePrepared's memory is the caller's copy
						t.Errorf("%d bytes are held for %d writers", n, writers)
					}
					for _, call := range append(calls, fills) {
						conntest.WantError(t, call.Err(), context.DeadlineExceeded)
					}
					if d := time.Since(start); d != patience {
						t.Errorf("took %v, want %v", d, patience)
					}
					c.CloseNow() // still open if the bytes sent end at a frame boundary
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}

// Such a peer does not block Close either, and a NetConn's Write ends at its deadline.
func TestAttackPeerNeverReadsClose(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
		start := time.Now()
		nc.SetWriteDeadline(start.Add(time.Second))
		stuck := []byte(strings.Repeat("x", 2*rawpeer.DefaultCapacity))
		write := rawpeer.GoErr(t, func() error { _, err := nc.Write(stuck); return err })
		conntest.WantTimeout(t, write.Err())
		if d := time.Since(start); d != time.Second {
			t.Errorf("Write took %v, want 1s", d)
		}
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		if closing.Err() == nil {
			t.Error("got no error of a Close that the peer did not answer")
		}
		if d := time.Since(start); d != 6*time.Second {
			t.Errorf("Close took %v, want 5s", d-time.Second)
		}
	})
}

// Messages queued for a peer that does not read are copied at most once, into the batch
// that is blocked.
func TestAttackWaitingWritersAreCopiedOnce(t *testing.T) {
	for _, test := range []struct{ writers, size int }{{24, 4000}, {6, 15_000}, {300, 4000}} {
		for name, way := range map[string]func(ctx context.Context, c *websocket.Conn) func(p []byte) error{
			"Write": func(ctx context.Context, c *websocket.Conn) func(p []byte) error {
				return func(p []byte) error { return c.Write(ctx, websocket.MessageBinary, p) }
			},
			"NetConn": func(ctx context.Context, c *websocket.Conn) func(p []byte) error {
				nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
				return func(p []byte) error { _, err := nc.Write(p); return err }
			},
		} {
			t.Run(fmt.Sprintf("%s/%d of %d bytes", name, test.writers, test.size), func(t *testing.T) {
				wantCopiedOnce(t, test.writers, test.size, way)
			})
		}
	}
}

// wantCopiedOnce blocks a write with other writers waiting, and expects the memory to be
// within the figure in docs/security.md.
func wantCopiedOnce(t *testing.T, writers, size int, way func(ctx context.Context, c *websocket.Conn) func(p []byte) error) {
	const perCall = 1300 // including the goroutine and the test's memory for a call
	most := 24_000 + int64(min(writers*size, 64<<10)+writers*perCall)
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		payload := make([]byte, size)
		conntest.UnderTest(p).SetCapacity(size / 2)
		send := way(t.Context(), c)
		write := func() *rawpeer.Call[struct{}] {
			return rawpeer.GoErr(t, func() error { return send(payload) })
		}
		var first *rawpeer.Call[struct{}]
		var calls []*rawpeer.Call[struct{}]
		n := held(func() {
			first = write()
			synctest.Wait()
			for range writers {
				calls = append(calls, write())
				synctest.Wait()
			}
		})
		if n > most {
			t.Errorf("%d bytes are held for %d writers behind one, want %d at most", n, writers, most)
		}
		n += held(func() {
			p.WantBinary(payload)
			first.Want()
			synctest.Wait() // the next batch is blocked
		})
		if n > most {
			t.Errorf("%d bytes are held for a batch of %d writers, want %d at most", n, writers, most)
		}
		for range writers {
			p.WantBinary(payload)
		}
		for _, call := range calls {
			call.Want()
		}
	})
}
