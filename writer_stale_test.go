//go:build !js

package websocket_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A second Close of a Writer whose context has ended since, while others write,
// is an error and nothing else.
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

// Writers are given up while a frame is stuck, the current one and one that had
// been before: the turn is free afterwards.
func TestWritersGivenUp(t *testing.T) {
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

// The contexts of messages that were written are not kept.
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
			time.Sleep(time.Second) // of the bubble's time
		}
		if kept := messages - freed.Load(); kept > 2 {
			t.Errorf("%d contexts of %d messages that are over are kept", kept, messages)
		}
	})
}
