//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// goClose starts a Close, and returns when it is blocked.
func goClose(t *testing.T, c *websocket.Conn, code websocket.StatusCode, reason string) *rawpeer.Call[struct{}] {
	call := rawpeer.GoErr(t, func() error { return c.Close(code, reason) })
	synctest.Wait()
	return call
}

// wantAllClosed expects every call to fail because the connection is closed, with the
// peer's close status, if any. Closing it again returns nil.
func wantAllClosed(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, status websocket.StatusCode) {
	t.Helper()
	start := time.Now()
	if !conntest.UnderTest(p).Stats().Closed {
		t.Error("the network connection is open")
	}
	conntest.WantEnded(t, c, status)
	if waited := time.Since(start); waited != 0 {
		t.Errorf("calls on a closed connection took %v", waited)
	}
}

// The normal close handshake: frame, discarded messages, frame, end.
func TestClose(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				call := goClose(t, c, 4001, "bye")
				p.WantCloseReason(4001, "bye")
				p.SendText("discarded")
				p.Send(rawpeer.Text("in ").More(), rawpeer.Ping("not answered"), rawpeer.Continuation("fragments"))
				p.SendBinary([]byte(conntest.Filler(100_000))) // above the read limit
				if mode.mode != websocket.CompressionDisabled {
					p.Send(rawpeer.Deflated(rawpeer.Text("compressed")))
				}
				synctest.Wait()
				if call.Returned() {
					t.Fatal("Close did not wait for the peer's close frame")
				}
				p.SendClose(4002, "too")
				p.WantEOF()
				call.Want()
				wantAllClosed(t, c, p, 4002)
			})
		})
	}
}

// Close takes at most 5 seconds, and closes the network connection, whatever the peer
// does.
func TestCloseTimeout(t *testing.T) {
	for _, test := range []struct {
		name string
		does func(p *rawpeer.Peer, closing *rawpeer.Call[struct{}])
	}{
		{"says nothing", func(p *rawpeer.Peer, _ *rawpeer.Call[struct{}]) { p.WantClose(1000) }},
		{"stalls in a header", func(p *rawpeer.Peer, _ *rawpeer.Call[struct{}]) { p.SendRaw([]byte{0x82}) }},
		{"stalls in a payload", func(p *rawpeer.Peer, _ *rawpeer.Call[struct{}]) {
			p.SendRaw(rawpeer.AppendFrameAs(nil, p.Masked(rawpeer.Text("cut off")), rawpeer.Shortest, 100))
		}},
		{"stalls in its close frame", func(p *rawpeer.Peer, _ *rawpeer.Call[struct{}]) {
			p.SendRaw(rawpeer.AppendFrameAs(nil, p.Masked(rawpeer.Close(1000, "cut")), rawpeer.Shortest, 100))
		}},
		{"stalls in a message", func(p *rawpeer.Peer, _ *rawpeer.Call[struct{}]) { p.Send(rawpeer.Text("more").More()) }},
		{"keeps sending", func(p *rawpeer.Peer, closing *rawpeer.Call[struct{}]) {
			message := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(conntest.Filler(30_000))))
			for !closing.Returned() {
				p.Conn.Write(message) // fails eventually
				time.Sleep(50 * time.Millisecond)
			}
		}},
		{"pings", func(p *rawpeer.Peer, closing *rawpeer.Call[struct{}]) {
			ping := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Ping("")))
			for !closing.Returned() {
				p.Conn.Write(ping)
				time.Sleep(50 * time.Millisecond)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				start := time.Now()
				var took time.Duration
				call := rawpeer.GoErr(t, func() error {
					err := c.Close(websocket.StatusNormalClosure, "")
					took = time.Since(start)
					return err
				})
				test.does(p, call)
				if err := call.Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want that of a deadline", err)
				}
				if took != conntest.CloseTimeout {
					t.Errorf("took %v", took)
				}
				wantAllClosed(t, c, p, -1)
			})
		})
	}
}

// A peer that does not read gets no close frame, and no additional time.
func TestClosePeerReadsNothing(t *testing.T) {
	for _, capacity := range []int{1, 3, 100} {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				conntest.UnderTest(p).SetCapacity(capacity)
				stuck := []*rawpeer.Call[struct{}]{
					goWrite(t, c, conntest.Filler(9000)),
					goWrite(t, c, "small"),
					rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) }),
					rawpeer.GoErr(t, func() error { _, err := c.Writer(t.Context(), websocket.MessageText); return err }),
				}
				synctest.Wait()
				start := time.Now()
				call := goClose(t, c, websocket.StatusNormalClosure, "")
				if call.Err() == nil {
					t.Error("no error from Close")
				}
				if took := time.Since(start); took != conntest.CloseTimeout {
					t.Errorf("took %v", took)
				}
				for _, call := range stuck {
					if err := call.Err(); err != nil { // the Writer may have been acquired
						conntest.WantClosed(t, err, -1)
					}
				}
				wantAllClosed(t, c, p, -1)
			})
		})
	}
}

// Close does not wait for a peer that has disconnected.
func TestClosePeerGone(t *testing.T) {
	for _, test := range []struct {
		name string
		goes func(p *rawpeer.Peer)
		want error
	}{
		{"closed", func(p *rawpeer.Peer) { p.Close() }, nil},
		{"half-closed", func(p *rawpeer.Peer) { p.CloseWrite() }, io.EOF},
		{"half-closed in a frame", func(p *rawpeer.Peer) { p.SendRaw([]byte{0x82}); p.CloseWrite() }, io.ErrUnexpectedEOF},
		{"reset", func(p *rawpeer.Peer) { p.Reset() }, rawpeer.ErrReset},
	} {
		for _, when := range []string{"before", "meanwhile"} {
			t.Run(test.name+" "+when, func(t *testing.T) {
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					start := time.Now()
					if when == "before" {
						test.goes(p)
						synctest.Wait()
					}
					call := goClose(t, c, websocket.StatusNormalClosure, "")
					if when != "before" {
						test.goes(p)
					}
					err := call.Err()
					if err == nil {
						t.Error("no error from Close without the peer's close frame")
					}
					if test.want != nil {
						conntest.WantError(t, err, test.want)
					}
					if took := time.Since(start); took != 0 {
						t.Errorf("took %v", took)
					}
					wantAllClosed(t, c, p, -1)
				})
			})
		}
	}
}

// Close works while other goroutines use the connection.
func TestCloseDuringCalls(t *testing.T) {
	t.Run("reading", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			reading := rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err })
			call := goClose(t, c, 4000, "")
			p.WantClose(4000)
			p.SendText("discarded")
			synctest.Wait()
			if reading.Returned() || call.Returned() {
				t.Fatal("a call returned before the peer's close frame")
			}
			p.SendClose(4000, "")
			p.WantEOF()
			call.Want()
			conntest.WantClosed(t, reading.Err(), 4000)
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("reading a message", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Send(rawpeer.Text("some").More())
			_, r, err := c.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			reading := rawpeer.Go(t, func() ([]byte, error) { return io.ReadAll(r) })
			call := goClose(t, c, 4000, "")
			p.WantClose(4000)
			p.Send(rawpeer.Continuation("more").More())
			p.SendClose(4000, "")
			p.WantEOF()
			call.Want()
			_, err = reading.Result()
			conntest.WantClosed(t, err, 4000)
			_, err = r.Read(make([]byte, 1))
			conntest.WantClosed(t, err, 4000)
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("inside a message", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.SendText("not read to its end")
			_, r, err := c.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			io.ReadFull(r, make([]byte, 3))
			call := goClose(t, c, 4000, "")
			p.WantClose(4000)
			p.SendClose(4000, "")
			p.WantEOF()
			call.Want()
			_, err = r.Read(make([]byte, 1))
			conntest.WantClosed(t, err, 4000)
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("writing", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			conntest.UnderTest(p).SetCapacity(100)
			writing := goWrite(t, c, conntest.Filler(9000))
			synctest.Wait()
			waiting := goWrite(t, c, "waits")
			call := goClose(t, c, 4000, "")
			p.WantText(conntest.Filler(9000))
			p.WantClose(4000)
			writing.Want()
			conntest.WantClosed(t, waiting.Err(), -1)
			p.SendClose(4000, "")
			p.WantEOF()
			call.Want()
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("with a Writer", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			w := conntest.MustWriter(t, c, t.Context())
			conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
			call := goClose(t, c, 4000, "")
			p.WantFrame()
			p.WantClose(4000)
			p.SendClose(4000, "")
			p.WantEOF()
			call.Want()
			_, err := w.Write([]byte("more"))
			conntest.WantClosed(t, err, 4000)
			conntest.WantClosed(t, w.Close(), 4000)
			wantAllClosed(t, c, p, 4000)
		})
	})

	t.Run("pinging", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
			p.WantPing()
			call := goClose(t, c, 4000, "")
			p.WantClose(4000)
			p.SendClose(4000, "")
			call.Want()
			conntest.WantClosed(t, ping.Err(), 4000)
		})
	})

	t.Run("by CloseRead", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			ctx := c.CloseRead(t.Context())
			call := goClose(t, c, 4000, "")
			p.WantClose(4000)
			p.SendText("late, and no violation any more")
			p.SendClose(4000, "")
			p.WantEOF()
			call.Want()
			<-ctx.Done()
		})
	})
}

// The end of a write's context does not discard the close frame.
func TestCloseFrameOutlivesContexts(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (write *rawpeer.Call[struct{}], cancel, release func())
		sent  int // number of frames before the close frame
	}{
		{"in the transport", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (write *rawpeer.Call[struct{}], cancel, release func()) {
			release = conntest.UnderTest(p).StallWrites()
			write, cancel = goWriteFor(t, c, "withdrawn")
			return write, cancel, release
		}, 0},
		{"large, in the transport", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (write *rawpeer.Call[struct{}], cancel, release func()) {
			release = conntest.UnderTest(p).StallWrites()
			write, cancel = goWriteFor(t, c, conntest.Filler(100_000))
			return write, cancel, release
		}, 0},
		{"waiting", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (write *rawpeer.Call[struct{}], cancel, release func()) {
			release, _ = queue(t, c, p, "zero")
			write, cancel = goWriteFor(t, c, "leaves")
			return write, cancel, release
		}, 1},
		{"a Writer between two frames", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (write *rawpeer.Call[struct{}], cancel, release func()) {
			ctx, cancel := context.WithCancel(t.Context())
			w := conntest.MustWriter(t, c, ctx)
			conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
			release = conntest.UnderTest(p).StallWrites()
			go c.Ping(t.Context())
			synctest.Wait()
			return rawpeer.GoErr(t, w.Close), cancel, release
		}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				write, cancel, release := test.write(t, c, p)
				synctest.Wait()
				call := goClose(t, c, 4000, "")
				cancel()
				synctest.Wait()
				if write.Err() == nil {
					t.Error("the write did not fail")
				}
				release()
				for range test.sent {
					p.WantFrame()
				}
				p.WantClose(4000)
				p.SendClose(4000, "")
				p.WantEOF()
				call.Want()
				wantAllClosed(t, c, p, 4000)
			})
		})
	}
}

// Two Reads wait during Close; the context of the first one ends inside a message that
// is being discarded. The second one continues to the end.
func TestReadWhileClosing(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		first := rawpeer.GoErr(t, func() error { _, _, err := c.Read(ctx); return err })
		synctest.Wait()
		second := rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err })
		synctest.Wait()
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		p.WantClose(1000)
		p.Send(rawpeer.Text("abc").More())
		synctest.Wait()
		cancel()
		wantCanceled(t, first.Err())
		p.Send(rawpeer.Continuation("x"))
		synctest.Wait()
		p.SendClose(1000, "")
		conntest.WantClosed(t, second.Err(), websocket.StatusNormalClosure)
		closing.Want()
	})
}

// Nothing is sent after the close frame, and there is only one.
func TestCloseIsLast(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.CloseRead(t.Context())
		calls := []*rawpeer.Call[struct{}]{goClose(t, c, 4000, "first")}
		for range 3 {
			calls = append(calls, goClose(t, c, 4001, "not sent"))
		}
		p.WantCloseReason(4000, "first")
		for name, err := range map[string]error{
			"Write":       c.Write(t.Context(), websocket.MessageText, nil),
			"large Write": c.Write(t.Context(), websocket.MessageText, []byte(conntest.Filler(5000))),
			"Ping":        c.Ping(t.Context()),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: got error %v after the close frame", name, err)
			}
		}
		_, err := c.Writer(t.Context(), websocket.MessageText)
		conntest.WantClosed(t, err, -1)
		p.SendPing("not answered")
		p.WantSilence(time.Second)
		for _, call := range calls {
			if call.Returned() {
				t.Fatal("a Close did not wait")
			}
		}
		p.SendClose(4000, "")
		p.WantEOF()
		for _, call := range calls {
			call.Want()
		}
	})
}

// A pong that is still pending when the close frame is sent is dropped.
func TestCloseIsLastOfPosted(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		release := conntest.UnderTest(p).StallWrites()
		call := goClose(t, c, 4000, "")
		p.SendPing("too late")
		synctest.Wait()
		release()
		p.WantClose(4000)
		p.WantSilence(time.Second)
		p.SendClose(4000, "")
		p.WantEOF()
		call.Want()
	})
}

// Writes that are queued when Close begins are not sent.
func TestCloseAheadOfQueue(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				release, calls := queue(t, c, p, "zero", "one", conntest.Filler(1000), conntest.Filler(5000), "four")
				call := goClose(t, c, 4000, "")
				release()
				p.WantText("zero")
				p.WantClose(4000)
				calls[0].Want()
				for _, call := range calls[1:] {
					conntest.WantClosed(t, call.Err(), -1)
				}
				p.SendClose(4000, "")
				p.WantEOF()
				call.Want()
				wantAllClosed(t, c, p, 4000)
			})
		})
	}
}

// longestReason is the longest reason that fits into a close frame (RFC 6455 section
// 5.5).
var longestReason = strings.Repeat("r", 123)

// The reply to a close frame has the same code and reason, the connection is closed,
// and the errors of all later calls have the code.
func TestPeerCloses(t *testing.T) {
	for _, code := range []int{
		1000, 1001, 1002, 1003,
		1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
		3000, 3999, 4000, 4999,
	} {
		for _, reason := range []string{"", "bye, 世界", longestReason} {
			t.Run(fmt.Sprintf("%d with %d bytes", code, len(reason)), func(t *testing.T) {
				conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
					call := rawpeer.Go(t, read)
					synctest.Wait()
					start := time.Now()
					p.SendClose(code, reason)
					p.WantCloseReason(code, reason)
					p.WantEOF()
					err := call.Err()
					conntest.WantCause(t, err, websocket.StatusCode(code))
					if ce, ok := errors.AsType[websocket.CloseError](err); !ok || ce.Reason != reason {
						t.Fatalf("got reason %q, want %q", ce.Reason, reason)
					}
					if d := time.Since(start); d != 0 {
						t.Fatalf("took %v, want no time", d)
					}
					conntest.WantEnded(t, c, websocket.StatusCode(code))
				})
			})
		}
	}
}

// The reply to a close frame without a code has none either.
func TestPeerClosesWithoutCode(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		p.SendClose(rawpeer.NoCode, "")
		p.WantClose(rawpeer.NoCode)
		p.WantEOF()
		conntest.WantCause(t, read.Err(), websocket.StatusNoStatusRcvd)
		conntest.WantEnded(t, c, websocket.StatusNoStatusRcvd)
	})
}

// A code that must not be sent is a violation. It is detected when its two bytes have
// arrived, and is not reported as the peer's status.
func TestPeerClosesWithInvalidCode(t *testing.T) {
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				f := rawpeer.Close(1000, "a reason")
				f.Payload[0], f.Payload[1] = byte(code>>8), byte(code)
				wire := rawpeer.AppendFrame(nil, p.Masked(f))
				p.SendRaw(wire[:len(wire)-len("a reason")])
				p.WantClose(1002)
				p.WantEOF()
				p.Close()
				conntest.WantCause(t, call.Err(), -1)
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// The close frame works in any pieces, and frames after it are ignored.
func TestPeerClosesInPieces(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		all := conntest.Pieces(p, 1, []rawpeer.Frame{rawpeer.Close(4321, "grün, 水, 🎉")})
		for _, piece := range all[:len(all)-1] {
			p.SendRaw(piece)
			synctest.Wait()
			if read.Returned() {
				t.Fatalf("got %v before the whole frame", read.Err())
			}
		}
		p.SendRaw(all[len(all)-1])
		p.WantCloseReason(4321, "grün, 水, 🎉")
		conntest.WantCause(t, read.Err(), 4321)
	})
}

func TestPeerClosesAmongFrames(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("one"), rawpeer.Ping("two"), rawpeer.Close(1001, ""), rawpeer.Text("late"), rawpeer.Close(4000, ""))
		conntest.WantText(t, c, "one")
		_, _, err := c.Read(t.Context())
		conntest.WantCause(t, err, websocket.StatusGoingAway)
		p.WantPong("two")
		p.WantClose(1001)
		p.WantEOF()
		conntest.WantEnded(t, c, websocket.StatusGoingAway)
	})
}

// A message interrupted by the peer's close frame is incomplete.
func TestPeerClosesInsideMessage(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			call := rawpeer.Go(t, read)
			encode := opts.Encoder()
			p.Send(encode(rawpeer.Text("part")).More(), rawpeer.Close(4000, ""))
			p.WantClose(4000)
			p.WantEOF()
			conntest.WantCause(t, call.Err(), 4000)
			conntest.WantEnded(t, c, 4000)
		})
	})
}

// Calls blocked elsewhere end with the connection.
func TestPeerClosesWhileOthersWait(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		p.WantPing()
		w, err := c.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		write := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), websocket.MessageText, []byte("x")) })
		synctest.Wait()
		first, second := conntest.GoRead(t, c), conntest.GoRead(t, c)
		synctest.Wait()
		p.SendClose(4000, "")
		p.WantClose(4000)
		p.WantEOF()
		for _, call := range []interface{ Err() error }{ping, write, first, second} {
			conntest.WantCause(t, call.Err(), 4000)
		}
		_, err = w.Write([]byte("x"))
		conntest.WantClosed(t, err, 4000)
		conntest.WantClosed(t, w.Close(), 4000)
		conntest.WantEnded(t, c, 4000)
	})
}

// CloseContext is bounded by its context, or by 5 seconds without a deadline.
func TestCloseContext(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration // 0: no deadline
		want    time.Duration
	}{
		{"no deadline", 0, 5 * time.Second},
		{"shorter", time.Second, time.Second},
		{"longer", time.Minute, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if test.timeout != 0 {
					ctx, cancel = context.WithTimeout(ctx, test.timeout)
				}
				defer cancel()
				start := time.Now()
				err := c.CloseContext(ctx, 4001, "bye")
				if waited := time.Since(start); waited != test.want {
					t.Errorf("it took %v, want %v", waited, test.want)
				}
				conntest.WantError(t, err, context.DeadlineExceeded)
				p.WantCloseReason(4001, "bye")
				wantAllClosed(t, c, p, -1)
			})
		})
	}
}

// A peer that replies late, but in time, completes the handshake. A canceled context
// ends it.
func TestCloseContextAnswered(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		call := rawpeer.GoErr(t, func() error { return c.CloseContext(ctx, 1000, "") })
		p.WantClose(1000)
		time.Sleep(30 * time.Minute)
		p.SendClose(1000, "")
		p.WantEOF()
		call.Want()
		wantAllClosed(t, c, p, 1000)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		call := rawpeer.GoErr(t, func() error { return c.CloseContext(ctx, 1000, "") })
		p.WantClose(1000)
		cancel()
		conntest.WantError(t, call.Err(), context.Canceled)
		wantAllClosed(t, c, p, -1)
	})
}

// Done is closed when the connection has ended, and Err returns the cause.
func TestDoneAndErr(t *testing.T) {
	for _, test := range []struct {
		name   string
		end    func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)
		status websocket.StatusCode
		cause  error
	}{
		{"Close", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			call := goClose(t, c, 1000, "")
			p.WantClose(1000)
			p.SendClose(1000, "")
			call.Want()
		}, 1000, net.ErrClosed},
		{"CloseNow", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { c.CloseNow() }, -1, net.ErrClosed},
		{"the peer closes", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.SendClose(4000, "")
			conntest.ReadErr(t.Context(), c)
		}, 4000, websocket.CloseError{Code: 4000}},
		{"the peer is gone", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Close()
			conntest.ReadErr(t.Context(), c)
		}, -1, io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				done := c.Done()
				select {
				case <-done:
					t.Fatal("Done is closed on an open connection")
				default:
					conntest.WantNoError(t, c.Err())
				}
				test.end(t, c, p)
				<-done
				<-c.Done()
				conntest.WantClosed(t, c.Err(), test.status)
				conntest.WantError(t, c.Err(), test.cause)
			})
		})
	}
}

// A send that fails ends the connection for a program that reads nothing, whichever call
// it was for: Done is closed, Err holds the reason, and the connection leaves its groups.
// What has arrived can still be read.
func TestDoneAfterFailedSend(t *testing.T) {
	lost := errors.New("lost")
	for name, send := range map[string]func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer){
		"Write": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			conntest.UnderTest(p).CutWrites(lost)
			conntest.WantError(t, c.Write(t.Context(), websocket.MessageText, nil), lost)
		},
		"Ping": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			conntest.UnderTest(p).CutWrites(lost)
			conntest.WantError(t, c.Ping(t.Context()), lost)
		},
		"Post": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			conntest.UnderTest(p).StallWrites()
			conntest.WantNoError(t, c.Post(prepared(t, "posted")))
			synctest.Wait()
			conntest.WantNoError(t, c.Err())
			conntest.UnderTest(p).CutWrites(lost)
		},
		"Post behind a Write of the same batch": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			release, writes := queue(t, c, p, "one", "two")
			conntest.WantNoError(t, c.Post(prepared(t, "six")))
			conntest.UnderTest(p).SetCapacity(3*frameSize(p, 3) - 1)
			release()
			synctest.Wait()
			writes[0].Want()
			conntest.UnderTest(p).CutWrites(lost)
			writes[1].Want()
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				var g, late websocket.Group
				g.Add(c)
				done := c.Done()
				send(t, c, p)
				<-done
				<-c.Done()
				conntest.WantClosed(t, c.Err(), -1)
				conntest.WantError(t, c.Err(), lost)
				if !late.Add(c) || g.Len() != 0 || late.Len() != 0 {
					t.Errorf("the connection is a member of %d and %d groups", g.Len(), late.Len())
				}
				conntest.WantError(t, c.Post(prepared(t, "late")), lost)
				p.SendText("goodbye")
				conntest.WantText(t, c, "goodbye")
			})
		})
	}
}

func TestIsNormalClose(t *testing.T) {
	for code, want := range map[websocket.StatusCode]bool{1000: true, 1001: true, 1005: false, 1006: false, 1011: false, 4000: false} {
		if got := websocket.IsNormalClose(fmt.Errorf("wrapped: %w", websocket.CloseError{Code: code})); got != want {
			t.Errorf("got %v for %d", got, code)
		}
	}
	if websocket.IsNormalClose(nil) || websocket.IsNormalClose(io.EOF) || websocket.IsNormalClose(net.ErrClosed) {
		t.Error("an error without a close frame is a normal close")
	}
}

// After Close of this side, the peer's reply decides.
func TestIsNormalCloseOfThisSide(t *testing.T) {
	for _, test := range []struct {
		reply websocket.StatusCode // 0 for none
		want  bool
	}{{1000, true}, {1001, true}, {4000, false}, {0, false}} {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			closing := goClose(t, c, websocket.StatusNormalClosure, "")
			p.WantClose(1000)
			if test.reply != 0 {
				p.SendClose(int(test.reply), "")
			}
			closing.Result()
			for name, err := range map[string]error{"Read": conntest.ReadErr(t.Context(), c), "Err": c.Err()} {
				if got := websocket.IsNormalClose(err); got != test.want || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s after the reply %d: got %v for %v", name, test.reply, got, err)
				}
			}
		})
	}
}
