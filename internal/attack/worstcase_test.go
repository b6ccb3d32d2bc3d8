//go:build !js && !race

package attack

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// The most heap that a connection holds under the worst behaviour of its peer, without
// the stacks of calling goroutines and the kernel's buffers. docs/security.md states
// the figure, for a read limit of 32 KiB. (The race detector uses additional memory.)
func TestWorstCaseMemory(t *testing.T) {
	const (
		kib         = 1 << 10
		connections = 24
		// pooled is each connection's share of the idle compressors, whose number does
		// not depend on that of the connections.
		pooled = 1_200_000 / connections
	)
	takeover := &conntest.Options{Compression: websocket.CompressionContextTakeover, Threshold: 1}
	noise := incompressible(64 * kib)
	const (
		posts     = 2_000    // of one byte each
		largeSize = 16 << 20 // more than the sockets take
	)
	large, err := websocket.NewPreparedMessage(websocket.MessageBinary, make([]byte, largeSize))
	conntest.WantNoError(t, err)
	short, err := websocket.NewPreparedMessage(websocket.MessageBinary, []byte{0})
	conntest.WantNoError(t, err)
	for _, test := range []struct {
		name string
		opts *conntest.Options
		most int
		// hold puts c into the state to measure. It returns a function that waits for
		// the call under way, after the connection is closed.
		hold func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (wait func())
	}{
		{"idle", &conntest.Options{}, 4_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			return awaited(conntest.GoRead(t, c))
		}},
		{"inside a header", &conntest.Options{}, 8_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Binary(nil)), rawpeer.Length16, 1000)[:3])
			return awaited(conntest.GoRead(t, c))
		}},
		{"inside a message, after long ones", &conntest.Options{}, 80_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			long := p.Masked(rawpeer.Binary(noise[:32*kib]))
			p.Send(long, long, long)
			for range 3 {
				if _, _, err := c.Read(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			b := rawpeer.AppendFrame(nil, long)
			p.SendRaw(b[:20*kib])
			_, r, err := c.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return awaited(rawpeer.Go(t, func() (int64, error) { return io.Copy(io.Discard, r) }))
		}},
		{"inside Read of a long message", &conntest.Options{}, 80_000 + 2*31*kib, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			p.Send(p.Masked(rawpeer.Binary(noise[:31*kib]).More()))
			return awaited(conntest.GoRead(t, c))
		}},
		{"inside AppendRead of a long message", &conntest.Options{}, 80_000 + 3*31*kib, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			p.Send(p.Masked(rawpeer.Binary(noise[:31*kib]).More()))
			return awaited(rawpeer.Go(t, func() ([]byte, error) {
				_, b, err := c.AppendRead(t.Context(), nil)
				return b, err
			}))
		}},
		{"inside a compressed message", takeover, 192_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			d := rawpeer.NewDeflater(rawpeer.ContextTakeover)
			for range 3 {
				p.Send(p.Masked(rawpeer.Frame{Fin: true, RSV: rawpeer.RSV1, Opcode: rawpeer.OpBinary, Payload: d.Message(noise[:32*kib])}))
				if _, _, err := c.Read(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			z := d.Message(noise[:30*kib])
			p.Send(p.Masked(rawpeer.Frame{RSV: rawpeer.RSV1, Opcode: rawpeer.OpBinary, Payload: z[:len(z)-100]}))
			return awaited(conntest.GoRead(t, c))
		}},
		{"closing, inside a long message", &conntest.Options{}, 80_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
			p.WantClose(1000)
			b := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Binary(make([]byte, 300*kib))))
			p.SendRaw(b[:len(b)-1])
			return awaited(closing)
		}},
		{"writing to a peer that does not read", &conntest.Options{}, 24_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			return awaited(stuckWriting(t, c, noise))
		}},
		{"writing through a NetConn to a peer that does not read", &conntest.Options{}, 70_000, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
			return awaited(rawpeer.GoErr(t, func() error { return writeUntilError(nc, noise) }))
		}},
		{"writing compressed to a peer that does not read", takeover, 90_000 + 4*64*kib + pooled, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			return awaited(stuckWriting(t, c, noise))
		}},
		{"posting to a peer that does not read", &conntest.Options{MaxBacklog: largeSize + posts}, 75_000 + 112*posts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) func() {
			conntest.WantNoError(t, c.Post(large))
			for range posts {
				conntest.WantNoError(t, c.Post(short))
			}
			conntest.WantError(t, c.Post(short), websocket.ErrBacklog)
			return func() {}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := settledHeap()
			for range connections {
				c, p := conntest.Accepted(t, rawpeer.ListenLoopback(t), test.opts)
				wait := test.hold(t, c, p)
				t.Cleanup(func() {
					c.CloseNow()
					wait()
				})
			}
			most := int64(test.most + httpServer)
			got := (settledHeap() - before) / connections
			t.Logf("%d bytes, of which up to %d are not the connection's", got, httpServer)
			if got > most {
				t.Errorf("a connection holds more than %d bytes", most)
			}
		})
	}
}

// The most heap that a connection with context takeover holds while it waits for a
// message, with a full window of the peer's messages. docs/compression.md states the
// figure.
func TestTakeoverMemory(t *testing.T) {
	const kib, connections = 1 << 10, 24
	noise := incompressible(96 * kib)
	for _, test := range []struct{ bits, most int }{{0, 46_000}, {12, 26_000}} {
		t.Run(fmt.Sprint(test.bits), func(t *testing.T) {
			open := func() {
				c, p := rawpeer.Accepted(t, rawpeer.ListenLoopback(t), func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
					return websocket.Accept(w, r, &websocket.AcceptOptions{
						CompressionMode:       websocket.CompressionContextTakeover,
						CompressionWindowBits: test.bits,
					})
				}, &rawpeer.ClientOptions{Header: conntest.ExtensionLines([]string{pmd + "; client_max_window_bits"})})
				d := rawpeer.NewDeflater(rawpeer.ContextTakeover) // noise has no matches
				for i := range 3 {
					z := d.Message(noise[i*32*kib : (i+1)*32*kib])
					p.Send(p.Masked(rawpeer.Frame{Fin: true, RSV: rawpeer.RSV1, Opcode: rawpeer.OpBinary, Payload: z}))
					if _, _, err := c.Read(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				write := rawpeer.GoErr(t, func() error {
					return c.Write(t.Context(), websocket.MessageText, []byte(conntest.Filler(32*kib)))
				})
				p.WantFrame()
				write.Want()
				wait := awaited(conntest.GoRead(t, c))
				t.Cleanup(func() {
					c.CloseNow()
					wait()
				})
			}
			for range connections { // the pools are shared
				open()
			}
			before := settledHeap()
			for range connections {
				open()
			}
			got := (settledHeap() - before) / connections
			t.Logf("%d bytes, of which up to %d are not the connection's", got, httpServer)
			if got > int64(test.most+httpServer) {
				t.Errorf("a connection holds more than %d bytes", test.most)
			}
		})
	}
}

// httpServer is the heap of the listener, the HTTP server and the client, which each
// connection here has its own of.
const httpServer = 8 << 10

// settledHeap waits until two measurements of the heap are about equal: the calls
// started before are blocked then.
func settledHeap() int64 {
	const near, tries = 64 << 10, 10
	last := heap()
	for range tries {
		now := heap()
		if diff := now - last; -near < diff && diff < near {
			return now
		}
		last = now
	}
	return last
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// awaited returns a function that waits for a call that ends with its connection.
func awaited[T any](call *rawpeer.Call[T]) func() { return func() { call.Err() } }

// stuckWriting writes until the peer's buffers are full.
func stuckWriting(t *testing.T, c *websocket.Conn, p []byte) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error {
		for {
			if err := c.Write(t.Context(), websocket.MessageBinary, p); err != nil {
				return err
			}
		}
	})
}

func writeUntilError(w io.Writer, p []byte) error {
	for {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
}

func incompressible(n int) []byte {
	var b bytes.Buffer
	for x := uint64(1); b.Len() < n; x = x*6364136223846793005 + 1442695040888963407 {
		b.WriteByte(byte(x >> 56))
	}
	return b.Bytes()
}
