//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// goClose starts a Close, and returns when it waits.
func goClose(t *testing.T, c *websocket.Conn, code websocket.StatusCode, reason string) *rawpeer.Call[struct{}] {
	call := rawpeer.GoErr(t, func() error { return c.Close(code, reason) })
	synctest.Wait()
	return call
}

// wantAllClosed wants every call to say that the connection is closed, and with
// which code the peer closed it, if it did. Closing it again is no error.
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

// The handshake as it should be: frame, discarded data, frame, end.
func TestClose(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				call := goClose(t, c, 4001, "bye")
				p.WantCloseReason(4001, "bye")
				p.SendText("discarded")
				p.Send(rawpeer.Text("in ").More(), rawpeer.Ping("not answered"), rawpeer.Continuation("fragments"))
				p.SendBinary([]byte(conntest.Filler(100_000))) // more than may be read
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

// Whatever the peer does, Close takes 5 seconds at most, and the network
// connection is closed.
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
		{"goes on sending", func(p *rawpeer.Peer, closing *rawpeer.Call[struct{}]) {
			message := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(conntest.Filler(30_000))))
			for !closing.Returned() {
				p.Conn.Write(message) // fails in the end
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

// A peer that reads nothing gets no close frame, and no more time for it.
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
					if err := call.Err(); err != nil { // the Writer may have been had
						conntest.WantClosed(t, err, -1)
					}
				}
				wantAllClosed(t, c, p, -1)
			})
		})
	}
}

// A peer that is gone is not waited for.
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

// Close does its work while others use the connection.
func TestCloseMeanwhile(t *testing.T) {
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

// The end of a write's context does not take the close frame along.
func TestCloseFrameOutlivesContexts(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) (write *rawpeer.Call[struct{}], cancel, release func())
		sent  int // frames, before the close frame
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

// Two Reads wait while Close does; the context of the first ends inside a
// message that is being discarded. The second goes on to the end.
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
