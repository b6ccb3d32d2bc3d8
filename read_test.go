//go:build !js

package websocket_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestReadMessages(t *testing.T) {
	hello := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText("hello")
		conntest.WantText(t, c, "hello")
		p.SendBinary([]byte("\x00\xff"))
		conntest.WantMessage(t, c, websocket.MessageBinary, "\x00\xff")
	}
	conntest.ForBothRoles(t, nil, hello)
	conntest.OverTCP(t, nil, hello)
}

// A message may be cut into frames, and frames into pieces, at every byte.
func TestReadCuts(t *testing.T) {
	const text = "grün, 水, 🎉"
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			encode := opts.Encoder()
			want := func(want conntest.Message, frames []rawpeer.Frame) {
				t.Helper()
				p.Send(frames...)
				if got, err := read(); got != want || err != nil {
					t.Fatalf("got %v, %v, want %v", got, err, want)
				}
			}
			asText := conntest.Message{Type: websocket.MessageText, Payload: text}
			for size := 1; size <= len(text)+1; size++ {
				want(asText, conntest.Fragmented(encode(rawpeer.Text(text)), size))

				frames := conntest.Fragmented(encode(rawpeer.Binary([]byte(text))), size)
				want(conntest.Message{Type: websocket.MessageBinary, Payload: text}, conntest.Between(frames, rawpeer.Ping("between")))

				frames = conntest.Fragmented(encode(rawpeer.Text(text)), size)
				want(asText, conntest.Between(frames, rawpeer.Continuation("").More()))

				frames = conntest.Fragmented(encode(rawpeer.Text(text)), 9)
				call := rawpeer.Go(t, read)
				for _, piece := range conntest.Pieces(p, size, conntest.Between(frames, rawpeer.Pong("ignored"))) {
					synctest.Wait() // until the last piece was read alone
					p.SendRaw(piece)
				}
				if got := call.Want(); got != asText {
					t.Fatalf("pieces of %d bytes: got %v, want %v", size, got, asText)
				}
			}
		})
	})
}

// Frames that arrive together are read one after the other.
func TestReadCoalesced(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			encode := opts.Encoder()
			var frames []rawpeer.Frame
			for i := range 300 {
				f := encode(rawpeer.Text(strings.Repeat("x", i)))
				frames = append(frames, conntest.Fragmented(f, 100)...)
			}
			p.Send(frames...)
			for i := range 300 {
				want := conntest.Message{Type: websocket.MessageText, Payload: strings.Repeat("x", i)}
				if got, err := read(); got != want || err != nil {
					t.Fatalf("%d: got %v, %v, want %v", i, got, err, want)
				}
			}
		})
	})
}

func TestReadBehindHandshake(t *testing.T) {
	opts := &conntest.Options{Frames: []rawpeer.Frame{
		rawpeer.Text("first"), rawpeer.Ping("early"), rawpeer.Text("sec").More(),
	}}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.WantText(t, c, "first")
		p.Send(rawpeer.Continuation("ond"))
		conntest.WantText(t, c, "second")
		p.WantPong("early")
	})
}

// Every form of a length, and the sizes at which buffers end.
func TestReadLengths(t *testing.T) {
	long := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(long)
	opts := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
	conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
		c.SetReadLimit(-1)
		for _, n := range []int{0, 1, 125, 126, 127, 4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, 65537, len(long)} {
			p.SendBinary(long[:n])
			got, err := read()
			if err != nil || got.Type != websocket.MessageBinary || got.Payload != string(long[:n]) {
				t.Fatalf("%d bytes: got %d, %v", n, len(got.Payload), err)
			}
		}
	})
}

func TestReadEmptyMessages(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			encode := opts.Encoder()
			for _, frames := range [][]rawpeer.Frame{
				{encode(rawpeer.Text(""))},
				{rawpeer.Text("")},
				{rawpeer.Text("").More(), rawpeer.Continuation("")},
				{rawpeer.Text("").More(), rawpeer.Continuation("").More(), rawpeer.Ping(""), rawpeer.Continuation("")},
				conntest.Fragmented(encode(rawpeer.Text("")), 1),
			} {
				p.Send(frames...)
				if got, err := read(); got != (conntest.Message{Type: websocket.MessageText, Payload: ""}) || err != nil {
					t.Fatalf("%v: got %v, %v, want an empty text", frames, got, err)
				}
			}
		})
	})
}

// Messages are shared out among those who read at once, each one whole.
func TestReadConcurrently(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			const readers, messages, size = 4, 200, 500
			var mu sync.Mutex
			got := map[string]int{}
			var calls []*rawpeer.Call[struct{}]
			for range readers {
				calls = append(calls, rawpeer.GoErr(t, func() error {
					for range messages / readers {
						_, b, err := c.Read(t.Context())
						if err != nil {
							return err
						}
						mu.Lock()
						got[string(b)]++
						mu.Unlock()
					}
					return nil
				}))
			}
			encode := opts.Encoder()
			payload := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, size) }
			for i := range messages {
				p.SendPieces(77, conntest.Fragmented(encode(rawpeer.Binary(payload(i))), 300)...)
			}
			for _, call := range calls {
				call.Want()
			}
			for i := range messages {
				if n := got[string(payload(i))]; n != 1 {
					t.Errorf("message %d was read %d times, want once", i, n)
				}
			}
		})
	})
}

// A stream that ends without a close frame tells how it ended, in each call
// from then on.
func TestReadEndOfStream(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(p *rawpeer.Peer)
		end  func(p *rawpeer.Peer)
		want error
	}{
		{"at once", nil, (*rawpeer.Peer).Close, io.EOF},
		{"half-closed", nil, (*rawpeer.Peer).CloseWrite, io.EOF},
		{"behind a pong", func(p *rawpeer.Peer) { p.SendPong("") }, (*rawpeer.Peer).Close, io.EOF},
		{"in a header", func(p *rawpeer.Peer) { p.SendRaw([]byte{0x81}) }, (*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"in a payload", func(p *rawpeer.Peer) {
			p.SendRaw(conntest.Pieces(p, 8, []rawpeer.Frame{rawpeer.Text("a longer one")})[0])
		},
			(*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"in a ping", func(p *rawpeer.Peer) {
			p.SendRaw(conntest.Pieces(p, 8, []rawpeer.Frame{rawpeer.Ping("a longer one")})[0])
		},
			(*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"between fragments", func(p *rawpeer.Peer) { p.Send(rawpeer.Text("part").More()) }, (*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"reset", nil, (*rawpeer.Peer).Reset, rawpeer.ErrReset},
		{"reset in a message", func(p *rawpeer.Peer) { p.Send(rawpeer.Text("part").More()) }, (*rawpeer.Peer).Reset, rawpeer.ErrReset},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				if test.send != nil {
					test.send(p)
				}
				synctest.Wait()
				test.end(p)
				err := call.Err()
				conntest.WantError(t, err, test.want)
				conntest.WantClosed(t, err, -1)
				if err := c.Ping(t.Context()); err != nil {
					conntest.WantError(t, err, test.want)
				}
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// What was sent before the end is read before it.
func TestReadBeforeEndOfStream(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		for i := range 10 {
			p.SendText(fmt.Sprint(i))
		}
		p.Close()
		for i := range 10 {
			conntest.WantText(t, c, fmt.Sprint(i))
		}
		_, _, err := c.Read(t.Context())
		conntest.WantError(t, err, io.EOF)
	})
}
