//go:build !js

package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// readWays are the ways to read a whole message.
var readWays = []struct {
	name string
	read func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error)
}{
	{"Read", func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error) {
		return c.Read(ctx)
	}},
	{"Reader", readerWay(func(r io.Reader) io.Reader { return r })},
	{"Reader in small reads", readerWay(func(r io.Reader) io.Reader { return smallReads{r} })},
}

// smallReads reads a few bytes at a time, a number that nothing is aligned to.
type smallReads struct{ r io.Reader }

func (s smallReads) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 5)]) }

func readerWay(through func(io.Reader) io.Reader) func(context.Context, *websocket.Conn) (websocket.MessageType, []byte, error) {
	return func(ctx context.Context, c *websocket.Conn) (websocket.MessageType, []byte, error) {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return 0, nil, err
		}
		p, err := io.ReadAll(through(r))
		return typ, p, err
	}
}

// forReadWays runs test for both roles and each of readWays; in a short run, for
// the first of them.
func forReadWays(t *testing.T, opts *connOptions, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (message, error))) {
	t.Helper()
	ways := readWays
	if testing.Short() {
		ways = ways[:1]
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			forBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				test(t, c, p, func() (message, error) {
					typ, b, err := way.read(t.Context(), c)
					return message{typ, string(b)}, err
				})
			})
		})
	}
}

// forEachMode runs test without compression and with both kinds of it.
func forEachMode(t *testing.T, test func(t *testing.T, opts *connOptions)) {
	t.Helper()
	for name, mode := range map[string]websocket.CompressionMode{
		"plain":      websocket.CompressionDisabled,
		"takeover":   websocket.CompressionContextTakeover,
		"notakeover": websocket.CompressionNoContextTakeover,
	} {
		t.Run(name, func(t *testing.T) { test(t, &connOptions{compression: mode}) })
	}
}

// encoder returns what the peer's messages go through: it compresses them when
// that was agreed on.
func (o *connOptions) encoder() func(rawpeer.Frame) rawpeer.Frame {
	if o.compression == websocket.CompressionDisabled {
		return func(f rawpeer.Frame) rawpeer.Frame { return f }
	}
	d := rawpeer.NewDeflater(o.takeover())
	return func(f rawpeer.Frame) rawpeer.Frame {
		f.Payload = d.Message(f.Payload)
		return f.WithRSV(rawpeer.RSV1)
	}
}

// fragmented cuts a message into frames of size bytes.
func fragmented(f rawpeer.Frame, size int) []rawpeer.Frame {
	var frames []rawpeer.Frame
	for rest := f.Payload; ; f = rawpeer.Continuation("") {
		n := min(size, len(rest))
		f.Payload, rest = rest[:n], rest[n:]
		f.Fin = len(rest) == 0
		frames = append(frames, f)
		if f.Fin {
			return frames
		}
	}
}

// between puts a frame between each two.
func between(frames []rawpeer.Frame, f rawpeer.Frame) []rawpeer.Frame {
	var all []rawpeer.Frame
	for i, g := range frames {
		if i > 0 {
			all = append(all, f)
		}
		all = append(all, g)
	}
	return all
}

func TestReadMessages(t *testing.T) {
	hello := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText("hello")
		wantText(t, c, "hello")
		p.SendBinary([]byte("\x00\xff"))
		wantMessage(t, c, websocket.MessageBinary, "\x00\xff")
	}
	forBothRoles(t, nil, hello)
	overTCP(t, nil, hello)
}

// A message may be cut into frames, and frames into pieces, at every byte.
func TestReadCuts(t *testing.T) {
	const text = "grün, 水, 🎉"
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		forReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (message, error)) {
			encode := opts.encoder()
			want := func(want message, frames []rawpeer.Frame) {
				t.Helper()
				p.Send(frames...)
				if got, err := read(); got != want || err != nil {
					t.Fatalf("got %v, %v, want %v", got, err, want)
				}
			}
			asText := message{websocket.MessageText, text}
			for size := 1; size <= len(text)+1; size++ {
				want(asText, fragmented(encode(rawpeer.Text(text)), size))

				frames := fragmented(encode(rawpeer.Binary([]byte(text))), size)
				want(message{websocket.MessageBinary, text}, between(frames, rawpeer.Ping("between")))

				frames = fragmented(encode(rawpeer.Text(text)), size)
				want(asText, between(frames, rawpeer.Continuation("").More()))

				frames = fragmented(encode(rawpeer.Text(text)), 9)
				call := rawpeer.Go(t, read)
				for _, piece := range pieces(p, size, between(frames, rawpeer.Pong("ignored"))) {
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

// pieces cuts the bytes of frames into pieces of size bytes.
func pieces(p *rawpeer.Peer, size int, frames []rawpeer.Frame) [][]byte {
	var b []byte
	for _, f := range frames {
		b = rawpeer.AppendFrame(b, p.Masked(f))
	}
	var all [][]byte
	for len(b) > 0 {
		n := min(size, len(b))
		all = append(all, b[:n])
		b = b[n:]
	}
	return all
}

// Frames that arrive together are read one after the other.
func TestReadCoalesced(t *testing.T) {
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		forReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (message, error)) {
			encode := opts.encoder()
			var frames []rawpeer.Frame
			for i := range 300 {
				f := encode(rawpeer.Text(strings.Repeat("x", i)))
				frames = append(frames, fragmented(f, 100)...)
			}
			p.Send(frames...)
			for i := range 300 {
				want := message{websocket.MessageText, strings.Repeat("x", i)}
				if got, err := read(); got != want || err != nil {
					t.Fatalf("%d: got %v, %v, want %v", i, got, err, want)
				}
			}
		})
	})
}

func TestReadBehindHandshake(t *testing.T) {
	opts := &connOptions{frames: []rawpeer.Frame{
		rawpeer.Text("first"), rawpeer.Ping("early"), rawpeer.Text("sec").More(),
	}}
	forBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		wantText(t, c, "first")
		p.Send(rawpeer.Continuation("ond"))
		wantText(t, c, "second")
		p.WantPong("early")
	})
}

// Every form of a length, and the sizes at which buffers end.
func TestReadLengths(t *testing.T) {
	long := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(long)
	opts := &connOptions{pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
	forReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (message, error)) {
		c.SetReadLimit(-1)
		for _, n := range []int{0, 1, 125, 126, 127, 4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, 65537, len(long)} {
			p.SendBinary(long[:n])
			got, err := read()
			if err != nil || got.typ != websocket.MessageBinary || got.payload != string(long[:n]) {
				t.Fatalf("%d bytes: got %d, %v", n, len(got.payload), err)
			}
		}
	})
}

func TestReadEmptyMessages(t *testing.T) {
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		forReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (message, error)) {
			encode := opts.encoder()
			for _, frames := range [][]rawpeer.Frame{
				{encode(rawpeer.Text(""))},
				{rawpeer.Text("")},
				{rawpeer.Text("").More(), rawpeer.Continuation("")},
				{rawpeer.Text("").More(), rawpeer.Continuation("").More(), rawpeer.Ping(""), rawpeer.Continuation("")},
				fragmented(encode(rawpeer.Text("")), 1),
			} {
				p.Send(frames...)
				if got, err := read(); got != (message{websocket.MessageText, ""}) || err != nil {
					t.Fatalf("%v: got %v, %v, want an empty text", frames, got, err)
				}
			}
		})
	})
}

// Messages are shared out among those who read at once, each one whole.
func TestReadConcurrently(t *testing.T) {
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		forBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
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
			encode := opts.encoder()
			payload := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, size) }
			for i := range messages {
				p.SendPieces(77, fragmented(encode(rawpeer.Binary(payload(i))), 300)...)
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
		{"in a payload", func(p *rawpeer.Peer) { p.SendRaw(pieces(p, 8, []rawpeer.Frame{rawpeer.Text("a longer one")})[0]) },
			(*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"in a ping", func(p *rawpeer.Peer) { p.SendRaw(pieces(p, 8, []rawpeer.Frame{rawpeer.Ping("a longer one")})[0]) },
			(*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"between fragments", func(p *rawpeer.Peer) { p.Send(rawpeer.Text("part").More()) }, (*rawpeer.Peer).Close, io.ErrUnexpectedEOF},
		{"reset", nil, (*rawpeer.Peer).Reset, syscall.ECONNRESET},
		{"reset in a message", func(p *rawpeer.Peer) { p.Send(rawpeer.Text("part").More()) }, (*rawpeer.Peer).Reset, syscall.ECONNRESET},
	} {
		t.Run(test.name, func(t *testing.T) {
			forReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (message, error)) {
				call := rawpeer.Go(t, read)
				if test.send != nil {
					test.send(p)
				}
				synctest.Wait()
				test.end(p)
				err := call.Err()
				wantError(t, err, test.want)
				wantClosed(t, err, -1)
				if err := c.Ping(t.Context()); err != nil {
					wantError(t, err, test.want)
				}
				wantEnded(t, c, -1)
			})
		})
	}
}

// What was sent before the end is read before it.
func TestReadBeforeEndOfStream(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		for i := range 10 {
			p.SendText(fmt.Sprint(i))
		}
		p.Close()
		for i := range 10 {
			wantText(t, c, fmt.Sprint(i))
		}
		_, _, err := c.Read(t.Context())
		wantError(t, err, io.EOF)
	})
}
