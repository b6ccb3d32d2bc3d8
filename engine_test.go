//go:build !js

package websocket_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bent"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// overConn makes a connection under test. bend wraps its end of an in-memory stream.
func overConn(t *testing.T, role string, bend func(net.Conn) net.Conn) (*websocket.Conn, *rawpeer.Peer) {
	t.Helper()
	client, server := rawpeer.Pipe(nil)
	if role == "server" {
		c := rawpeer.AcceptedOn(t, bend(server), nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			return websocket.Accept(w, r, nil)
		})
		p := rawpeer.NewPeer(t, client, rawpeer.Client)
		p.ReadResponse(nil)
		return c, p
	}
	c := rawpeer.DialedOn(t, bend(client), nil, func(client *http.Client) (*websocket.Conn, error) {
		c, _, err := websocket.Dial(t.Context(), "ws://server.test", &websocket.DialOptions{HTTPClient: client})
		return c, err
	})
	return c, rawpeer.NewPeer(t, server, rawpeer.Server)
}

// forBent runs test for both roles in a bubble. bend wraps the stream.
func forBent(t *testing.T, bend func(net.Conn) net.Conn, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	for _, role := range conntest.Roles {
		t.Run(role.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := overConn(t, role.Name, bend)
				defer c.CloseNow()
				test(t, c, p)
			})
		})
	}
}

// A bending is a net.Conn whose deadlines do not follow the rules of package net.
type bending struct {
	name string
	bend func(net.Conn) net.Conn
	ends bool // a context that ends a read fails the connection
}

var bendings = []bending{
	{"deadlines that do nothing", func(c net.Conn) net.Conn { return bent.IgnoresDeadlines{Conn: c} }, true},
	{"deadlines that are refused", func(c net.Conn) net.Conn { return bent.RefusesDeadlines{Conn: c} }, true},
	{"setters that wait for the call", func(c net.Conn) net.Conn { return bent.NewWaitingSetters(c) }, true},
	{"deadlines overwritten in a call", func(c net.Conn) net.Conn {
		slow := func() { time.Sleep(300 * time.Millisecond) }
		return bent.IdleTimeout{Conn: c, Timeout: time.Hour, Enter: slow}
	}, false},
	{"timeouts of its own", func(c net.Conn) net.Conn { return bent.OwnTimeouts{Conn: c} }, false},
	{"reads that go on after Close", func(c net.Conn) net.Conn { return bent.ClosesWrites{Conn: c} }, false},
}

func forBendings(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, b bending)) {
	t.Helper()
	for _, b := range bendings {
		t.Run(b.name, func(t *testing.T) {
			forBent(t, b.bend, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { test(t, c, p, b) })
		})
	}
}

// wantWithin expects call to return in time. The longer limit of a minute only lets the
// test end.
func wantWithin(t *testing.T, limit time.Duration, what string, call func() error) error {
	t.Helper()
	began := time.Now()
	returned := make(chan error, 1)
	go func() { returned <- call() }()
	select {
	case err := <-returned:
		if d := time.Since(began); d > limit {
			t.Errorf("%s took %v, want at most %v", what, d, limit)
		}
		return err
	case <-time.After(time.Minute):
		t.Fatalf("%s has not returned after a minute", what)
		return nil
	}
}

// ofContext is the most time for a call whose context ends after 200 ms.
const ofContext = 200*time.Millisecond + 1200*time.Millisecond

// Every read returns when its context ends, with any deadlines of the stream.
func TestReadContextOverBentConns(t *testing.T) {
	forBendings(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, b bending) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		err := wantWithin(t, ofContext, "Read", func() error {
			_, _, err := c.Read(ctx)
			return err
		})
		conntest.WantError(t, err, context.DeadlineExceeded)
		if b.ends {
			conntest.WantError(t, err, net.ErrClosed)
			return
		}
		p.SendText("hello")
		conntest.WantText(t, c, "hello")
	})
}

// Every write does, too, if the peer does not read.
func TestWriteContextOverBentConns(t *testing.T) {
	forBendings(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, b bending) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		err := wantWithin(t, ofContext, "Write", func() error {
			return c.Write(ctx, websocket.MessageBinary, make([]byte, 1<<20))
		})
		conntest.WantError(t, err, context.DeadlineExceeded)
		conntest.WantError(t, err, net.ErrClosed)
	})
}

// Close returns within 5 seconds, if the peer does not reply, with any calls under way.
func TestCloseOverBentConns(t *testing.T) {
	forBendings(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, b bending) {
		writing := rawpeer.GoErr(t, func() error {
			return c.Write(context.Background(), websocket.MessageBinary, make([]byte, 1<<20))
		})
		reading := rawpeer.GoErr(t, func() error {
			_, _, err := c.Read(context.Background())
			return err
		})
		synctest.Wait()
		wantWithin(t, 5*time.Second, "Close", func() error { return c.Close(websocket.StatusNormalClosure, "") })
		conntest.WantError(t, writing.Err(), net.ErrClosed)
		conntest.WantError(t, reading.Err(), net.ErrClosed)
	})
}

func TestIdleCloseOverBentConns(t *testing.T) {
	forBendings(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, b bending) {
		err := wantWithin(t, 5*time.Second, "Close", func() error { return c.Close(websocket.StatusNormalClosure, "") })
		conntest.WantError(t, err, context.DeadlineExceeded)
		p.WantClose(1000)
		p.WantEOF()
	})
}

// Draining after a violation also ends in time.
func TestViolationOverBentConns(t *testing.T) {
	forBendings(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, b bending) {
		reading := rawpeer.GoErr(t, func() error {
			_, _, err := c.Read(context.Background())
			return err
		})
		p.SendRaw(wronglyMasked(p))
		err := wantWithin(t, 2*time.Second, "Read", reading.Err)
		conntest.WantCause(t, err, -1)
		p.WantClose(1002)
	})
}

// A type that returns its own timeout errors has working deadlines: NetConn continues
// after one.
func TestNetConnDeadlineWithOwnTimeouts(t *testing.T) {
	forBent(t, func(c net.Conn) net.Conn { return bent.OwnTimeouts{Conn: c} }, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
		defer nc.Close()
		for range 3 {
			nc.SetReadDeadline(time.Now().Add(time.Second))
			_, err := nc.Read(make([]byte, 5))
			conntest.WantError(t, err, os.ErrDeadlineExceeded)
			nc.SetReadDeadline(time.Time{})
			p.SendBinary([]byte("hello"))
			b := make([]byte, 5)
			if _, err := io.ReadFull(nc, b); err != nil || string(b) != "hello" {
				t.Fatalf("got %q and %v", b, err)
			}
		}
	})
}

// A timeout without a deadline of this library ends the connection: that of a lost
// peer, and that of a type with an idle timeout.
func TestForeignTimeoutEndsTheConnection(t *testing.T) {
	t.Run("lost peer", func(t *testing.T) {
		for _, role := range conntest.Roles {
			t.Run(role.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var lost *bent.LostPeer
					c, _ := overConn(t, role.Name, func(c net.Conn) net.Conn {
						lost = &bent.LostPeer{Conn: c}
						return lost
					})
					defer c.CloseNow()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					reading := rawpeer.GoErr(t, func() error { _, _, err := c.Read(ctx); return err })
					synctest.Wait()
					lost.Lose()
					err := reading.Err()
					conntest.WantCause(t, err, -1)
					conntest.WantError(t, err, syscall.ETIMEDOUT)
				})
			})
		}
	})
	t.Run("idle timeout", func(t *testing.T) {
		forBent(t, func(c net.Conn) net.Conn { return bent.IdleTimeout{Conn: c, Timeout: time.Second} }, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			_, _, err := c.Read(t.Context())
			conntest.WantCause(t, err, -1)
			conntest.WantError(t, err, os.ErrDeadlineExceeded)
		})
	})
}

// sendings are calls that send messages at once.
var sendings = map[string]func(ctx context.Context, c *websocket.Conn){
	"write": func(ctx context.Context, c *websocket.Conn) { c.Write(ctx, websocket.MessageText, []byte("hello")) },
	"long write": func(ctx context.Context, c *websocket.Conn) {
		c.Write(ctx, websocket.MessageBinary, make([]byte, 100_000))
	},
	"ping":         func(ctx context.Context, c *websocket.Conn) { c.Ping(ctx) },
	"pong":         func(ctx context.Context, c *websocket.Conn) { c.Pong(ctx, nil) },
	"writer":       func(ctx context.Context, c *websocket.Conn) { writeAll(ctx, c, 100_000) },
	"writer's end": func(ctx context.Context, c *websocket.Conn) { writeAll(ctx, c, 10) },
	"prepared": func(ctx context.Context, c *websocket.Conn) {
		m, _ := websocket.NewPreparedMessage(websocket.MessageText, []byte("hello"))
		c.WritePrepared(ctx, m)
	},
	"net.Conn": func(ctx context.Context, c *websocket.Conn) {
		websocket.NetConn(ctx, c, websocket.MessageBinary).Write(make([]byte, 100_000))
	},
}

// writeAll writes a message of n bytes through a Writer.
func writeAll(ctx context.Context, c *websocket.Conn, n int) {
	w, err := c.Writer(ctx, websocket.MessageBinary)
	if err != nil {
		return
	}
	w.Write(make([]byte, n))
	w.Close()
}

// A Write of the net.Conn that panics, or calls runtime.Goexit, does so in the calling
// goroutine. It ends the connection, also for waiting calls.
func TestWriteOfNetConnUnwinds(t *testing.T) {
	for _, how := range unwindings {
		for name, send := range sendings {
			t.Run(how.name+"/"+name, func(t *testing.T) {
				var bad *bent.Unwinds
				bend := func(c net.Conn) net.Conn {
					bad = &bent.Unwinds{Conn: c, Entered: make(chan struct{}), Go: make(chan struct{})}
					return bad
				}
				forBent(t, bend, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					reading := rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) })
					bad.Unwind(how.leave)
					sent := unwound(t, func() { send(t.Context(), c) })
					<-bad.Entered
					waiting := goWrite(t, c, "behind it")
					synctest.Wait()
					bad.Go <- struct{}{}
					sent.Want()
					conntest.WantCause(t, waiting.Err(), -1)
					conntest.WantCause(t, reading.Err(), -1)
					<-c.Done()
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}

// The library's own goroutine, which sends a pong, may end in the same way.
func TestWriteOfNetConnEndsGoroutine(t *testing.T) {
	var bad *bent.Unwinds
	bend := func(c net.Conn) net.Conn {
		bad = &bent.Unwinds{Conn: c, Entered: make(chan struct{}), Go: make(chan struct{})}
		return bad
	}
	forBent(t, bend, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		reading := rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) })
		bad.Unwind(runtime.Goexit)
		p.SendPing("")
		<-bad.Entered
		waiting := goWrite(t, c, "behind it")
		synctest.Wait()
		bad.Go <- struct{}{}
		conntest.WantCause(t, waiting.Err(), -1)
		conntest.WantCause(t, reading.Err(), -1)
		<-c.Done()
		conntest.WantEnded(t, c, -1)
	})
}

// A context that ends between calls does not affect the stream: bytes that it writes
// during a read, as TLS does on a key update request, are sent.
func TestContextEndsBetweenCallsWithoutEffect(t *testing.T) {
	for _, role := range conntest.Roles {
		t.Run(role.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stream *bent.AnswersInRead
				c, p := overConn(t, role.Name, func(c net.Conn) net.Conn {
					stream = &bent.AnswersInRead{Conn: c}
					return stream
				})
				defer c.CloseNow()
				ctx, cancel := context.WithCancel(t.Context())
				for range 3 { // it stays registered with both directions
					if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
						t.Fatal(err)
					}
					p.WantText("hello")
					p.SendText("hello")
					if _, _, err := c.Read(ctx); err != nil {
						t.Fatal(err)
					}
				}
				cancel()
				synctest.Wait()
				stream.Ask()
				p.SendText("hello")
				conntest.WantText(t, c, "hello")
				if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
					t.Fatal(err)
				}
				p.WantText("hello")
			})
		})
	}
}

// A Conn that a program drops without closing it is collected, and unregisters from a
// long-lived context.
func TestDroppedConnIsCollected(t *testing.T) {
	ctx := conntest.NewCountedContext()
	collected := make(chan struct{})
	func() {
		c, p := overConn(t, "server", func(c net.Conn) net.Conn { return c })
		for range 3 {
			p.SendText("hello")
			if _, _, err := c.Read(ctx); err != nil {
				t.Fatal(err)
			}
			if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		if waiting, _ := ctx.Counts(); waiting == 0 {
			t.Fatal("the context is not registered, so the test is void")
		}
		runtime.AddCleanup(c, func(c chan struct{}) { close(c) }, collected)
	}()
	limit := time.After(time.Minute)
	for {
		runtime.GC()
		waiting, _ := ctx.Counts()
		select {
		case <-collected:
			if waiting == 0 {
				return
			}
		case <-limit:
			t.Fatalf("the context keeps the Conn, and %d registrations", waiting)
		default:
		}
		runtime.Gosched()
	}
}

// A single (0, nil) from Read is not an error, nor are 100 in a row; 101 are.
func TestEmptyReads(t *testing.T) {
	empty := func(times int) func(net.Conn) net.Conn {
		return func(c net.Conn) net.Conn { return &bent.EmptyReads{Conn: c, Times: times} }
	}
	for _, times := range []int{1, 100} {
		forBent(t, empty(times), func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			for range 3 {
				p.SendText("hello")
				conntest.WantText(t, c, "hello")
			}
		})
	}
	forBent(t, empty(101), func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		_, _, err := c.Read(t.Context())
		conntest.WantCause(t, err, -1)
		conntest.WantError(t, err, io.ErrNoProgress)
	})
}

// A short Write without an error is treated as an error that ends the connection.
func TestShortWrites(t *testing.T) {
	for _, size := range []int{10, 5000, 100_000} {
		// The response of the handshake is written completely.
		var bend *shortLater
		forBent(t, func(c net.Conn) net.Conn { bend = &shortLater{Conn: c}; return bend }, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			bend.short.Store(true)
			err := c.Write(t.Context(), websocket.MessageBinary, make([]byte, size))
			conntest.WantCause(t, err, -1)
			conntest.WantError(t, err, io.ErrShortWrite)
			conntest.WantError(t, c.Write(t.Context(), websocket.MessageBinary, []byte("x")), net.ErrClosed)
		})
	}
}

type shortLater struct {
	net.Conn
	short atomic.Bool
}

func (c *shortLater) Write(p []byte) (int, error) {
	if c.short.Load() {
		return bent.ShortWrites{Conn: c.Conn, Max: len(p) - 1}.Write(p)
	}
	return c.Conn.Write(p)
}

// ends are the ways in which a connection ends during a read.
var ends = []struct {
	name string
	end  func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)
	want func(t *testing.T, err error, status websocket.StatusCode) // the error of the call under way
}{
	{"CloseNow", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { c.CloseNow() }, conntest.WantClosed},
	{"Close", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		p.WantClose(1000)
		p.SendClose(1000, "")
		closing.Want()
	}, conntest.WantClosed},
	{"close by the peer", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendClose(1000, "")
		p.WantClose(1000)
	}, conntest.WantCause},
	{"violation", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendRaw(wronglyMasked(p))
		p.WantClose(1002)
		p.Close()
	}, conntest.WantCause},
	{"end of the stream", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { p.Close() }, conntest.WantCause},
}

// A context that is used repeatedly is registered once or twice, and not at all after
// the connection has ended.
func TestReadContextRegistrations(t *testing.T) {
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			forReadWaysAndContexts(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func(context.Context) (conntest.Message, error)) {
				ctx := conntest.NewCountedContext()
				for range 20 {
					call := rawpeer.Go(t, func() (conntest.Message, error) { return read(ctx) })
					synctest.Wait()
					p.SendText("hello")
					call.Want()
				}
				if waiting, registered := ctx.Counts(); waiting > 1 || registered > 2 {
					t.Fatalf("%d waiting of %d registrations after 20 reads", waiting, registered)
				}
				call := rawpeer.GoErr(t, func() error { _, err := read(ctx); return err })
				synctest.Wait()
				if waiting, _ := ctx.Counts(); waiting != 1 {
					t.Fatalf("%d registrations while a read waits, want 1", waiting)
				}
				end.end(t, c, p)
				err := call.Err()
				end.want(t, err, websocket.CloseStatus(err))
				if waiting, _ := ctx.Counts(); waiting != 0 {
					t.Fatalf("%d registrations of a closed connection, want none", waiting)
				}
			})
		})
	}
}

// A registration kept for the next read is removed with the connection.
func TestCloseNowUnregistersReadContext(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx := conntest.NewCountedContext()
		for range 3 {
			call := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
			synctest.Wait()
			p.SendText("hello")
			call.Want()
		}
		c.CloseNow()
		if waiting, _ := ctx.Counts(); waiting != 0 {
			t.Fatalf("%d registrations of a closed connection, want none", waiting)
		}
	})
}

// A context is registered only if a read may have to wait. Different contexts in turn
// leave no registration.
func TestReadContextNotRegistered(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("in"), rawpeer.Text("one"), rawpeer.Text("write"))
		conntest.WantText(t, c, "in")
		for range 2 {
			ctx := conntest.NewCountedContext()
			if err := conntest.ReadErr(ctx, c); err != nil {
				t.Fatal(err)
			}
			if _, registered := ctx.Counts(); registered != 0 {
				t.Fatal("registered to read available bytes")
			}
		}
		for range 10 {
			ctx := conntest.NewCountedContext()
			call := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
			synctest.Wait()
			p.SendText("hello")
			call.Want()
			if waiting, registered := ctx.Counts(); waiting != 0 || registered != 1 {
				t.Fatalf("%d waiting of %d registrations, want 0 of 1", waiting, registered)
			}
			ctx.Cancel()
		}
	})
}

// A context of a type unknown to package context takes a goroutine to wait for. The
// bubble fails if it stays.
func TestReadContextOfOtherType(t *testing.T) {
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ctx := struct{ context.Context }{conntest.NewCountedContext()} // hides AfterFunc
				for range 3 {
					call := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
					synctest.Wait()
					p.SendText("hello")
					call.Want()
				}
				call := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
				synctest.Wait()
				end.end(t, c, p)
				err := call.Err()
				end.want(t, err, websocket.CloseStatus(err))
			})
		})
	}
}

// TestNoGoroutinePerConnection: open connections, which have been used with cancelable
// contexts, have no goroutines, except for that of CloseRead.
func TestNoGoroutinePerConnection(t *testing.T) {
	const conns = 20
	open := map[string]func(*testing.T) func() (*websocket.Conn, *rawpeer.Peer){
		"client": func(t *testing.T) func() (*websocket.Conn, *rawpeer.Peer) {
			n := rawpeer.ListenLoopback(t)
			return func() (*websocket.Conn, *rawpeer.Peer) { return conntest.Dialed(t, n, new(conntest.Options)) }
		},
		// One server for all connections, whose handlers return.
		"server": func(t *testing.T) func() (*websocket.Conn, *rawpeer.Peer) {
			n := rawpeer.ListenLoopback(t)
			accepted := make(chan *websocket.Conn)
			rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, nil)
				if err != nil {
					t.Error(err)
				}
				accepted <- c
			}))
			return func() (*websocket.Conn, *rawpeer.Peer) {
				conn, err := n.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p := rawpeer.ClientHandshake(t, conn, nil)
				return <-accepted, p
			}
		},
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			open := open(t)
			for range conns {
				c, p := open()
				defer c.CloseNow()
				for range 3 {
					p.SendText("hello")
					conntest.WantText(t, c, "hello")
					if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
						t.Fatal(err)
					}
					p.WantText("hello")
				}
			}
			// Wait for the goroutines of the handshakes to end.
			deadline := time.Now().Add(10 * time.Second)
			for runtime.NumGoroutine() >= conns {
				if time.Now().After(deadline) {
					b := make([]byte, 1<<20)
					t.Fatalf("%d goroutines for %d connections:\n%s", runtime.NumGoroutine(), conns, b[:runtime.Stack(b, true)])
				}
				runtime.Gosched()
			}
		})
	}
}
