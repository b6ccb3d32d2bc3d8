//go:build !js

package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// Messages are split into frames, and frames into pieces, at every byte.
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
					synctest.Wait() // the previous piece was read separately
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
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.WantText(t, c, "first")
		p.Send(rawpeer.Continuation("ond"))
		conntest.WantText(t, c, "second")
		p.WantPong("early")
	}
	conntest.ForBothRoles(t, opts, test)
	conntest.OverTCP(t, opts, test)
}

// The same with messages of more sizes, over TCP, where a client reads the first bytes
// through net/http and the others from the socket.
func TestReadManyBehindHandshake(t *testing.T) {
	for _, size := range []int{1, 100, 126, 1000, 3000, 20_000} {
		opts := &conntest.Options{}
		for i := range 10 {
			opts.Frames = append(opts.Frames, rawpeer.Text(fmt.Sprint(i, conntest.Filler(size))))
		}
		conntest.OverTCP(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			for i := range 20 {
				conntest.WantText(t, c, fmt.Sprint(i, conntest.Filler(size)))
				if i < 10 {
					p.SendText(fmt.Sprint(10+i, conntest.Filler(size)))
				}
			}
		})
	}
}

// All forms of a length, and the limits of buffers.
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

// Concurrent readers share the messages, and each one gets complete messages.
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

// The end of the stream without a close frame is the error of all later calls.
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
				conntest.WantCause(t, err, -1)
				if err := c.Ping(t.Context()); err != nil {
					conntest.WantError(t, err, test.want)
				}
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// Messages before the end are read before it.
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

// If the context ends before the complete header of a message has arrived, nothing is
// lost: not even a part of a ping or of a header. After the header, the end of the
// context ends the connection.
func TestReadContextEndsAtEachByte(t *testing.T) {
	frames := []rawpeer.Frame{rawpeer.Ping("ping"), rawpeer.Text("hello")}
	for _, way := range conntest.ReadWays {
		for n := range len("\x89\x84keyeping\x81\x85keyehello") {
			t.Run(fmt.Sprintf("%s after %d bytes", way.Name, n), func(t *testing.T) {
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					wire := conntest.Pieces(p, 1<<10, frames)[0]
					if n >= len(wire) {
						return
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					p.SendRaw(wire[:n])
					start := time.Now()
					_, _, err := way.Read(ctx, c)
					if d := time.Since(start); d != time.Second {
						t.Fatalf("ended after %v, want a second", d)
					}
					if n >= len(wire)-len("hello") {
						conntest.WantError(t, err, context.DeadlineExceeded)
						conntest.WantClosed(t, err, -1)
						p.WantPong("ping")
						p.WantEnd()
						conntest.WantError(t, conntest.ReadErr(t.Context(), c), context.DeadlineExceeded)
						conntest.WantEnded(t, c, -1)
						return
					}
					conntest.WantInterrupted(t, err, context.DeadlineExceeded)
					p.SendRaw(wire[n:])
					conntest.WantText(t, c, "hello")
					p.WantPong("ping")
					if err := c.Write(t.Context(), websocket.MessageText, []byte("answer")); err != nil {
						t.Fatal(err)
					}
					p.WantText("answer")
				})
			})
		}
	}
}

// Reads may be interrupted repeatedly.
func TestReadContextEndsRepeatedly(t *testing.T) {
	forReadWaysAndContexts(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func(context.Context) (conntest.Message, error)) {
		for i := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := read(ctx)
			cancel()
			conntest.WantInterrupted(t, err, context.DeadlineExceeded)
			if i%3 == 0 {
				want := fmt.Sprint(i)
				p.Send(rawpeer.Ping(want), rawpeer.Text(want))
				if got, err := read(t.Context()); got.Payload != want || err != nil {
					t.Fatalf("got %v, %v, want %q", got, err, want)
				}
				p.WantPong(want)
			}
		}
	})
}

// forReadWaysAndContexts is conntest.ForReadWays with a context for each read.
func forReadWaysAndContexts(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func(context.Context) (conntest.Message, error))) {
	t.Helper()
	for _, way := range conntest.ReadWays {
		t.Run(way.Name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				test(t, c, p, func(ctx context.Context) (conntest.Message, error) {
					typ, b, err := way.Read(ctx, c)
					return conntest.Message{Type: typ, Payload: string(b)}, err
				})
			})
		})
	}
}

// A read with an ended context returns no message.
func TestReadContextEndedBefore(t *testing.T) {
	forReadWaysAndContexts(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func(context.Context) (conntest.Message, error)) {
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
		defer cancel()
		try := func() {
			t.Helper()
			_, err := read(canceled)
			conntest.WantInterrupted(t, err, context.Canceled)
			_, err = read(expired)
			conntest.WantInterrupted(t, err, context.DeadlineExceeded)
		}
		try()
		p.Send(rawpeer.Text("one"), rawpeer.Text("two"))
		synctest.Wait()
		try()
		conntest.WantText(t, c, "one")
		try() // "two" is buffered by the connection now
		conntest.WantText(t, c, "two")
	})
}

// A context that ends when no call uses it has no effect, whether it is the last one
// that was used, one of many, or used again.
func TestReadContextEndsBetweenCalls(t *testing.T) {
	forReadWaysAndContexts(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func(context.Context) (conntest.Message, error)) {
		wantAfterWait := func(ctx context.Context) {
			t.Helper()
			call := rawpeer.Go(t, func() (conntest.Message, error) { return read(ctx) })
			synctest.Wait()
			p.SendText("hello")
			if got := call.Want(); got.Payload != "hello" {
				t.Fatalf("got %v, want hello", got)
			}
		}
		for uses := range 4 {
			ctx, cancel := context.WithCancel(t.Context())
			for range uses {
				wantAfterWait(ctx)
			}
			cancel()
			synctest.Wait()
			wantAfterWait(t.Context())
			wantAfterWait(t.Context())
			_, err := read(ctx)
			conntest.WantInterrupted(t, err, context.Canceled)
		}

		// While another call reads.
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancel(t.Context())
		for range 3 {
			wantAfterWait(first)
		}
		call := rawpeer.GoErr(t, func() error { _, err := read(second); return err })
		synctest.Wait()
		cancelFirst()
		synctest.Wait()
		if call.Returned() {
			t.Fatalf("got %v of a context that was used before", call.Err())
		}
		cancelSecond()
		conntest.WantInterrupted(t, call.Err(), context.Canceled)
		wantAfterWait(t.Context())
	})
}

// A message that arrives while its context ends is read by this call or a later one,
// once.
func TestReadContextEndsWithMessage(t *testing.T) {
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const messages = 300
		interrupted := 0
		for i := range messages {
			want := fmt.Sprint(i)
			ctx, cancel := context.WithCancel(t.Context())
			canceled := rawpeer.GoErr(t, func() error { cancel(); return nil })
			sent := rawpeer.GoErr(t, func() error { p.SendText(want); return nil })
			_, b, err := c.Read(ctx)
			switch {
			case errors.Is(err, net.ErrClosed):
				// The context ended inside the message, whose header arrived
				// separately.
				t.Fatalf("got %v, but all of the message was sent at once", err)
			case err != nil:
				interrupted++
				conntest.WantText(t, c, want)
			case string(b) != want:
				t.Fatalf("got %q, want %q", b, want)
			}
			canceled.Want()
			sent.Want()
		}
		t.Logf("%d of %d reads were interrupted", interrupted, messages)
	}
	conntest.ForBothRoles(t, nil, test)
	conntest.OverTCP(t, nil, test)
}

// Inside a message, the end of its Reader's context ends the connection, once a Read
// has to wait.
func TestReaderContextEndsInsideMessage(t *testing.T) {
	for name, more := range map[string]func(p *rawpeer.Peer, encode func(rawpeer.Frame) rawpeer.Frame){
		"in a frame": func(p *rawpeer.Peer, encode func(rawpeer.Frame) rawpeer.Frame) {
			f := p.Masked(encode(rawpeer.Text("part")))
			p.SendRaw(rawpeer.AppendFrameAs(nil, f, rawpeer.Shortest, 100))
		},
		"between frames": func(p *rawpeer.Peer, encode func(rawpeer.Frame) rawpeer.Frame) {
			p.Send(encode(rawpeer.Text("part")).More(), rawpeer.Ping(""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
				conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					ctx, cancel := context.WithCancel(t.Context())
					more(p, opts.Encoder())
					_, r, err := c.Reader(ctx)
					if err != nil {
						t.Fatal(err)
					}
					conntest.WantRead(t, r, "part")
					read := rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 1)); return err })
					synctest.Wait()
					if read.Returned() {
						t.Fatalf("got %v, want to wait", read.Err())
					}
					cancel()
					conntest.WantError(t, read.Err(), context.Canceled)
					conntest.WantClosed(t, read.Err(), -1)
					_, err = r.Read(make([]byte, 1))
					conntest.WantClosed(t, err, -1)
					conntest.WantEnded(t, c, -1)
				})
			})
		})
	}
}

// A context of a call that failed to begin the next message has no effect on this one.
func TestReaderKeepsItsContext(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			whole := opts.Encoder()(rawpeer.Text("hello, world"))
			frames := conntest.Fragmented(whole, len(whole.Payload)-1)
			p.Send(frames[0])
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, "he")
			ctx, cancel := context.WithCancel(t.Context())
			if _, _, err := c.Reader(ctx); err == nil || errors.Is(err, net.ErrClosed) {
				t.Fatalf("got %v, want that another message is not read", err)
			}
			cancel()
			synctest.Wait()
			rest := rawpeer.Go(t, func() ([]byte, error) { return io.ReadAll(r) })
			synctest.Wait()
			p.Send(frames[1])
			if got := rest.Want(); string(got) != "llo, world" {
				t.Fatalf("got %q, want the rest", got)
			}
		})
	})
}

// Nor has one that ended while its call waited for the end of this message.
func TestReadContextEndsBeforeEndOfLastMessage(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Send(opts.Encoder()(rawpeer.Text("hello")).More())
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, "hello")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			conntest.WantInterrupted(t, conntest.ReadErr(ctx, c), context.DeadlineExceeded)
			p.Send(rawpeer.Continuation(""), rawpeer.Text("next"))
			conntest.WantRest(t, r, "")
			conntest.WantText(t, c, "next")
		})
	})
}

// A call that waits for another reader returns when its context ends.
func TestReadContextEndsInQueue(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		first := conntest.GoRead(t, c)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conntest.WantInterrupted(t, conntest.ReadErr(ctx, c), context.DeadlineExceeded)
		p.SendText("hello")
		if got := first.Want(); got.Payload != "hello" {
			t.Fatalf("got %v, want hello", got)
		}
	})
}
