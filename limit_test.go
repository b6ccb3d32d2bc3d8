//go:build !js

package websocket_test

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// forLimits runs test for all ways in which a message may come and be read: send
// sends one of n bytes.
func forLimits(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(n int), read func() (conntest.Message, error))) {
	t.Helper()
	noise := make([]byte, 2*conntest.DefaultLimit)
	rand.NewChaCha8([32]byte{}).Read(noise)
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		opts.Pipe = &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}
		for _, size := range []int{math.MaxInt, 1000} {
			conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				encode := opts.Encoder()
				send := func(n int) { p.Send(conntest.Fragmented(encode(rawpeer.Binary(noise[:n])), size)...) }
				test(t, c, p, send, read)
			})
		}
	})
}

// wantTooBig wants the message that was sent to be refused.
func wantTooBig(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
	t.Helper()
	call := rawpeer.Go(t, read)
	p.WantClose(1009)
	p.WantEOF()
	p.Close()
	first := call.Err()
	_, second := read()
	for _, err := range []error{first, second} {
		conntest.WantError(t, err, websocket.ErrMessageTooBig)
		conntest.WantClosed(t, err, -1)
	}
	conntest.WantEnded(t, c, -1)
}

func wantSize(t *testing.T, n int, read func() (conntest.Message, error)) {
	t.Helper()
	if got, err := read(); len(got.Payload) != n || err != nil {
		t.Fatalf("got %d bytes, %v, want %d", len(got.Payload), err, n)
	}
}

func TestReadLimitByDefault(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		for range 3 { // it is not used up
			send(conntest.DefaultLimit)
			wantSize(t, conntest.DefaultLimit, read)
		}
		send(conntest.DefaultLimit + 1)
		wantTooBig(t, c, p, read)
	})
}

func TestSetReadLimit(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		for _, n := range []int{1, 999, 1000, 1001, conntest.DefaultLimit + 1} {
			c.SetReadLimit(int64(n))
			send(n)
			wantSize(t, n, read)
		}
		c.SetReadLimit(5000)
		send(5001)
		wantTooBig(t, c, p, read)
	})
}

func TestSetReadLimitOfZero(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		c.SetReadLimit(0)
		send(0)
		wantSize(t, 0, read)
		send(1)
		wantTooBig(t, c, p, read)
	})
}

func TestSetReadLimitLifts(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		limits := []int64{-1, -7, math.MinInt64, math.MaxInt64}
		if testing.Short() {
			limits = limits[:1]
		}
		for _, n := range limits {
			c.SetReadLimit(n)
			send(2 * conntest.DefaultLimit)
			wantSize(t, 2*conntest.DefaultLimit, read)
		}
	})
}

// A limit counts from the next message on, also for a Read that waits for it.
func TestSetReadLimitInsideMessage(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("he").More())
		r := conntest.WantReader(t, c)
		c.SetReadLimit(1)
		p.Send(rawpeer.Continuation("llo"))
		conntest.WantRest(t, r, "hello")

		read := conntest.GoRead(t, c)
		synctest.Wait()
		p.SendText("hello")
		p.WantClose(1009)
		p.Close()
		conntest.WantError(t, read.Err(), websocket.ErrMessageTooBig)
	})
}

// A message is refused when its header tells that it is too long, and not when
// its bytes have come.
func TestReadLimitOfDeclaredLength(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Text("")), rawpeer.Shortest, conntest.DefaultLimit+1))
		wantTooBig(t, c, p, func() (conntest.Message, error) {
			_, _, err := c.Reader(t.Context())
			return conntest.Message{}, err
		})
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("hello").More())
		p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Continuation("")), rawpeer.Shortest, conntest.DefaultLimit-4))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "hello")
		wantTooBig(t, c, p, func() (conntest.Message, error) {
			_, err := r.Read(make([]byte, 1))
			return conntest.Message{}, err
		})
	})
}

// A compressed message counts as what it inflates to, and is inflated no
// further than that.
func TestReadLimitOfBomb(t *testing.T) {
	bomb := rawpeer.Deflated(rawpeer.Text(strings.Repeat("x", 8<<20)))
	if len(bomb.Payload) > conntest.DefaultLimit {
		t.Fatalf("the bomb has %d bytes", len(bomb.Payload))
	}
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		if opts.Compression == websocket.CompressionDisabled {
			return
		}
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			p.Send(bomb)
			wantTooBig(t, c, p, read)
		})
		// What is within the limit can be read before the rest is refused.
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Send(bomb)
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, strings.Repeat("x", conntest.DefaultLimit))
			wantTooBig(t, c, p, func() (conntest.Message, error) {
				_, err := io.Copy(io.Discard, r)
				return conntest.Message{}, err
			})
		})
	})
}

// A payload that is longer than what it inflates to is within the limit.
func TestReadLimitCountsInflatedBytes(t *testing.T) {
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover}
	conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
		c.SetReadLimit(5)
		// Empty stored blocks, and then the message.
		payload := strings.Repeat("\x00\x00\x00\xff\xff", 1000) + "\x00\x05\x00\xfa\xffhello\x00"
		p.Send(rawpeer.Text(payload).WithRSV(rawpeer.RSV1))
		if got, err := read(); got.Payload != "hello" || err != nil {
			t.Fatalf("got %v, %v, want hello", got, err)
		}
	})
}

// What is allocated for a message is in proportion to what has come of it, not
// to what its header declares.
func TestReadAllocatesForWhatArrives(t *testing.T) {
	const sent, most = 100_000, 2 << 20
	for _, declared := range []uint64{1 << 30, 1 << 40, 1 << 62, math.MaxInt64} {
		for _, compression := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
			opts := &conntest.Options{Compression: compression, Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				c.SetReadLimit(-1)
				f := rawpeer.Binary(make([]byte, sent))
				if compression != websocket.CompressionDisabled {
					f = opts.Encoder()(rawpeer.Binary(make([]byte, sent)))
				}
				wire := rawpeer.AppendFrameAs(nil, p.Masked(f), rawpeer.Shortest, declared)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				call := rawpeer.Go(t, read)
				p.SendRaw(wire)
				synctest.Wait()
				runtime.ReadMemStats(&after)
				if n := after.TotalAlloc - before.TotalAlloc; n > most {
					t.Errorf("allocated %d bytes for %d of %d", n, sent, declared)
				}
				p.Close()
				err := call.Err()
				conntest.WantClosed(t, err, -1)
				if errors.Is(err, websocket.ErrMessageTooBig) {
					t.Errorf("got %v, want the end of the stream", err)
				}
			})
		}
	}
}
