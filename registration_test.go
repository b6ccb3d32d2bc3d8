//go:build !js

package websocket_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// ends are the ways in which a connection ends while one reads from it.
var ends = []struct {
	name string
	end  func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)
}{
	{"CloseNow", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { c.CloseNow() }},
	{"Close", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		p.WantClose(1000)
		p.SendClose(1000, "")
		closing.Want()
	}},
	{"close by the peer", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendClose(1000, "")
		p.WantClose(1000)
	}},
	{"violation", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendRaw(wronglyMasked(p))
		p.WantClose(1002)
		p.Close()
	}},
	{"end of the stream", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) { p.Close() }},
}

// A context that is used again and again is registered once or twice, and not
// at all when the connection has ended.
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
				conntest.WantError(t, call.Err(), net.ErrClosed)
				if waiting, _ := ctx.Counts(); waiting != 0 {
					t.Fatalf("%d registrations of a closed connection, want none", waiting)
				}
			})
		})
	}
}

// One that is kept for the next read goes with the connection too.
func TestReadContextForgottenByCloseNow(t *testing.T) {
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

// A context is registered with when a read may have to wait, and not else. One
// after the other leaves nothing behind.
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
				t.Fatal("registered to read what was there")
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

// A context of a type that package context does not know takes a goroutine to
// wait for. The bubble fails if it stays.
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
				conntest.WantError(t, call.Err(), net.ErrClosed)
			})
		})
	}
}
