//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// failures are ways to fail, and fragments of the error's text that name the value
// and the remedy.
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
		c.SetReadLimit(5000) // counts from the next message on
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

// An error names the value and the remedy, and says nothing twice.
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
				parts := strings.Split(text, ": ")[2:] // behind the prefix
				slices.Sort(parts)
				if once := slices.Compact(slices.Clone(parts)); len(once) < len(parts) || strings.Count(text, "connection closed") > 1 {
					t.Errorf("got error %q, which says something twice", text)
				}
			})
		})
	}
}

// Programs match these fragments of the errors' texts, which are therefore those
// of coder/websocket.
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

// A nil context is a mistake of the program, which a panic of ours names, and
// leaves the connection as it was.
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

// A callback's context is that of the read, and ends after 5 seconds at most, also
// where the read's does not.
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
