//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// goWriteFor is goWrite with a context that ends when the test says so.
func goWriteFor(t *testing.T, c *websocket.Conn, s string) (*rawpeer.Call[struct{}], context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	return rawpeer.GoErr(t, func() error {
		return c.Write(ctx, websocket.MessageText, []byte(s))
	}), cancel
}

// wantCanceled wants the error of a call whose context ended and that did no
// harm.
func wantCanceled(t *testing.T, err error) {
	t.Helper()
	conntest.WantError(t, err, context.Canceled)
	if errors.Is(err, net.ErrClosed) {
		t.Fatalf("the connection has failed: %v", err)
	}
}

// wantFailed wants the error of a call whose context ended too late: the
// connection has failed.
func wantFailed(t *testing.T, err error) {
	t.Helper()
	conntest.WantError(t, err, context.Canceled)
	conntest.WantClosed(t, err, -1)
}

// A context that has ended writes nothing.
func TestWriteContextEnded(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				p.CountWrites()
				for _, size := range []int{0, 10, 5000, 100_000} {
					wantCanceled(t, c.Write(ctx, websocket.MessageText, []byte(conntest.Filler(size))))
				}
				_, err := c.Writer(ctx, websocket.MessageText)
				wantCanceled(t, err)
				wantCanceled(t, c.Ping(ctx))
				p.WantWrites(0)
				wantUsable(t, c, p)
			})
		})
	}
}

// Who leaves the line sends nothing, and does not keep the others from it.
func TestWriteContextEndsWaiting(t *testing.T) {
	for _, mode := range modes {
		for _, size := range []int{10, 1000, 5000, 100_000} {
			t.Run(fmt.Sprintf("%s %d", mode.name, size), func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					release, before := queue(t, c, p, "zero", "one")
					leaves, cancel := goWriteFor(t, c, conntest.Filler(size))
					synctest.Wait()
					behind := goWrite(t, c, "behind")
					synctest.Wait()
					cancel()
					synctest.Wait()
					if !leaves.Returned() {
						t.Fatal("the write waits on, after its context ended")
					}
					wantCanceled(t, leaves.Err())
					release()
					for _, want := range []string{"zero", "one", "behind"} {
						p.WantText(want)
					}
					for _, call := range append(before, behind) {
						call.Want()
					}
					conntest.MustWriteText(t, c, conntest.Filler(1000))
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(1000)))
					wantUsable(t, c, p)
				})
			})
		}
	}
}

// While a Writer's message is under way, another's context may end too.
func TestWriteContextEndsBehindWriter(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
		for _, size := range []int{10, 5000} {
			leaves, cancel := goWriteFor(t, c, conntest.Filler(size))
			synctest.Wait()
			cancel()
			wantCanceled(t, leaves.Err())
		}
		conntest.MustEnd(t, w)
		p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(maxFragment+1)))
		wantUsable(t, c, p)
	})
}

// A frame of which nothing is out can be withdrawn, also by who has its turn.
// The next compressed message does not refer to it.
func TestWriteContextEndsBeforeFirstByte(t *testing.T) {
	for _, mode := range modes {
		for _, size := range []int{10, 1000, 5000, 100_000} {
			t.Run(fmt.Sprintf("%s %d", mode.name, size), func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					conntest.MustWriteText(t, c, conntest.Filler(500))
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(500)))

					release := conntest.UnderTest(p).StallWrites()
					withdrawn, cancel := goWriteFor(t, c, conntest.Filler(size))
					synctest.Wait()
					cancel()
					synctest.Wait()
					if !withdrawn.Returned() {
						t.Fatal("the write waits on, after its context ended")
					}
					wantCanceled(t, withdrawn.Err())
					release()

					for range 3 {
						conntest.MustWriteText(t, c, conntest.Filler(min(size, 9000))+conntest.Filler(500))
						p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(min(size, 9000))+conntest.Filler(500)))
					}
					wantUsable(t, c, p)
				})
			})
		}
	}
}

// What was posted goes out ahead of a frame, and stays when that is withdrawn.
func TestWriteContextEndsBehindPong(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		reading := c.CloseRead(t.Context())
		release, before := queue(t, c, p, "zero")
		p.SendPing("answer me")
		synctest.Wait()
		// This one gets its turn with the pong in front of it, and no room.
		withdrawn, cancel := goWriteFor(t, c, "withdrawn")
		synctest.Wait()
		conntest.UnderTest(p).SetCapacity(frameSize(p, len("zero")))
		release()
		before[0].Want()
		synctest.Wait()
		cancel()
		synctest.Wait()
		wantCanceled(t, withdrawn.Err())
		behind := goWrite(t, c, "behind")
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		p.WantText("zero")
		p.WantPong("answer me")
		p.WantText("behind")
		behind.Want()
		if reading.Err() != nil {
			t.Error("the connection is closed")
		}
	})
}

// Once a part of a frame is out, its end must follow, and does not: the
// connection has failed.
func TestWriteContextEndsInsideFrame(t *testing.T) {
	for _, test := range []struct {
		size, out int
	}{
		{100, 1},
		{100, 3},
		{100, 50},
		{5000, 2},
		{5000, 4}, // all of a server's header
		{5000, 8}, // all of a client's
		{5000, 4000},
		{100_000, 1},
		{100_000, 10}, // all of a server's header
		{100_000, 14}, // all of a client's
		{100_000, 4 << 10},
		{100_000, 16 << 10},
		{100_000, 99_999},
	} {
		for _, mode := range modes[:2] {
			if mode.mode != websocket.CompressionDisabled && test.out > test.size/2 {
				continue // it is shorter, compressed
			}
			t.Run(fmt.Sprintf("%d of %d %s", test.out, test.size, mode.name), func(t *testing.T) {
				message := conntest.Filler(test.size)
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					reading := rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err })
					conntest.UnderTest(p).SetCapacity(test.out)
					call, cancel := goWriteFor(t, c, message)
					synctest.Wait()
					behind := goWrite(t, c, "behind")
					synctest.Wait()
					start := time.Now()
					cancel()
					wantFailed(t, call.Err())
					wantFailed(t, behind.Err())
					wantFailed(t, reading.Err())
					wantFailed(t, c.Ping(t.Context()))
					if waited := time.Since(start); waited != 0 {
						t.Errorf("it took %v", waited)
					}
					if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
						t.Errorf("got error %v from Close of a failed connection", err)
					}
					if _, err := p.ReadFrame(); err == nil {
						t.Error("the frame came whole")
					}
				})
			})
		}
	}
}

// The same through a socket, whose buffers are full at some point.
func TestWriteContextEndsInsideFrameTCP(t *testing.T) {
	conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		call := rawpeer.GoErr(t, func() error {
			return c.Write(ctx, websocket.MessageBinary, make([]byte, 32<<20))
		})
		if _, err := p.Conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		cancel()
		wantFailed(t, call.Err())
		wantFailed(t, c.Write(t.Context(), websocket.MessageText, nil))
	})
}

// batch sends three frames together of which the transport takes the first out
// bytes, for as long as nothing is read: "own" of a sender that has its turn,
// and two that it took along. before is the frame that kept them waiting.
func batch(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, out int) (calls []*rawpeer.Call[struct{}], cancels []context.CancelFunc) {
	t.Helper()
	release, before := queue(t, c, p, "before")
	for _, m := range []string{"own", "two", "six"} {
		call, cancel := goWriteFor(t, c, m)
		calls, cancels = append(calls, call), append(cancels, cancel)
		synctest.Wait()
	}
	conntest.UnderTest(p).SetCapacity(frameSize(p, len("before")) + out)
	release()
	before[0].Want()
	synctest.Wait()
	for _, call := range calls {
		if call.Returned() {
			t.Fatal("a write returned before the batch was taken")
		}
	}
	return calls, cancels
}

// The context of who sends a batch ends: that is its own affair, unless it
// leaves half of its own frame behind. The others' frames go out, and so does
// the close frame that came meanwhile.
func TestBatchSenderContextEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		out  func(frame int) int // of three frames of this size
		want func(t *testing.T, err error)
		sent []string
	}{
		{"nothing out", func(int) int { return 0 }, wantCanceled, []string{"two", "six"}},
		{"own frame out", func(n int) int { return n }, conntest.WantNoError, []string{"own", "two", "six"}},
		{"half of the second", func(n int) int { return n + n/2 }, conntest.WantNoError, []string{"own", "two", "six"}},
		{"half of the third", func(n int) int { return 2*n + n/2 }, conntest.WantNoError, []string{"own", "two", "six"}},
	} {
		senderLeaves := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, meanwhile, then func()) {
			calls, cancels := batch(t, c, p, test.out(frameSize(p, 3)))
			meanwhile()
			synctest.Wait()
			cancels[0]()
			synctest.Wait()
			if !calls[0].Returned() {
				t.Fatal("the write waits on, after its context ended")
			}
			test.want(t, calls[0].Err())
			conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
			p.WantText("before")
			for _, m := range test.sent {
				p.WantText(m)
			}
			then()
			calls[1].Want()
			calls[2].Want()
		}
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				senderLeaves(t, c, p, func() {}, func() { wantUsable(t, c, p) })
			})
		})
		t.Run(test.name+", closing", func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				var closing *rawpeer.Call[struct{}]
				senderLeaves(t, c, p, func() {
					closing = rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "after them") })
				}, func() {
					p.WantCloseReason(1000, "after them")
					p.SendClose(1000, "")
					p.WantEOF()
					closing.Want()
				})
			})
		})
	}

	t.Run("half of its own", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			calls, cancels := batch(t, c, p, 2)
			cancels[0]()
			for _, call := range calls {
				wantFailed(t, call.Err())
			}
			wantFailed(t, c.Write(t.Context(), websocket.MessageText, nil))
		})
	})
}

// A frame that another sends along can't be withdrawn.
func TestBatchPassengerContextEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		out  func(frame int) int
	}{
		{"nothing out", func(int) int { return 0 }},
		{"half of the first", func(n int) int { return n / 2 }},
		{"half of its own", func(n int) int { return 2*n + n/2 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				calls, cancels := batch(t, c, p, test.out(frameSize(p, 3)))
				cancels[2]()
				wantFailed(t, calls[2].Err())
				for _, call := range calls[:2] {
					if err := call.Err(); err != nil { // else it was out
						wantFailed(t, err)
					}
				}
				wantFailed(t, c.Write(t.Context(), websocket.MessageText, nil))
			})
		})
	}
}

// When the sender of a batch and then who took over have left, the next one
// goes on, and so to the end.
func TestBatchSendersLeave(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		before, n := frameSize(p, len("before")), frameSize(p, 3)
		calls, cancels := batch(t, c, p, n)
		cancels[0]()
		calls[0].Want()
		conntest.UnderTest(p).SetCapacity(before + 2*n)
		synctest.Wait()
		cancels[1]()
		calls[1].Want()
		conntest.UnderTest(p).SetCapacity(before + 2*n + 1)
		synctest.Wait()
		if calls[2].Returned() {
			t.Fatal("a write returned with a part of its frame out")
		}
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		calls[2].Want()
		p.WantText("before")
		p.WantText("own")
		p.WantText("two")
		p.WantText("six")
		wantUsable(t, c, p)
	})
}

// A ping waits for its pong as long as its context says; that it goes
// unanswered harms nobody.
func TestPingContext(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		reading := rawpeer.Go(t, func() (string, error) { _, b, err := c.Read(t.Context()); return string(b), err })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		conntest.WantError(t, c.Ping(ctx), context.DeadlineExceeded)
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("waited %v", waited)
		}
		late := p.WantPing()
		p.SendPong(late)
		next := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		payload := p.WantPing()
		synctest.Wait()
		if payload == late || next.Returned() {
			t.Error("a ping was answered by the pong of an earlier one")
		}
		p.SendPong(payload)
		next.Want()
		p.SendText("done")
		if got := reading.Want(); got != "done" {
			t.Errorf("got %q", got)
		}
	})
}

// Who was handed the sending, and of whose frame no byte is out, takes it out
// again when its context ends.
func TestBatchSuccessorContextEnds(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		calls, cancels := batch(t, c, p, frameSize(p, 3))
		cancels[0]()
		calls[0].Want()
		synctest.Wait()
		cancels[1]()
		wantCanceled(t, calls[1].Err())
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		p.WantText("before")
		p.WantText("own")
		p.WantText("six")
		calls[2].Want()
		wantUsable(t, c, p)
	})
}
