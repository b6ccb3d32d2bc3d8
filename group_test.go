//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

func prepared(t *testing.T, text string) *websocket.PreparedMessage {
	t.Helper()
	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte(text))
	conntest.WantNoError(t, err)
	return m
}

// Post returns at once, and posted messages are sent in order with writes.
func TestPostOrder(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				release := conntest.UnderTest(p).StallWrites()
				var writes []*rawpeer.Call[struct{}]
				for i := range 10 {
					conntest.WantNoError(t, c.Post(prepared(t, "post "+strconv.Itoa(i)+conntest.Filler(500*i))))
					writes = append(writes, rawpeer.GoErr(t, func() error {
						return c.Write(t.Context(), websocket.MessageText, []byte("write "+strconv.Itoa(i)))
					}))
					synctest.Wait()
				}
				release()
				for i := range 10 {
					p.WantMessage(rawpeer.OpText, []byte("post "+strconv.Itoa(i)+conntest.Filler(500*i)))
					p.WantMessage(rawpeer.OpText, []byte("write "+strconv.Itoa(i)))
					writes[i].Want()
				}
				conntest.WantNoError(t, c.Post(prepared(t, "last")))
				p.WantMessage(rawpeer.OpText, []byte("last"))
			})
		})
	}
}

// A Post beyond the limit queues nothing, and does not affect the connection. A single
// message may have any size.
func TestPostBacklog(t *testing.T) {
	for _, test := range []struct {
		bound  int64
		size   int
		queued int // -1: any number
	}{{1000, 400, 2}, {1000, 500, 2}, {1000, 5000, 1}, {0, 100 << 10, 10}, {-1, 100 << 10, -1}} {
		conntest.ForBothRoles(t, &conntest.Options{MaxBacklog: test.bound}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			release := conntest.UnderTest(p).StallWrites()
			m := prepared(t, conntest.Filler(test.size))
			queued := 0
			for range 50 {
				err := c.Post(m)
				if err != nil {
					conntest.WantError(t, err, websocket.ErrBacklog)
					if errors.Is(err, net.ErrClosed) {
						t.Fatal(err)
					}
					break
				}
				queued++
				synctest.Wait()
			}
			if want := test.queued; want >= 0 && queued != want || want < 0 && queued != 50 {
				t.Errorf("%d messages of %d bytes are queued with a bound of %d, want %d", queued, test.size, test.bound, want)
			}
			release()
			for range queued {
				p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(test.size)))
			}
			synctest.Wait()
			conntest.WantNoError(t, c.Post(m))
			p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(test.size)))
		})
	}
}

// The queue refers to messages and does not copy them.
func TestPostCopiesNothing(t *testing.T) {
	const messages, size = 60, 16 << 10
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.UnderTest(p).StallWrites()
		m := prepared(t, conntest.Filler(size))
		conntest.WantNoError(t, c.Post(m)) // a client's is masked in a copy, to be sent
		synctest.Wait()
		allocated := conntest.Allocated(func() {
			for range messages {
				conntest.WantNoError(t, c.Post(m))
			}
		})
		if allocated > messages*size/16 {
			t.Errorf("%d bytes are allocated for %d messages of %d", allocated, messages, size)
		}
	})
}

// Messages that are empty do not queue up without a bound, and one that was not prepared
// is an error.
func TestPostOfNothing(t *testing.T) {
	conntest.ForBothRoles(t, &conntest.Options{MaxBacklog: 100}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		release := conntest.UnderTest(p).StallWrites()
		m := prepared(t, "")
		queued := 0
		for ; queued < 1000 && c.Post(m) == nil; queued++ {
		}
		if queued > 100 {
			t.Errorf("%d empty messages are queued with a bound of 100 bytes", queued)
		}
		conntest.WantError(t, c.Post(m), websocket.ErrBacklog)
		release()
		for range queued {
			p.WantText("")
		}
		if err := c.Post(new(websocket.PreparedMessage)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v for a message that was not prepared", err)
		}
		wantUsable(t, c, p)
	})
}

// A message waits for the end of an open one, and is dropped if Close comes before it.
func TestPostBehindWriter(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, "open")
		conntest.WantNoError(t, c.Post(prepared(t, "posted")))
		p.WantSilence(time.Second)
		conntest.MustEnd(t, w)
		p.WantText("open")
		p.WantText("posted")

		conntest.MustWriter(t, c, t.Context())
		conntest.WantNoError(t, c.Post(prepared(t, "dropped")))
		call := goClose(t, c, 4000, "")
		p.WantClose(4000)
		p.SendClose(4000, "")
		call.Want()
	})
}

// posting counts the goroutines that send posted frames.
func posting() int {
	stacks := make([]byte, 1<<22)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "created by github.com/bhojpur/api/internal/sender.")
}

// A post that the system takes at once needs no goroutine. While the peer does not read
// there is one, however much is posted, and none when it has read. Over TLS, where a
// write may block, one sends each message.
func TestPostGoroutines(t *testing.T) {
	test := func(healthy int) func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		return func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			none := func() {
				t.Helper()
				for ctx := bounded(t); posting() > 0; runtime.Gosched() {
					if ctx.Err() != nil {
						t.Fatalf("%d goroutines send, and nothing is queued", posting())
					}
				}
			}
			const unread = 32 << 20 // more than the system buffers
			small, large := prepared(t, "small"), prepared(t, conntest.Filler(unread))
			for range 20 {
				conntest.WantNoError(t, c.Post(small))
				if n := posting(); n > healthy {
					t.Fatalf("%d goroutines send to a peer that reads, want at most %d", n, healthy)
				}
				p.WantText("small")
			}
			none()
			conntest.WantNoError(t, c.Post(large))
			for range 20 {
				conntest.WantError(t, c.Post(small), websocket.ErrBacklog)
			}
			conntest.WantNoError(t, c.Err())
			if n := posting(); n != 1 {
				t.Errorf("%d goroutines send to a peer that does not read, want 1", n)
			}
			p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(unread)))
			none()
			wantUsable(t, c, p)
		}
	}
	conntest.OverTCP(t, nil, test(0))
	overTLSPeer(t, test(1))
}

// bounded returns a context that ends with the test, or after a minute.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Close sends the queue before its frame; CloseNow drops it.
func TestPostAndClose(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		release := conntest.UnderTest(p).StallWrites()
		for i := range 5 {
			conntest.WantNoError(t, c.Post(prepared(t, strconv.Itoa(i))))
		}
		call := goClose(t, c, 4000, "")
		conntest.WantClosed(t, c.Post(prepared(t, "late")), -1)
		release()
		for i := range 5 {
			p.WantText(strconv.Itoa(i))
		}
		p.WantClose(4000)
		p.SendClose(4000, "")
		call.Want()
		conntest.WantClosed(t, c.Post(prepared(t, "late")), 4000)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.UnderTest(p).StallWrites()
		conntest.WantNoError(t, c.Post(prepared(t, "dropped")))
		c.CloseNow()
		conntest.WantClosed(t, c.Post(prepared(t, "late")), -1)
	})
}

// WriteTimeout applies to posted messages if the peer does not read.
func TestPostWriteTimeout(t *testing.T) {
	conntest.ForBothRoles(t, &conntest.Options{WriteTimeout: writeTimeout}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.UnderTest(p).StallWrites()
		conntest.WantNoError(t, c.Post(prepared(t, "stuck")))
		start := time.Now()
		<-c.Done()
		if took := time.Since(start); took != writeTimeout {
			t.Errorf("it took %v", took)
		}
		conntest.WantError(t, c.Err(), websocket.ErrWriteTimeout)
	})
}

// Connections are added to and removed from a group, and removed when they end.
func TestGroup(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		other, _ := conntest.Accepted(t, rawpeer.Listen(nil), new(conntest.Options))
		defer other.CloseNow()
		var room, all websocket.Group
		for range 2 { // the second time has no effect
			for _, c := range []*websocket.Conn{c, other} {
				if !all.Add(c) || !room.Add(c) {
					t.Fatal("an open group refuses a connection")
				}
			}
		}
		room.Remove(other)
		room.Remove(other)
		if room.Len() != 1 || all.Len() != 2 {
			t.Fatalf("%d and %d members, want 1 and 2", room.Len(), all.Len())
		}
		for c := range all.All() {
			all.Remove(c)
			all.Add(c) // no lock is held
			room.Add(c)
		}
		p.Close()
		conntest.ReadErr(t.Context(), c)
		<-c.Done()
		if room.Len() != 1 || all.Len() != 1 {
			t.Fatalf("%d and %d members after one has ended, want 1 and 1", room.Len(), all.Len())
		}
		if !all.Add(c) || all.Len() != 1 {
			t.Error("a connection that has ended is still a member")
		}
	})
}

// A connection whose Done channel is closed is not added, in whichever state it is.
func TestGroupAddAfterFailedWrite(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		conntest.UnderTest(p).CutWrites(errors.New("write: broken pipe"))
		if err := c.Write(t.Context(), websocket.MessageText, []byte("x")); err == nil {
			t.Fatal("a write to a broken stream succeeds")
		}
		<-c.Done()
		closing := goClose(t, c, 4000, "")
		synctest.Wait()
		if closing.Returned() {
			t.Fatal("Close does not wait for the peer's close frame")
		}
		var g websocket.Group
		if !g.Add(c) || g.Len() != 0 {
			t.Errorf("%d members, want 0", g.Len())
		}
		p.SendClose(4000, "")
		closing.Result()
	})
}

// A connection keeps no group that it has left from being collected.
func TestLeftGroupIsCollected(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		rooms := []*websocket.Group{new(websocket.Group), new(websocket.Group), new(websocket.Group)}
		var left []weak.Pointer[websocket.Group]
		for i, r := range rooms {
			left = append(left, weak.Make(r))
			r.Add(c)
			if i > 0 {
				rooms[i-1].Remove(c)
			}
		}
		rooms[0].Add(c)
		rooms[2].Remove(c)
		rooms[0].Remove(c)
		rooms = nil
		runtime.GC()
		for i, r := range left {
			if r.Value() != nil {
				t.Errorf("group %d is still there", i)
			}
		}
		runtime.KeepAlive(c)
	})
}

// Close sends all close frames before it waits, waits for the replies concurrently, and
// drops the remaining connections when its context ends.
func TestGroupClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g websocket.Group
		var peers []*rawpeer.Peer
		for range 10 {
			c, p := conntest.Accepted(t, rawpeer.Listen(nil), new(conntest.Options))
			defer c.CloseNow()
			g.Add(c)
			peers = append(peers, p)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		call := rawpeer.GoErr(t, func() error { return g.Close(ctx, websocket.StatusGoingAway, "bye") })
		for _, p := range peers {
			p.Timeout = time.Hour
			p.WantCloseReason(1001, "bye")
		}
		for _, p := range peers[1:] {
			p.SendClose(1001, "")
			p.WantEOF()
		}
		if g.Len() != 1 {
			t.Errorf("%d members are left, want 1", g.Len())
		}
		conntest.WantError(t, call.Err(), context.DeadlineExceeded)
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("it took %v", took)
		}
		peers[0].WantEnd()
		c, _ := conntest.Accepted(t, rawpeer.Listen(nil), new(conntest.Options))
		defer c.CloseNow()
		if g.Add(c) || g.Len() != 0 {
			t.Error("a closed group accepts a connection")
		}
		conntest.WantNoError(t, g.Close(t.Context(), websocket.StatusGoingAway, ""))
	})
}

// A member that another call closes counts as one of those that are left, and a handshake
// under way is waited for. So is the goroutine of CloseRead.
func TestGroupCloseOfClosingMember(t *testing.T) {
	for _, answers := range []bool{true, false} {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			var g websocket.Group
			g.Add(c)
			read := c.CloseRead(t.Context())
			first := goClose(t, c, 4000, "")
			p.WantClose(4000)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			call := rawpeer.GoErr(t, func() error { return g.Close(ctx, websocket.StatusGoingAway, "") })
			p.WantSilence(time.Second / 2)
			if answers {
				p.SendClose(4000, "")
				call.Want()
				first.Want()
			} else {
				conntest.WantError(t, call.Err(), context.DeadlineExceeded)
				p.WantEnd()
			}
			if answers && read.Err() == nil || g.Len() != 0 {
				t.Errorf("%d members, and the error %v of the read", g.Len(), read.Err())
			}
		})
	}
}

// However Add, Remove, Close and the end of a connection meet, a connection that has
// ended is in no group, and a closed group takes none.
func TestGroupConcurrently(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	for range rounds {
		ours, theirs := rawpeer.Connect(t, rawpeer.Listen(nil))
		c := rawpeer.AcceptedOn(t, ours, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			return websocket.Accept(w, r, nil)
		})
		var g, closed websocket.Group
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { g.Add(c); g.Remove(c); g.Add(c) })
			all.Go(func() { g.Remove(c); g.Add(c); closed.Add(c) })
		}
		all.Go(func() { closed.Close(t.Context(), websocket.StatusGoingAway, "") })
		all.Go(func() { c.CloseNow() })
		all.Go(func() {
			for c := range g.All() {
				g.Remove(c)
			}
		})
		all.Wait()
		if g.Len() != 0 || closed.Len() != 0 {
			t.Fatalf("%d and %d members after the end", g.Len(), closed.Len())
		}
		if closed.Add(c) {
			t.Fatal("a closed group accepts a connection")
		}
		theirs.Close()
	}
}
