//go:build !js

package websocket

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// Who closes a connection while somebody reads leaves what the read side holds to
// them, and they to who waits behind them.
func TestUnlockReadOfClosedConnection(t *testing.T) {
	closed := func(t *testing.T) *engine {
		e := &newConn(server, nil, extras{}).engine
		stream, peer := net.Pipe()
		defer peer.Close()
		e.begin(stream, stream)
		mustTryLockRead(t, e)
		e.rd.in.take()
		e.rd.in.w = 1 // an empty one goes in any case
		e.shut(nil)
		if e.rd.in.block == nil {
			t.Fatal("the block of who reads is gone")
		}
		return e
	}
	wantDropped := func(t *testing.T, e *engine) {
		t.Helper()
		if e.rd.in.block != nil {
			t.Error("a block is left behind")
		}
		mustTryLockRead(t, e)
	}
	t.Run("alone", func(t *testing.T) {
		e := closed(t)
		e.unlockRead()
		wantDropped(t, e)
	})
	t.Run("before another one", func(t *testing.T) {
		e := closed(t)
		w := e.rd.lock.Enqueue()
		e.unlockRead()
		if err := e.rd.lock.Wait(t.Context(), nil, w); err != nil {
			t.Fatal(err)
		}
		if e.rd.in.block == nil {
			t.Fatal("the block is gone while another one reads")
		}
		e.unlockRead()
		wantDropped(t, e)
	})
}

func mustTryLockRead(t *testing.T, e *engine) {
	t.Helper()
	if !e.rd.lock.TryLock() {
		t.Fatal("the read lock is held, want it free")
	}
}

// The end of a context leaves the order to others, whatever was waited for.
func TestOrderIsLeftWithItsContext(t *testing.T) {
	for _, has := range []string{"nothing", "the order"} {
		t.Run(has, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &newConn(server, nil, extras{}).engine
				stream, peer := net.Pipe()
				defer peer.Close()
				e.begin(stream, stream)
				order := &e.wr.parts.get().order
				if !order.TryLock() {
					t.Fatal("the order is held, want it free")
				}
				ctx, cancel := context.WithCancel(t.Context())
				got := make(chan error, 1)
				go func() { got <- e.lockOrder(ctx) }()
				synctest.Wait() // for the order
				mustTryLock(t, &e.wr.gate)
				if has == "the order" {
					order.Unlock()
					synctest.Wait() // for the gate
				}
				cancel()
				if err := <-got; !errors.Is(err, ctx.Err()) {
					t.Errorf("got %v, want the context's error", err)
				}
				e.unlockWrite()
				if has == "nothing" {
					order.Unlock()
				}
				if err := e.lockOrder(t.Context()); err != nil {
					t.Errorf("the next one got %v", err)
				}
			})
		})
	}
}
