//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// failures are ways to fail, with fragments of the error's text that name the value and
// the remedy.
var failures = []struct {
	name      string
	fragments []string
	fail      func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error
}{
	{"message over the default limit", []string{"32768", "SetReadLimit"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.Send(rawpeer.Binary(make([]byte, conntest.DefaultLimit+1)), rawpeer.Close(1000, ""))
		return conntest.ReadErr(t.Context(), c)
	}},
	{"message over its limit", []string{"100 bytes", "SetReadLimit"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		c.SetReadLimit(100)
		p.Send(rawpeer.Binary(make([]byte, 60)).More())
		_, r, err := c.Reader(t.Context())
		if err != nil {
			return err
		}
		c.SetReadLimit(5000) // applies from the next message on
		p.Send(rawpeer.Continuation(conntest.Filler(60)), rawpeer.Close(1000, ""))
		_, err = io.Copy(io.Discard, r)
		return err
	}},
	{"violation", []string{"masked"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.SendRaw(wronglyMaskedFrame(p))
		p.SendClose(1000, "")
		return conntest.ReadErr(t.Context(), c)
	}},
	{"peer's close", []string{"4001", "so long"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.SendClose(4001, "so long")
		return conntest.ReadErr(t.Context(), c)
	}},
	{"peer gone", []string{"EOF"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.Close()
		return conntest.ReadErr(t.Context(), c)
	}},
	{"peer gone inside a message", []string{"unexpected EOF"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.Send(rawpeer.Text("x").More())
		p.Close()
		return conntest.ReadErr(t.Context(), c)
	}},
	{"peer gone during Close", []string{"EOF"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		closing := goClose(t, c, websocket.StatusNormalClosure, "")
		p.WantClose(1000)
		p.Close()
		return closing.Err()
	}},
	{"reset", []string{"reset"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.Reset()
		return conntest.ReadErr(t.Context(), c)
	}},
	{"write after a reset", nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.Reset()
		return c.Write(t.Context(), websocket.MessageText, nil)
	}},
	{"no answer to Close", []string{"5s"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		return c.Close(websocket.StatusNormalClosure, "")
	}},
	{"Read after CloseNow", nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		c.CloseNow()
		return conntest.ReadErr(t.Context(), c)
	}},
	{"Read after CloseRead", []string{"CloseRead"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		c.CloseRead(t.Context())
		return conntest.ReadErr(t.Context(), c)
	}},
	{"cause of CloseRead", []string{"EOF"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		ctx := c.CloseRead(t.Context())
		p.Close()
		<-ctx.Done()
		return context.Cause(ctx)
	}},
	{"context inside a message", []string{"deadline"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Send(rawpeer.Text("x").More())
		return conntest.ReadErr(ctx, c)
	}},
	{"code that may not be sent", []string{"1006", "1011"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.SendClose(1000, "")
		return c.Close(websocket.StatusAbnormalClosure, "")
	}},
	{"long reason", []string{"200 bytes", "123"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.SendClose(1000, "")
		return c.Close(websocket.StatusNormalClosure, strings.Repeat("x", 200))
	}},
	{"reason that is not UTF-8", []string{"UTF-8", "byte 3"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		p.SendClose(1000, "")
		return c.Close(websocket.StatusNormalClosure, "abc\xff")
	}},
	{"message type", []string{"MessageType(7)", "MessageText", "MessageBinary"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		return c.Write(t.Context(), 7, nil)
	}},
	{"message type in NetConn", []string{"MessageText", "MessageBinary"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
		p.Send(rawpeer.Text("hello"), rawpeer.Close(1000, ""))
		_, err := nc.Read(make([]byte, 1))
		return err
	}},
	{"the end of NetConn's context", []string{"this side: context canceled"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		ctx, cancel := context.WithCancel(t.Context())
		nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
		cancel()
		<-c.Done()
		_, err := nc.Read(make([]byte, 1))
		return err
	}},
	{"no pong", []string{"no pong: is a Read under way at the peer?"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return c.Ping(ctx)
	}},
	{"Write beside a Writer", []string{"a Writer is open"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		conntest.MustWriter(t, c, t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return c.Write(ctx, websocket.MessageText, nil)
	}},
	{"Writer beside a Writer", []string{"a Writer is open"}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
		conntest.MustWriter(t, c, t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Writer(ctx, websocket.MessageText)
		return err
	}},
}

// An error names the value and the remedy, without repetitions.
func TestErrorTexts(t *testing.T) {
	for _, failure := range failures {
		t.Run(failure.name, func(t *testing.T) {
			opts := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				err := failure.fail(t, c, p)
				if err == nil {
					t.Fatal("got no error")
				}
				text := err.Error()
				for _, fragment := range failure.fragments {
					if !strings.Contains(text, fragment) {
						t.Errorf("got error %q, want one with %q", text, fragment)
					}
				}
				parts := strings.Split(text, ": ")[2:] // after the prefix
				slices.Sort(parts)
				if once := slices.Compact(slices.Clone(parts)); len(once) < len(parts) || strings.Count(text, "connection closed") > 1 {
					t.Errorf("got error %q, which repeats something", text)
				}
			})
		})
	}
}

// Programs match these fragments of error texts, which are therefore the same as in
// coder/websocket.
func TestErrorTextsThatProgramsMatch(t *testing.T) {
	for _, test := range []struct {
		fragment string
		fail     func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error
	}{
		{"read limited at 32768 bytes", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
			p.Send(rawpeer.Binary(make([]byte, conntest.DefaultLimit+1)), rawpeer.Close(1000, ""))
			return conntest.ReadErr(t.Context(), c)
		}},
		{"read limited at 5 bytes", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
			c.SetReadLimit(5)
			p.Send(rawpeer.Text("123456"), rawpeer.Close(1000, ""))
			return conntest.ReadErr(t.Context(), c)
		}},
		{"failed to read frame header: EOF", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) error {
			p.Close()
			return conntest.ReadErr(t.Context(), c)
		}},
	} {
		t.Run(test.fragment, func(t *testing.T) {
			opts := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				if err := test.fail(t, c, p); err == nil || !strings.Contains(err.Error(), test.fragment) {
					t.Errorf("got error %v, want one with %q", err, test.fragment)
				}
			})
		})
	}
}

// A nil context is a mistake in the program. It causes a panic with a clear text, and
// does not affect the connection.
func TestNilContext(t *testing.T) {
	var none context.Context
	m, err := websocket.NewPreparedMessage(websocket.MessageText, nil)
	conntest.WantNoError(t, err)
	for name, call := range map[string]func(c *websocket.Conn){
		"Read":               func(c *websocket.Conn) { c.Read(none) },
		"Reader":             func(c *websocket.Conn) { c.Reader(none) },
		"Write":              func(c *websocket.Conn) { c.Write(none, websocket.MessageText, nil) },
		"WriteUncompressed":  func(c *websocket.Conn) { c.WriteUncompressed(none, websocket.MessageText, nil) },
		"WritePrepared":      func(c *websocket.Conn) { c.WritePrepared(none, m) },
		"Writer":             func(c *websocket.Conn) { c.Writer(none, websocket.MessageText) },
		"WriterUncompressed": func(c *websocket.Conn) { c.WriterUncompressed(none, websocket.MessageText) },
		"Ping":               func(c *websocket.Conn) { c.Ping(none) },
		"Pong":               func(c *websocket.Conn) { c.Pong(none, nil) },
		"CloseContext":       func(c *websocket.Conn) { c.CloseContext(none, websocket.StatusNormalClosure, "") },
		"CloseRead":          func(c *websocket.Conn) { c.CloseRead(none) },
		"NetConn":            func(c *websocket.Conn) { websocket.NetConn(none, c, websocket.MessageText) },
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				func() {
					defer func() {
						if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "websocket: ") {
							t.Errorf("got panic %v, want one of ours", text)
						}
					}()
					call(c)
					t.Error("returned")
				}()
				wantUsable(t, c, p)
			})
		})
	}
}

// The context of a callback is derived from that of the read, and ends after at most 5
// seconds.
func TestCallbackContext(t *testing.T) {
	const most = 5 * time.Second
	for _, frame := range []rawpeer.Frame{rawpeer.Ping("x"), rawpeer.Pong("x")} {
		t.Run(frame.Opcode.String(), func(t *testing.T) {
			var ended []error
			await := func(ctx context.Context) {
				<-ctx.Done()
				ended = append(ended, ctx.Err())
			}
			opts := &conntest.Options{
				OnPing: func(ctx context.Context, _ []byte) bool { await(ctx); return true },
				OnPong: func(ctx context.Context, _ []byte) { await(ctx) },
			}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ended = nil
				start := time.Now()
				p.Send(frame, rawpeer.Text("behind"))
				conntest.WantText(t, c, "behind")
				if d := time.Since(start); d != most || !errors.Is(errors.Join(ended...), context.DeadlineExceeded) {
					t.Errorf("ended after %v with %v, want %v", d, ended, most)
				}
				ctx, cancel := context.WithCancel(t.Context())
				p.Send(frame)
				read := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
				synctest.Wait()
				cancel()
				conntest.WantInterrupted(t, read.Err(), context.Canceled)
				if d := time.Since(start); d != most {
					t.Errorf("ended after %v, want %v", d, most)
				}
			})
		})
	}
}

// With CloseRead, pings are answered, pongs are received, and writes work without a
// reader.
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

// wantNoReads expects reads to fail without an effect on the connection.
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

// Further calls return the context of the first one, whatever their parent is.
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

// The context ends when the connection ends, in any way, and not before.
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

// When the parent context ends, the connection is closed at once.
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
	// The same inside a frame.
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.CloseRead(parent)
		p.SendRaw(conntest.Pieces(p, 4, []rawpeer.Frame{rawpeer.Ping("half of it")})[0])
		p.WantSilence(999 * time.Millisecond)
		p.WantEnd()
	})
}

// A message after CloseRead is an error of the peer.
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

// Other violations have their usual close codes.
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

// A message in progress counts as received after CloseRead, and a Read that waits takes
// precedence.
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

// Close completes its handshake while CloseRead reads.
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

// The cause of the context that CloseRead returns is the error that ended the
// connection.
func TestCloseReadCause(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.SendClose(4001, "so long")
		<-ctx.Done()
		conntest.WantCause(t, context.Cause(ctx), 4001)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.Close()
		<-ctx.Done()
		conntest.WantCause(t, context.Cause(ctx), -1)
		conntest.WantError(t, context.Cause(ctx), io.EOF)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := c.CloseRead(t.Context())
		p.SendText("unexpected")
		p.WantClose(1008)
		p.SendClose(1008, "")
		<-ctx.Done()
		conntest.WantCause(t, context.Cause(ctx), -1)
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

// Close and CloseNow wait for the goroutine of CloseRead: its resources are free when
// they return.
func TestCloseAwaitsCloseRead(t *testing.T) {
	closes := map[string]func(c *websocket.Conn, p *rawpeer.Peer) error{
		"Close": func(c *websocket.Conn, p *rawpeer.Peer) error {
			go func() {
				p.WantClose(1000)
				p.SendClose(1000, "")
			}()
			return c.Close(websocket.StatusNormalClosure, "")
		},
		"CloseNow": func(c *websocket.Conn, _ *rawpeer.Peer) error { return c.CloseNow() },
	}
	for name, end := range closes {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for range 2 { // later calls wait, too
					ctx := c.CloseRead(t.Context())
					conntest.WantNoError(t, end(c, p))
					if ctx.Err() == nil {
						t.Fatal("the context of CloseRead has not ended")
					}
					end = func(c *websocket.Conn, _ *rawpeer.Peer) error { return c.CloseNow() }
				}
				conntest.WantClosed(t, context.Cause(c.CloseRead(t.Context())), websocket.CloseStatus(c.Err()))
			})
		})
	}
}

// They do not wait while a callback runs, which may be their caller, or wait for it.
func TestCloseDuringCallbackOfCloseRead(t *testing.T) {
	for _, inside := range []bool{true, false} {
		name := "callback waits for CloseNow"
		if inside {
			name = "callback calls CloseNow"
		}
		t.Run(name, func(t *testing.T) {
			for _, role := range conntest.Roles {
				inBubble(t, role.Name, func(t *testing.T) {
					var c *websocket.Conn
					called, closed := make(chan struct{}), make(chan struct{})
					c, p := role.Connect(t, rawpeer.Listen(nil), &conntest.Options{OnPing: func(context.Context, []byte) bool {
						close(called)
						if inside {
							c.CloseNow()
							close(closed)
						}
						<-closed
						return true
					}})
					ctx := c.CloseRead(t.Context())
					start := time.Now()
					p.SendPing("")
					<-called
					if !inside {
						conntest.WantNoError(t, c.CloseNow())
						close(closed)
					}
					<-ctx.Done()
					if took := time.Since(start); took != 0 {
						t.Errorf("took %v", took)
					}
					conntest.WantNoError(t, c.CloseNow())
				})
			}
		})
	}
	// Close waits at most 5 seconds in total, even if a callback blocks reading.
	t.Run("callback waits for Close", func(t *testing.T) {
		for _, role := range conntest.Roles {
			inBubble(t, role.Name, func(t *testing.T) {
				called, closed := make(chan struct{}), make(chan struct{})
				c, p := role.Connect(t, rawpeer.Listen(nil), &conntest.Options{OnPong: func(context.Context, []byte) {
					close(called)
					<-closed
				}})
				ctx := c.CloseRead(t.Context())
				p.SendPong("")
				<-called
				start := time.Now()
				if c.Close(websocket.StatusNormalClosure, "") == nil {
					t.Error("got no error of a Close that read no answer")
				}
				if took := time.Since(start); took != conntest.CloseTimeout {
					t.Errorf("took %v, want %v", took, conntest.CloseTimeout)
				}
				close(closed)
				<-ctx.Done()
			})
		}
	})
}
