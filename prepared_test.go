//go:build !js

package websocket_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

func mustPrepare(tb testing.TB, typ websocket.MessageType, s string) *websocket.PreparedMessage {
	tb.Helper()
	m, err := websocket.NewPreparedMessage(typ, []byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func goWritePrepared(t *testing.T, c *websocket.Conn, m *websocket.PreparedMessage) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error { return c.WritePrepared(t.Context(), m) })
}

func mustWritePrepared(t *testing.T, c *websocket.Conn, m *websocket.PreparedMessage) {
	t.Helper()
	if err := c.WritePrepared(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// A prepared message is one frame, and a server writes it with one Write, whatever its
// size.
func TestPreparedOneFrame(t *testing.T) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		t.Run(typ.String(), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for _, size := range []int{0, 1, 125, 126, 4096, 4097, 0xffff, 0x10000, 200_000} {
					message := conntest.Filler(size)
					prepared := mustPrepare(t, typ, message)
					for range 2 {
						p.CountWrites()
						write := goWritePrepared(t, c, prepared)
						m := p.WantMessage(rawpeer.Opcode(typ), []byte(message))
						write.Want()
						if len(m.Frames) != 1 {
							t.Errorf("%d bytes in %d frames", size, len(m.Frames))
						}
						if conntest.PeerIsClient(p) {
							p.WantWrites(1)
						}
					}
				}
			})
		})
	}
}

// The threshold of each connection decides whether a prepared message is compressed on
// it.
func TestPreparedThreshold(t *testing.T) {
	message := mustPrepare(t, websocket.MessageText, conntest.Filler(600))
	for _, mode := range modes[1:] {
		for _, test := range []struct {
			threshold  int
			compressed bool
		}{{0, true}, {600, true}, {601, false}, {-1, true}} {
			t.Run(fmt.Sprint(mode.name, " ", test.threshold), func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Threshold: test.threshold}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					write := goWritePrepared(t, c, message)
					m := p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(600)))
					write.Want()
					if got := m.Frames[0].RSV == rawpeer.RSV1; got != test.compressed {
						t.Errorf("compressed is %t", got)
					}
				})
			})
		}
	}
}

// Other messages of a connection refer to the end of a prepared one, which is in the
// peer's window: in every order, whether the prepared one was sent or abandoned.
func TestPreparedBetweenCompressed(t *testing.T) {
	sizes := []int{300, 3000, 10_000, 50_000}
	var prepared []*websocket.PreparedMessage
	for i, size := range sizes {
		prepared = append(prepared, mustPrepare(t, websocket.MessageText, fmt.Sprint("prepared ", i, conntest.Filler(size))))
	}
	for _, mode := range modes[1:] {
		t.Run(mode.name, func(t *testing.T) {
			pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Pipe: pipe}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				want := func(s string) {
					t.Helper()
					p.WantMessage(rawpeer.OpText, []byte(s))
				}
				own := func(s string) {
					t.Helper()
					conntest.MustWriteText(t, c, s)
					want(s)
				}
				for i, size := range sizes {
					text := fmt.Sprint("prepared ", i, conntest.Filler(size))
					own(fmt.Sprint("before ", conntest.Filler(1000)))
					for range 1 + i%2 {
						mustWritePrepared(t, c, prepared[i])
						want(text)
					}
					own(fmt.Sprint("after ", conntest.Filler(1000)))
					own(text)

					w := conntest.MustWriter(t, c, t.Context())
					conntest.MustAdd(t, w, text+text)
					conntest.MustEnd(t, w)
					want(text + text)

					ctx, cancel := context.WithCancel(t.Context())
					release := conntest.UnderTest(p).StallWrites()
					call := rawpeer.GoErr(t, func() error { return c.WritePrepared(ctx, prepared[i]) })
					synctest.Wait()
					cancel()
					wantCanceled(t, call.Err())
					release()
					own(text)
				}
			})
		})
	}
}

// The message after a prepared one refers to it.
func TestPreparedIsInWindow(t *testing.T) {
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.MustWriteText(t, c, conntest.Filler(200))
		p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(200)))
		mustWritePrepared(t, c, mustPrepare(t, websocket.MessageText, conntest.Filler(1500)))
		p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(1500)))
		again := conntest.Filler(200) + conntest.Filler(1500)
		conntest.MustWriteText(t, c, again)
		m := p.WantMessage(rawpeer.OpText, []byte(again))
		if got := len(m.Frames[0].Payload); got > 100 {
			t.Errorf("got %d bytes for a repeated message", got)
		}
	})
}

// Prepared messages wait in the same queue, and are sent together with the others.
// Messages after a compressed one in the middle refer to it.
func TestPreparedBatch(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			opts := &conntest.Options{Compression: mode.mode, Threshold: 10}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				if mode.mode != websocket.CompressionDisabled {
					// The later messages refer to this one.
					conntest.MustWriteText(t, c, conntest.Filler(500))
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(500)))
				}
				messages := []string{"zero", "one", conntest.Filler(300), "three", conntest.Filler(5000), "five", conntest.Filler(300)}
				release, calls := queue(t, c, p, messages[0])
				for i, m := range messages[1:] {
					if i == 2 {
						calls = append(calls, goWrite(t, c, m))
					} else {
						calls = append(calls, goWritePrepared(t, c, mustPrepare(t, websocket.MessageText, m)))
					}
					synctest.Wait()
				}
				release()
				for i, call := range calls {
					call.Want()
					p.WantMessage(rawpeer.OpText, []byte(messages[i]))
				}
				if mode.mode == websocket.CompressionDisabled {
					wantBatches(t, p, messages[:1], messages[1:5], messages[5:])
				}
				conntest.MustWriteText(t, c, conntest.Filler(500)+conntest.Filler(300))
				p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(500)+conntest.Filler(300)))
			})
		})
	}
}

// On each connection, distances are within the negotiated window.
func TestPreparedWindow(t *testing.T) {
	text := strings.Repeat(conntest.Filler(1000), 2)
	prepared := mustPrepare(t, websocket.MessageText, text)
	for _, test := range []struct{ bits, min, max int }{{15, 0, 1000}, {8, 1400, 2010}, {15, 0, 1000}, {9, 1400, 2010}} {
		t.Run(fmt.Sprint(test.bits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := conntest.AcceptedWith(t, websocket.CompressionContextTakeover, 0, fmt.Sprintf("%s; server_max_window_bits=%d", pmd, test.bits))
				defer c.CloseNow()
				mustWritePrepared(t, c, prepared)
				f := p.WantFrame()
				got, err := rawpeer.NewInflater(rawpeer.NoTakeover).Message(f.Payload)
				if err != nil || string(got) != text {
					t.Fatalf("got %q, error %v", got, err)
				}
				if n := len(f.Payload); n < test.min || n > test.max {
					t.Errorf("%d bytes became %d, want %d to %d", len(text), n, test.min, test.max)
				}
			})
		})
	}
}

// A prepared message waits for the end of a fragmented message.
func TestPreparedBehindWriter(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				w := conntest.MustWriter(t, c, t.Context())
				conntest.MustAdd(t, w, conntest.Filler(600))
				write := goWritePrepared(t, c, mustPrepare(t, websocket.MessageText, conntest.Filler(700)))
				synctest.Wait()
				if write.Returned() {
					t.Fatal("a message was written in the middle of another")
				}
				conntest.MustEnd(t, w)
				p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(600)))
				p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(700)))
				write.Want()
			})
		})
	}
}

// If the context of a prepared message ends while it is being sent, the connection
// fails.
func TestPreparedInterrupted(t *testing.T) {
	for _, size := range []int{100, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				conntest.UnderTest(p).SetCapacity(50)
				ctx, cancel := context.WithCancel(t.Context())
				m := mustPrepare(t, websocket.MessageBinary, conntest.Filler(size))
				call := rawpeer.GoErr(t, func() error { return c.WritePrepared(ctx, m) })
				synctest.Wait()
				cancel()
				conntest.WantClosed(t, call.Err(), -1)
				conntest.WantClosed(t, c.WritePrepared(t.Context(), m), -1)
			})
		})
	}
}

// A message may be written concurrently to many connections with different settings.
func TestPreparedConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		message := strings.Repeat(conntest.Filler(500), 10)
		prepared := mustPrepare(t, websocket.MessageText, message)
		var wg sync.WaitGroup
		for i := range 16 {
			opts := &conntest.Options{
				Compression: modes[i%3].mode,
				Pipe:        &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded},
			}
			c, p := conntest.Roles[i%2].Connect(t, rawpeer.Listen(opts.Pipe), opts)
			defer c.CloseNow()
			for range 3 {
				wg.Go(func() {
					if err := c.WritePrepared(t.Context(), prepared); err != nil {
						t.Error(err)
					}
				})
			}
			defer func() {
				for range 3 {
					p.WantMessage(rawpeer.OpText, []byte(message))
				}
			}()
		}
		wg.Wait()
	})
}

// takingOver is for connections on which messages of at least 100 bytes refer to
// earlier ones.
var takingOver = &conntest.Options{Compression: websocket.CompressionContextTakeover, Threshold: 100}

// mustTalk writes a message, and expects it to arrive.
func mustTalk(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, s string) {
	t.Helper()
	conntest.MustWriteText(t, c, s)
	p.WantMessage(rawpeer.OpText, []byte(s))
}

// A prepared message precedes another one that it takes into its batch, also for the
// messages after both.
func TestPreparedBatchesPrepared(t *testing.T) {
	first, second := conntest.Filler(700), strings.ToUpper(conntest.Filler(1400)[700:])
	conntest.ForBothRoles(t, takingOver, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		mustTalk(t, c, p, conntest.Filler(500)) // creates the compressor
		release, calls := queue(t, c, p, "zero")
		for _, s := range []string{first, second} {
			calls = append(calls, goWritePrepared(t, c, mustPrepare(t, websocket.MessageText, s)))
			synctest.Wait()
		}
		release()
		for i, s := range []string{"zero", first, second} {
			p.WantMessage(rawpeer.OpText, []byte(s))
			calls[i].Want()
		}
		mustTalk(t, c, p, first)
		mustTalk(t, c, p, second)
	})
}

// A prepared message in another one's batch, whose context ends before a byte of it is
// sent, has not been sent: later messages do not refer to it.
func TestPreparedWithdrawn(t *testing.T) {
	text := conntest.Filler(700)
	conntest.ForBothRoles(t, takingOver, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		mustTalk(t, c, p, conntest.Filler(500)) // creates the compressor
		release, calls := queue(t, c, p, "zero")
		one, cancelOne := context.WithCancel(t.Context())
		writeOne := rawpeer.GoErr(t, func() error { return c.Write(one, websocket.MessageText, []byte("one")) })
		synctest.Wait()
		two, cancelTwo := context.WithCancel(t.Context())
		prepared := mustPrepare(t, websocket.MessageText, text)
		writeTwo := rawpeer.GoErr(t, func() error { return c.WritePrepared(two, prepared) })
		synctest.Wait()

		header := 2
		if !conntest.PeerIsClient(p) {
			header = 6 // including a masking key
		}
		conntest.UnderTest(p).SetCapacity(header + len("zero") + header + len("one"))
		release()
		calls[0].Want()
		synctest.Wait()
		cancelOne() // it has been sent, and its sender leaves the rest to the other
		writeOne.Want()
		synctest.Wait()
		cancelTwo()
		wantCanceled(t, writeTwo.Err())

		p.WantText("zero")
		p.WantText("one")
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		mustTalk(t, c, p, text)
	})
}
