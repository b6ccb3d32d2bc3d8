//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// Until a message's header is there, nothing is lost when the context ends:
// half a ping stays half a ping, and half a header half a header. Behind the
// header the context ends the connection.
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

// A connection can be looked at again and again.
func TestReadContextEndsAgainAndAgain(t *testing.T) {
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

// forReadWaysAndContexts is forReadWays with a context for each read.
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

// A context that has ended before takes nothing.
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
		try() // "two" is in the connection's own memory now
		conntest.WantText(t, c, "two")
	})
}

// One that ends when nobody reads with it has no effect, be it the last that
// was used, or one of many, or one that is used again.
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

		// While another one reads.
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

// A message that arrives while its context ends is read now or later, once.
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
				// The context ended inside of the message, whose header had
				// come alone.
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

// Inside a message the context that its Reader was called with ends the
// connection, once a Read has to wait.
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

// That one which failed to begin the next message has no effect on this one.
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

// Nor has one that ended while it waited for the end of this one.
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

// Who waits for another who reads stops waiting when the context ends.
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
