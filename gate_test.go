//go:build !js

package websocket

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// startWaiter starts a goroutine that locks g, and returns when it waits. What
// the lock returned goes to then.
func startWaiter(g *gate, ctx context.Context, done <-chan struct{}, then func(err error)) {
	go func() { then(g.lock(ctx, done)) }()
	synctest.Wait()
}

func mustTryLock(t *testing.T, g *gate) {
	t.Helper()
	if !g.tryLock() {
		t.Fatal("the gate is held, want it free")
	}
}

// Who passes the gate on keeps it if the one who waited has left meanwhile.
func TestGatePass(t *testing.T) {
	var g gate
	mustTryLock(t, &g)
	if g.pass() {
		t.Fatal("the gate was passed on to nobody")
	}
	w := g.join(frame{lead: noFrame})
	if !g.leave(w) {
		t.Fatal("a waiter could not leave")
	}
	if g.pass() || g.tryLock() {
		t.Fatal("the gate was passed on to one who had left")
	}
	g.retire(w)
	w = g.join(frame{lead: noFrame})
	if !g.pass() || g.tryLock() {
		t.Fatal("the gate was not passed on")
	}
	if v := <-w.ready; v != yours {
		t.Fatalf("got verdict %v, want yours", v)
	}
	g.retire(w)
	g.unlock()
}

func TestGateUncontended(t *testing.T) {
	var g gate
	mustTryLock(t, &g)
	if g.tryLock() {
		t.Fatal("a gate was taken twice")
	}
	if g.wanted() {
		t.Error("somebody waits for a gate that nobody else asked for")
	}
	g.unlock()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.lock(ended, nil); err != nil {
		t.Errorf("got %v from a free gate, which nobody has to wait for", err)
	}
	g.unlock()

	if n := testing.AllocsPerRun(100, func() {
		g.lock(ended, nil)
		g.unlock()
	}); n != 0 {
		t.Errorf("a free gate allocates %v times", n)
	}
}

func TestGateUnlockOfFree(t *testing.T) {
	for _, test := range []struct {
		name string
		use  func(g *gate)
	}{
		{"never locked", func(*gate) {}},
		{"unlocked twice", func(g *gate) { g.tryLock(); g.unlock() }},
		{"after a waiter", func(g *gate) {
			g.tryLock()
			w := g.join(frame{lead: noFrame})
			g.unlock()
			<-w.ready
			g.retire(w)
			g.unlock()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g gate
			test.use(&g)
			defer func() {
				if recover() == nil {
					t.Error("unlock of a free gate did not panic")
				}
			}()
			g.unlock()
		})
	}
}

func TestGateFirstComeFirstServed(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const waiters = 2*maxSpares + 1
			var g gate
			var got, want []int
			mustTryLock(t, &g)
			for i := range waiters {
				want = append(want, i)
				startWaiter(&g, t.Context(), nil, func(err error) {
					if err != nil {
						t.Error(err)
					}
					got = append(got, i) // the gate guards it
					g.unlock()
				})
			}
			if g.tryLock() || !g.wanted() {
				t.Fatal("the gate was taken past those who wait")
			}
			g.unlock()
			synctest.Wait()
			if !slices.Equal(got, want) {
				t.Errorf("got the order %v", got)
			}
			if g.line.get().spares > maxSpares {
				t.Errorf("the gate keeps %d waiters, want at most %d", g.line.get().spares, maxSpares)
			}
			mustTryLock(t, &g)
		})
	})
}

// Whoever leaves, the others get their turn in their order.
func TestGateLeave(t *testing.T) {
	for _, test := range []struct {
		name   string
		leaves []int
		want   []int
	}{
		{"first", []int{0}, []int{1, 2}},
		{"middle", []int{1}, []int{0, 2}},
		{"last", []int{2}, []int{0, 1}},
		{"two", []int{2, 0}, []int{1}},
		{"all", []int{1, 0, 2}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g gate
				var got []int
				left := 0
				cancels := make([]context.CancelFunc, 3)
				mustTryLock(t, &g)
				for i := range cancels {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					cancels[i] = cancel
					startWaiter(&g, ctx, nil, func(err error) {
						switch err {
						case nil:
							got = append(got, i)
							g.unlock()
						case errInterrupted:
							left++
						default:
							t.Error(err)
						}
					})
				}
				for _, i := range test.leaves {
					cancels[i]()
					synctest.Wait()
				}
				if left != len(test.leaves) {
					t.Fatalf("%d left, want %d", left, len(test.leaves))
				}
				if want := len(test.want) > 0; g.wanted() != want {
					t.Errorf("wanted is %t, want %t", g.wanted(), want)
				}
				g.unlock()
				synctest.Wait()
				if !slices.Equal(got, test.want) {
					t.Errorf("got the order %v, want %v", got, test.want)
				}
				mustTryLock(t, &g)
			})
		})
	}
}

func TestGateDone(t *testing.T) {
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			done := make(chan struct{})
			var got error
			mustTryLock(t, &g)
			startWaiter(&g, t.Context(), done, func(err error) { got = err })
			close(done)
			synctest.Wait()
			if got != errGone {
				t.Fatalf("got %v, want errGone", got)
			}
			g.unlock()
			mustTryLock(t, &g)
		})
	})
}

// A waiter that gives up when the gate was passed on to it already is too late:
// the gate is its own, and is lost if it walks away.
func TestGatePassedOnWhileLeaving(t *testing.T) {
	t.Run("step by step", func(t *testing.T) {
		var g gate
		mustTryLock(t, &g)
		w := g.join(frame{lead: noFrame})
		g.unlock()
		if g.leave(w) {
			t.Fatal("a waiter left that was given the gate")
		}
		if v := <-w.ready; v != yours {
			t.Fatalf("got verdict %d, want yours", v)
		}
		g.retire(w)
		if g.tryLock() {
			t.Fatal("the gate is free, and should be the waiter's")
		}
		g.unlock()
		mustTryLock(t, &g)
	})

	t.Run("at once", func(t *testing.T) {
		taken := 0
		for range 2000 {
			synctest.Test(t, func(t *testing.T) {
				var g gate
				ctx, cancel := context.WithCancel(t.Context())
				mustTryLock(t, &g)
				startWaiter(&g, ctx, nil, func(err error) {
					if err == nil {
						taken++
						g.unlock()
					}
				})
				cancel()
				g.unlock()
				synctest.Wait()
				mustTryLock(t, &g)
			})
		}
		if taken == 0 {
			t.Error("it never happened at the same moment")
		}
	})
}

// take gives the holder the first waiter, where that has what suits, and never
// one behind it.
func TestGateTake(t *testing.T) {
	suits := func(f frame) bool { return f.op() == opText }
	var g gate
	mustTryLock(t, &g)
	if g.take(suits) != nil {
		t.Fatal("somebody was taken from an empty queue")
	}
	first := g.join(frame{lead: lead(opText)})
	second := g.join(frame{lead: noFrame})
	third := g.join(frame{lead: lead(opText)})

	if w := g.take(suits); w != first {
		t.Fatal("the first waiter was not taken")
	}
	if g.leave(first) {
		t.Error("a waiter left whose frame was taken")
	}
	if g.take(suits) != nil {
		t.Error("a waiter was taken out of its turn")
	}
	if !g.leave(second) {
		t.Error("a waiter could not leave")
	}
	if w := g.take(suits); w != third {
		t.Fatal("the waiter that is first now was not taken")
	}
	if g.wanted() {
		t.Error("nobody waits any more, and the gate is wanted")
	}
	for _, w := range []*waiter{first, second, third} {
		g.retire(w)
	}
	g.unlock()
	mustTryLock(t, &g)
}

// A waiter that is used again has nothing of its earlier frame.
func TestGateRetire(t *testing.T) {
	var g gate
	mustTryLock(t, &g)
	w := g.join(frame{lead: lead(opText), payload: []byte("kept")})
	w.end, w.err = 7, errGone
	g.leave(w)
	g.retire(w)
	if w.frame.payload != nil || w.err != nil {
		t.Error("a waiter without work holds on to a caller's memory")
	}
	again := g.join(frame{lead: noFrame})
	if again != w {
		t.Fatal("the waiter was not used again")
	}
	if again.end != 0 || again.err != nil || again.frame.lead != noFrame {
		t.Errorf("the waiter begins with %+v", again)
	}
	g.leave(again)
	g.retire(again)
}

// Many goroutines at once, half of which give up at any moment: one at a time
// is in, and the gate is free when all are gone.
func TestGateStress(t *testing.T) {
	const goroutines, rounds = 16, 1000
	var g gate
	inside, entered := 0, 0 // guarded by g
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range rounds {
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 {
					go cancel()
				}
				if g.lock(ctx, nil) == nil {
					if inside++; inside != 1 {
						t.Error("two goroutines are in")
					}
					entered++
					inside--
					g.unlock()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	mustTryLock(t, &g)
	if entered < goroutines/2*rounds {
		t.Errorf("%d went in, want the %d that did not give up at least", entered, goroutines/2*rounds)
	}
	if q := g.line.get(); q.head != nil || q.tail != nil || q.spares > maxSpares {
		t.Errorf("the gate is left with %+v", &g)
	}
}

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
