//go:build !js

package websocket_test

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// maxFragment is the payload size of a Writer's frames.
const maxFragment = 16 << 10

// A message is split into frames of 16 KiB, in whatever pieces it is written.
func TestWriterFrames(t *testing.T) {
	conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		for _, size := range []int{0, 1, 5000, maxFragment - 1, maxFragment, maxFragment + 1, 2 * maxFragment, 100_000} {
			for _, piece := range []int{1000, 4096, maxFragment, maxFragment + 1, 1 << 20} {
				message := conntest.Filler(size)
				w := conntest.MustWriter(t, c, t.Context())
				for rest := message; rest != ""; {
					n := min(piece, len(rest))
					conntest.MustAdd(t, w, rest[:n])
					rest = rest[n:]
				}
				conntest.MustEnd(t, w)
				m := p.WantMessage(rawpeer.OpText, []byte(message))
				if want := max(1, (size+maxFragment-1)/maxFragment); len(m.Frames) != want {
					t.Fatalf("%d frames for %d bytes in pieces of %d, want %d", len(m.Frames), size, piece, want)
				}
				for _, f := range m.Frames[:len(m.Frames)-1] {
					if len(f.Payload) != maxFragment {
						t.Fatalf("%d bytes in a frame that is not the last", len(f.Payload))
					}
				}
			}
		}
	})
}

// Bytes are sent when a frame is full, and not before.
func TestWriterSends(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, "")
		conntest.MustAdd(t, w, "abc")
		p.WantSilence(time.Second)
		conntest.MustAdd(t, w, conntest.Filler(maxFragment))
		p.Want(rawpeer.Text("abc" + conntest.Filler(maxFragment)[:maxFragment-3]).More())
		p.WantSilence(time.Second)
		conntest.MustEnd(t, w)
		p.Want(rawpeer.Continuation(conntest.Filler(maxFragment)[maxFragment-3:]))
	})
}

// A Writer does not retain its argument, whether it has been sent or not.
func TestWriterKeepsNothing(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				message := conntest.Filler(30_000)
				w := conntest.MustWriter(t, c, t.Context())
				for rest := message; rest != ""; rest = rest[1000:] {
					piece := []byte(rest[:1000])
					w.Write(piece)
					if string(piece) != rest[:1000] {
						t.Fatal("the caller's bytes were changed")
					}
					clear(piece)
				}
				conntest.MustEnd(t, w)
				p.WantMessage(rawpeer.OpText, []byte(message))
			})
		})
	}
}

// After its Close a Writer returns errors, and does not affect the next message.
func TestWriterStale(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		stale := func(w io.WriteCloser) {
			t.Helper()
			if n, err := w.Write([]byte("stale")); n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
				t.Fatalf("got %d, %v from a writer after its Close", n, err)
			}
			if err := w.Close(); err == nil || errors.Is(err, net.ErrClosed) {
				t.Fatalf("got %v from a second Close", err)
			}
		}
		old := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, old, "old")
		conntest.MustEnd(t, old)
		p.WantText("old")
		stale(old)
		for range 40 { // more than the handles that are allocated together
			w := conntest.MustWriter(t, c, t.Context())
			conntest.MustAdd(t, w, "ne")
			stale(old)
			conntest.MustAdd(t, w, "w")
			conntest.MustEnd(t, w)
			p.WantText("new")
			old = w
		}
		stale(old)
		wantUsable(t, c, p)
	})
}

// Text is checked as it is written: the first invalid byte fails the connection, since
// a part of the message may have been sent.
func TestWriterTextNotUTF8(t *testing.T) {
	for _, test := range []struct {
		name   string
		before string // valid
		bad    string
		frames int // sent before
	}{
		{"at once", "", "\xff", 0},
		{"later", "ok", "a\xc0", 0},
		{"in a rune", "caf\xc3", "\xc3", 0},
		{"behind a frame", conntest.Filler(maxFragment + 10), "\x80", 1},
		{"a surrogate", "x\xed", "\xa0", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, mode := range modes {
				t.Run(mode.name, func(t *testing.T) {
					conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Threshold: 1 << 20}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						w := conntest.MustWriter(t, c, t.Context())
						conntest.MustAdd(t, w, test.before)
						waiting := goWrite(t, c, "waits for the message to end")
						synctest.Wait()
						call := rawpeer.Go(t, func() (int, error) { return w.Write([]byte(test.bad)) })
						for range test.frames {
							p.WantFrame()
						}
						p.WantClose(1011)
						if _, err := call.Result(); err == nil {
							t.Error("invalid text was accepted")
						}
						conntest.WantCause(t, waiting.Err(), -1)
						_, err := w.Write([]byte("good"))
						conntest.WantClosed(t, err, -1)
						conntest.WantClosed(t, w.Close(), -1)
						conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageText, nil), -1)
						p.SendClose(1011, "")
						p.WantEOF()
						_, _, err = c.Read(t.Context())
						conntest.WantClosed(t, err, 1011)
					})
				})
			}
		})
	}
}

// No waiting message is sent between the first frames of a message that fails and the
// close frame.
func TestWriterTextNotUTF8AheadOfQueue(t *testing.T) {
	const rounds = 200 // the order of events is random
	for _, role := range conntest.Roles {
		t.Run(role.Name, func(t *testing.T) {
			for range rounds {
				synctest.Test(t, func(t *testing.T) {
					c, p := role.Connect(t, rawpeer.Listen(nil), new(conntest.Options))
					defer c.CloseNow()
					w := conntest.MustWriter(t, c, t.Context())
					conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
					waiting := goWrite(t, c, "waits for the message to end")
					synctest.Wait()
					go w.Write([]byte("\xff"))
					p.WantFrame()
					p.WantClose(1011)
					conntest.WantCause(t, waiting.Err(), -1)
				})
			}
		})
	}
}

// The writes may split a character, which must be complete at the end.
func TestWriterTextCutRunes(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const text = "κόσμε 😀"
		w := conntest.MustWriter(t, c, t.Context())
		for i := range len(text) {
			conntest.MustAdd(t, w, text[i:i+1])
		}
		conntest.MustEnd(t, w)
		p.WantText(text)

		w = conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, text[:len(text)-1])
		call := rawpeer.GoErr(t, w.Close)
		p.WantClose(1011)
		if call.Err() == nil {
			t.Error("an incomplete character was accepted")
		}
		conntest.WantClosed(t, c.Ping(t.Context()), -1)
	})
}

// Control frames do not wait for the end of a message.
func TestWriterControlBetween(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.CloseRead(t.Context())
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		p.Want(rawpeer.Text(conntest.Filler(maxFragment + 1)[:maxFragment]).More())
		p.SendPong(p.WantPing())
		ping.Want()
		p.SendPing("yours")
		p.WantPong("yours")
		conntest.MustAdd(t, w, "...")
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusGoingAway, "in between") })
		p.WantCloseReason(1001, "in between")
		_, err := w.Write([]byte("too late"))
		conntest.WantClosed(t, err, -1)
		p.SendClose(1001, "")
		p.WantEOF()
		closing.Want()
		conntest.WantClosed(t, w.Close(), websocket.StatusGoingAway)
	})
}

// Other messages wait for a Writer's message, even before its first frame is sent.
func TestWriterOthersWait(t *testing.T) {
	for _, size := range []int{0, 10, maxFragment + 10} {
		for _, mode := range modes {
			t.Run(fmt.Sprintf("%d %s", size, mode.name), func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					w := conntest.MustWriter(t, c, t.Context())
					conntest.MustAdd(t, w, conntest.Filler(size))
					small := goWrite(t, c, "small")
					synctest.Wait()
					large := goWrite(t, c, conntest.Filler(9000))
					synctest.Wait()
					writer := rawpeer.GoErr(t, func() error {
						w, err := c.Writer(t.Context(), websocket.MessageText)
						if err != nil {
							return err
						}
						io.WriteString(w, "another")
						return w.Close()
					})
					synctest.Wait()
					if small.Returned() || large.Returned() || writer.Returned() {
						t.Fatal("a message was written in the middle of another")
					}
					conntest.MustEnd(t, w)
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(size)))
					p.WantMessage(rawpeer.OpText, []byte("small"))
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(9000)))
					p.WantMessage(rawpeer.OpText, []byte("another"))
					small.Want()
					large.Want()
					writer.Want()
				})
			})
		}
	}
}

// If a Writer's context ends before its first frame is sent, only the message ends.
func TestWriterContextBeforeFirstFrame(t *testing.T) {
	for _, mode := range modes {
		for _, size := range []int{0, 10, 1000} { // 1000 are compressed
			for _, op := range []string{"Write", "Close"} {
				t.Run(fmt.Sprintf("%s %d %s", mode.name, size, op), func(t *testing.T) {
					conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						conntest.MustWriteText(t, c, conntest.Filler(1000))
						p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(1000)))
						ctx, cancel := context.WithCancel(t.Context())
						w := conntest.MustWriter(t, c, ctx)
						conntest.MustAdd(t, w, conntest.Filler(size))
						cancel()
						var err error
						if op == "Write" {
							_, err = w.Write([]byte("more"))
						} else {
							err = w.Close()
						}
						conntest.WantError(t, err, context.Canceled)
						if errors.Is(err, net.ErrClosed) {
							t.Fatalf("the connection has failed with %v", err)
						}
						if err := w.Close(); err == nil {
							t.Error("an abandoned message was ended")
						}
						// The next message does not refer to the abandoned one.
						conntest.MustWriteText(t, c, conntest.Filler(size)+conntest.Filler(1000))
						p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(size)+conntest.Filler(1000)))
						wantUsable(t, c, p)
					})
				})
			}
		}
	}
}

// After the first frame, the end of the context fails the connection.
func TestWriterContextInsideMessage(t *testing.T) {
	for _, op := range []string{"Write", "Close"} {
		t.Run(op, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ctx, cancel := context.WithCancel(t.Context())
				w := conntest.MustWriter(t, c, ctx)
				conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
				waiting := goWrite(t, c, "waits")
				cancel()
				var err error
				if op == "Write" {
					_, err = w.Write([]byte("more"))
				} else {
					err = w.Close()
				}
				conntest.WantClosed(t, err, -1)
				conntest.WantError(t, err, context.Canceled)
				conntest.WantClosed(t, waiting.Err(), -1)
				conntest.WantError(t, c.Write(t.Context(), websocket.MessageText, nil), context.Canceled)
				p.WantFrame()
				p.WantEOF()
			})
		})
	}
}

// A Writer's context ends while another call's frame blocks it: before its first frame,
// only the message is abandoned, and later ones are sent; after it, the connection
// fails.
func TestWriterContextWaitingForItsTurn(t *testing.T) {
	stalledPing := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (release func(), ping *rawpeer.Call[struct{}]) {
		release = conntest.UnderTest(p).StallWrites()
		ping = rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		synctest.Wait()
		return release, ping
	}

	t.Run("before the first frame", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			c.CloseRead(t.Context())
			ctx, cancel := context.WithCancel(t.Context())
			w := conntest.MustWriter(t, c, ctx)
			conntest.MustAdd(t, w, "given up")
			release, ping := stalledPing(t, c, p)
			behind := goWrite(t, c, "behind")
			closing := rawpeer.GoErr(t, w.Close)
			synctest.Wait()
			if closing.Returned() {
				t.Fatal("the message ended while the stream was stalled")
			}
			cancel()
			synctest.Wait()
			if !closing.Returned() {
				t.Fatal("the writer has not returned after its context ended")
			}
			conntest.WantError(t, closing.Err(), context.Canceled)
			release()
			p.SendPong(p.WantPing())
			ping.Want()
			p.WantText("behind")
			behind.Want()
			conntest.MustWriteText(t, c, "and on")
			p.WantText("and on")
		})
	})

	t.Run("after it", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			c.CloseRead(t.Context())
			ctx, cancel := context.WithCancel(t.Context())
			w := conntest.MustWriter(t, c, ctx)
			conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
			_, ping := stalledPing(t, c, p)
			closing := rawpeer.GoErr(t, w.Close)
			synctest.Wait()
			cancel()
			synctest.Wait()
			conntest.WantClosed(t, closing.Err(), -1)
			conntest.WantError(t, closing.Err(), context.Canceled)
			conntest.WantClosed(t, ping.Err(), -1)
			p.WantFrame()
			p.WantEOF()
		})
	})
}

// Writer waits for earlier messages, at most until its context ends.
func TestWriterContextOfWriter(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, "one")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := c.Writer(ctx, websocket.MessageText)
		conntest.WantError(t, err, context.DeadlineExceeded)
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("waited %v", waited)
		}
		conntest.MustEnd(t, w)
		p.WantText("one")
		_, err = c.Writer(ctx, websocket.MessageText)
		conntest.WantError(t, err, context.DeadlineExceeded)
		wantUsable(t, c, p)
	})
}

// No frame of a text message ends inside a character.
func TestWriterKeepsCharactersWhole(t *testing.T) {
	for _, character := range []string{"é", "€", "𝄞"} {
		for shift := range utf8.UTFMax {
			for _, step := range []int{1, 1000, maxFragment, 1 << 20} {
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					message := conntest.Filler(shift) + strings.Repeat(character, 3*maxFragment/len(character))
					write := rawpeer.GoErr(t, func() error {
						w, err := c.Writer(t.Context(), websocket.MessageText)
						if err != nil {
							return err
						}
						for rest := []byte(message); len(rest) > 0; rest = rest[min(step, len(rest)):] {
							if _, err := w.Write(rest[:min(step, len(rest))]); err != nil {
								return err
							}
						}
						return w.Close()
					})
					m := p.WantMessage(rawpeer.OpText, []byte(message))
					write.Want()
					for i, f := range m.Frames {
						if !utf8.Valid(f.Payload) {
							t.Fatalf("frame %d of %d is cut inside a character", i+1, len(m.Frames))
						}
						if n := len(f.Payload); n > maxFragment || i < len(m.Frames)-1 && n < maxFragment-utf8.UTFMax {
							t.Errorf("frame %d of %d has %d bytes", i+1, len(m.Frames), n)
						}
					}
				})
			}
		}
	}
}

// A second Close of a Writer whose context has ended, while other calls write, returns
// an error and has no other effect.
func TestWriterStaleWhileOthersWrite(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		w := conntest.MustWriter(t, c, ctx)
		conntest.MustAdd(t, w, "hello")
		conntest.MustEnd(t, w)
		p.WantText("hello")
		cancel()
		release, calls := queue(t, c, p, "other")
		if w.Close() == nil {
			t.Error("a Writer was closed twice")
		}
		release()
		calls[0].Want()
		p.WantText("other")
		wantUsable(t, c, p)
	})
}

// Writers are abandoned while a frame is blocked, the current one and one that was
// before: the lock is free afterwards.
func TestWritersAbandoned(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		earlier := conntest.MustWriter(t, c, ctx)
		cancel()
		earlier.Close()
		ctx, cancel = context.WithCancel(t.Context())
		current := conntest.MustWriter(t, c, ctx)
		cancel()

		release := conntest.UnderTest(p).StallWrites()
		pingCtx, endPing := context.WithCancel(t.Context())
		defer endPing()
		ping := rawpeer.GoErr(t, func() error { return c.Ping(pingCtx) })
		synctest.Wait()
		wantCanceled(t, current.Close())
		if earlier.Close() == nil {
			t.Error("a Writer was closed twice")
		}
		release()
		p.WantPing()
		endPing()
		wantCanceled(t, ping.Err())

		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w := conntest.MustWriter(t, c, ctx)
		conntest.MustAdd(t, w, "next")
		conntest.MustEnd(t, w)
		p.WantText("next")
	})
}

// The contexts of sent messages are not retained.
func TestWriterKeepsNoContext(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const messages = 50
		var freed atomic.Int32
		type key struct{}
		for range messages {
			value := new([1 << 16]byte)
			runtime.AddCleanup(value, func(freed *atomic.Int32) { freed.Add(1) }, &freed)
			w := conntest.MustWriter(t, c, context.WithValue(t.Context(), key{}, value))
			conntest.MustAdd(t, w, "x")
			conntest.MustEnd(t, w)
			p.WantText("x")
		}
		for range 5 {
			runtime.GC()
			time.Sleep(time.Second) // in the bubble's time
		}
		if kept := messages - freed.Load(); kept > 2 {
			t.Errorf("%d contexts of %d messages that are over are kept", kept, messages)
		}
	})
}

// flush calls Flush of the writer that Conn.Writer returned.
func flush(t *testing.T, w io.Writer) {
	t.Helper()
	conntest.WantNoError(t, w.(interface{ Flush() error }).Flush())
}

// Flush sends the written bytes as a frame, and nothing if there are none.
func TestWriterFlush(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w := conntest.MustWriter(t, c, t.Context())
		flush(t, w)
		p.WantSilence(time.Second)
		conntest.MustAdd(t, w, "to")
		flush(t, w)
		p.Want(rawpeer.Text("to").More())
		flush(t, w)
		p.WantSilence(time.Second)
		conntest.MustAdd(t, w, "ken\xe2\x82") // a character in two writes
		flush(t, w)
		p.Want(rawpeer.Continuation("ken").More())
		flush(t, w)
		p.WantSilence(time.Second)
		conntest.MustAdd(t, w, "\xac")
		flush(t, w)
		p.Want(rawpeer.Continuation("\u20ac").More())
		conntest.MustEnd(t, w)
		p.Want(rawpeer.Continuation(""))
		if err := w.(interface{ Flush() error }).Flush(); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v from Flush after Close", err)
		}
		wantUsable(t, c, p)
	})
}

// The flushed part of a compressed message can be inflated at once.
func TestWriterFlushCompressed(t *testing.T) {
	for _, mode := range modes {
		if mode.mode == websocket.CompressionDisabled {
			continue
		}
		opts := &conntest.Options{Compression: mode.mode, Threshold: -1}
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				w := conntest.MustWriter(t, c, t.Context())
				token := conntest.Filler(500)
				var payload []byte
				for i := range 4 {
					conntest.MustAdd(t, w, token)
					flush(t, w)
					flush(t, w)
					payload = append(payload, p.WantFrame().Payload...)
					got := make([]byte, len(token)*(i+1))
					if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(payload)), got); err != nil || string(got) != strings.Repeat(token, i+1) {
						t.Fatalf("after %d tokens: %v, or other text", i+1, err)
					}
					p.WantSilence(time.Second)
				}
				conntest.MustEnd(t, w)
				p.WantFrame()
			})
		})
		t.Run(mode.name+"/messages", func(t *testing.T) {
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for i := range 4 {
					w := conntest.MustWriter(t, c, t.Context())
					want := ""
					for _, size := range []int{10, 200, 40_000, 20} {
						part := conntest.Filler(size + i)
						conntest.MustAdd(t, w, part)
						flush(t, w)
						want += part
					}
					conntest.MustEnd(t, w)
					p.WantMessage(rawpeer.OpText, []byte(want))
					conntest.MustWriteText(t, c, want[:300])
					p.WantMessage(rawpeer.OpText, []byte(want[:300]))
				}
			})
		})
	}
}

// A Writer whose context has ended does not block other writes, even if it is never
// closed: neither waiting nor later ones. Before its first frame the connection stays
// open; after it the connection fails.
func TestWriterAbandoned(t *testing.T) {
	for _, compression := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		for _, waits := range []bool{true, false} {
			for _, begun := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/waits %t/begun %t", compression, waits, begun), func(t *testing.T) {
					conntest.ForBothRoles(t, &conntest.Options{Compression: compression, Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						ctx := conntest.NewCountedContext()
						w := conntest.MustWriter(t, c, ctx)
						size := 100
						if begun {
							size = 12 * maxFragment
						}
						conntest.MustAdd(t, w, conntest.Filler(size))
						var write *rawpeer.Call[struct{}]
						if waits {
							write = goWrite(t, c, "other")
							synctest.Wait()
							if write.Returned() {
								t.Fatalf("got %v of a write behind a Writer", write.Err())
							}
						}
						if waiting, registered := ctx.Counts(); !begun && waiting+registered > 0 {
							t.Errorf("%d registrations, %d waiting, of the context of an idle Writer", registered, waiting)
						}
						ctx.Cancel()
						if !waits {
							synctest.Wait()
							write = goWrite(t, c, "other")
						}
						if begun {
							conntest.WantClosed(t, write.Err(), -1)
							conntest.WantError(t, write.Err(), context.Canceled)
							conntest.WantError(t, conntest.ReadErr(t.Context(), c), context.Canceled)
							conntest.WantEnded(t, c, -1)
						} else {
							write.Want()
							p.WantMessage(rawpeer.OpText, []byte("other"))
						}
						_, err := w.Write([]byte("more"))
						conntest.WantError(t, err, context.Canceled)
						conntest.WantError(t, w.Close(), context.Canceled)
						if !begun {
							wantUsable(t, c, p)
						}
					})
				})
			}
		}
	}
}

// An abandoned Writer registers nothing with its context, and neither it nor the write
// that ends it allocates.
func TestWriterAbandonedAllocatesNothing(t *testing.T) {
	const runs = 100 // a collection of garbage empties pools in one of them
	most := 0.0
	if poolcheck.On {
		most = runs // with the race detector pools forget
	}
	c, err := websocket.Accept(&hijacked{header: http.Header{}, conn: &loop{}}, conntest.Request(), nil)
	conntest.WantNoError(t, err)
	defer c.CloseNow()
	p := []byte("hello")
	abandon := func(ctx context.Context, cancel func()) {
		w, err := c.Writer(ctx, websocket.MessageText)
		if err == nil {
			_, err = w.Write(p)
		}
		cancel()
		if err := errors.Join(err, c.Write(t.Context(), websocket.MessageText, p)); err != nil {
			t.Error(err)
		}
	}
	counted := conntest.NewCountedContext()
	abandon(counted, counted.Cancel)
	if _, registered := counted.Counts(); registered != 0 {
		t.Errorf("%d functions were registered with the context", registered)
	}
	var ctxs [2 * runs]context.Context
	var cancels [len(ctxs)]context.CancelFunc
	for i := range ctxs {
		ctxs[i], cancels[i] = context.WithCancel(t.Context())
		ctxs[i].Done() // the context allocates it in the first call
	}
	next := 0
	again := func() {
		abandon(ctxs[next], cancels[next])
		next++
	}
	for range len(ctxs) - runs - 1 { // AllocsPerRun makes one more call
		again()
	}
	if n := testing.AllocsPerRun(runs, again); n > most {
		t.Errorf("an abandoned Writer and the next Write allocate %v times", n)
	}
}
