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

// Nobody reads, but pings are answered, pongs seen, and writes go on.
func TestCloseRead(t *testing.T) {
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		for i := range 20 {
			payload := fmt.Sprint(i)
			p.SendPing(payload)
			p.WantPong(payload)
			p.SendPong("unsolicited")
			if err := c.Write(t.Context(), websocket.MessageText, []byte(payload)); err != nil {
				t.Fatal(err)
			}
			p.WantText(payload)
			ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
			p.SendPong(p.WantPing())
			ping.Want()
		}
		if ctx.Err() != nil {
			t.Fatalf("the context ended with %v", ctx.Err())
		}
		p.SendClose(1001, "")
		p.WantClose(1001)
		<-ctx.Done()
	}
	conntest.ForBothRoles(t, nil, test)
	conntest.OverTCP(t, nil, test)
}

// wantNoReads wants that messages can't be read, which changes nothing.
func wantNoReads(t *testing.T, c *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, _, readerErr := c.Reader(ctx)
	for name, err := range map[string]error{"Read": conntest.ReadErr(ctx, c), "Reader": readerErr} {
		if err == nil || errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			t.Fatalf("%s: got %v, want at once that CloseRead was called", name, err)
		}
	}
}

func TestCloseReadTakesReads(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		wantNoReads(t, c)
		synctest.Wait()
		wantNoReads(t, c)
		p.SendPing("ping")
		p.WantPong("ping")
		if ctx.Err() != nil {
			t.Fatalf("the context ended with %v", ctx.Err())
		}
	})
}

// Further calls give the first one's context, whatever theirs is.
func TestCloseReadAgain(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(context.WithValue(t.Context(), contextKey{}, "first"))
		if ctx.Value(contextKey{}) != "first" {
			t.Fatal("the context is not a child of the one given")
		}
		other, cancel := context.WithCancel(t.Context())
		var calls []*rawpeer.Call[context.Context]
		for range 4 {
			calls = append(calls, rawpeer.Go(t, func() (context.Context, error) { return c.CloseRead(other), nil }))
		}
		for _, call := range calls {
			if call.Want() != ctx {
				t.Fatal("got another context")
			}
		}
		cancel()
		p.SendPing("still here")
		p.WantPong("still here")
		c.CloseNow()
		<-ctx.Done()
		if c.CloseRead(t.Context()) != ctx {
			t.Fatal("got another context of a closed connection")
		}
	})
}

// The context ends with the connection, however that ends, and not before.
func TestCloseReadContextEnds(t *testing.T) {
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				parent, cancel := context.WithCancel(t.Context())
				defer cancel()
				ctx := c.CloseRead(parent)
				time.Sleep(time.Hour)
				if ctx.Err() != nil {
					t.Fatalf("ended with %v before the connection", ctx.Err())
				}
				end.end(t, c, p)
				start := time.Now()
				<-ctx.Done()
				if d := time.Since(start); d != 0 {
					t.Fatalf("ended %v after the connection", d)
				}
				if parent.Err() != nil {
					t.Fatal("the context given to CloseRead ended")
				}
				if err := c.Write(t.Context(), websocket.MessageText, nil); !errors.Is(err, net.ErrClosed) {
					t.Fatalf("got %v of a write, want a closed connection", err)
				}
			})
		})
	}
}

// When the context that was given ends, the connection is closed at once.
func TestCloseReadParentEnds(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		parent, cancel := context.WithCancel(t.Context())
		ctx := c.CloseRead(parent)
		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		p.WantPing()
		cancel()
		conntest.WantError(t, ctx.Err(), context.Canceled)
		p.WantEnd() // without a close frame
		conntest.WantClosed(t, ping.Err(), -1)
		conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageText, nil), -1)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		parent, cancel := context.WithCancel(t.Context())
		cancel()
		ctx := c.CloseRead(parent)
		p.WantEnd()
		conntest.WantError(t, ctx.Err(), context.Canceled)
	})
	// While half a frame is there.
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.CloseRead(parent)
		p.SendRaw(conntest.Pieces(p, 4, []rawpeer.Frame{rawpeer.Ping("half of it")})[0])
		p.WantSilence(999 * time.Millisecond)
		p.WantEnd()
	})
}

// A message is not what the peer should send.
func TestCloseReadRefusesMessages(t *testing.T) {
	for name, frame := range map[string]rawpeer.Frame{
		"text":           rawpeer.Text("hello"),
		"empty":          rawpeer.Binary(nil),
		"first fragment": rawpeer.Text("hel").More(),
		"long":           rawpeer.Binary(make([]byte, 20_000)),
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ctx := c.CloseRead(t.Context())
				p.SendPing("first")
				p.WantPong("first")
				start := time.Now()
				p.Send(frame)
				p.WantClose(1008)
				p.WantEOF()
				if d := time.Since(start); d != 0 {
					t.Fatalf("refused after %v, want at once", d)
				}
				p.Close()
				<-ctx.Done()
				conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageText, nil), -1)
				conntest.WantClosed(t, c.Ping(t.Context()), -1)
			})
		})
	}
}

// Other violations are named as ever.
func TestCloseReadNamesViolations(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Binary(nil)), rawpeer.Shortest, conntest.DefaultLimit+1))
		p.WantClose(1009)
		p.Close()
		<-ctx.Done()
		conntest.WantError(t, c.Write(t.Context(), websocket.MessageText, nil), websocket.ErrMessageTooBig)
	})
}

// A message that was begun before counts as one that the peer should not have
// sent, and a Read that waits goes first.
func TestCloseReadInsideMessage(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("hello"))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "he")
		ctx := c.CloseRead(t.Context())
		p.WantClose(1008)
		p.Close()
		<-ctx.Done()
		_, err := r.Read(make([]byte, 1))
		conntest.WantClosed(t, err, -1)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		synctest.Wait()
		ctx := c.CloseRead(t.Context())
		p.SendText("hello")
		if got := read.Want(); got.Payload != "hello" {
			t.Fatalf("got %v, want hello", got)
		}
		p.SendPing("ping")
		p.WantPong("ping")
		if ctx.Err() != nil {
			t.Fatalf("the context ended with %v", ctx.Err())
		}
	})
}

// Close completes its handshake with CloseRead at work.
func TestCloseReadAndClose(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "done") })
		p.WantCloseReason(1000, "done")
		p.SendText("crossing")
		p.WantSilence(time.Second)
		p.SendClose(1000, "done")
		p.WantEOF()
		closing.Want()
		<-ctx.Done()
	})
}

// The cause of the context that CloseRead returns is what ended the connection.
func TestCloseReadCause(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.SendClose(4001, "so long")
		<-ctx.Done()
		conntest.WantClosed(t, context.Cause(ctx), 4001)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.Close()
		<-ctx.Done()
		conntest.WantClosed(t, context.Cause(ctx), -1)
		conntest.WantError(t, context.Cause(ctx), io.EOF)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.SendText("unexpected")
		p.WantClose(1008)
		p.SendClose(1008, "")
		<-ctx.Done()
		conntest.WantClosed(t, context.Cause(ctx), -1)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		c.CloseNow()
		<-ctx.Done()
		conntest.WantClosed(t, context.Cause(ctx), -1)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		cause := errors.New("a cause")
		parent, cancel := context.WithCancelCause(t.Context())
		ctx := c.CloseRead(parent)
		cancel(cause)
		<-ctx.Done()
		conntest.WantError(t, context.Cause(ctx), cause)
	})
}
