//go:build race && !js

package websocket

import (
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic wants misuse to panic, and to leave nothing out of its pool.
func wantPanic(t *testing.T, kind poolcheck.Kind, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[kind]
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed")
		}
		if n := poolcheck.Out()[kind]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

// takeUntil takes from a pool until that panics, and gives all of it back. A pool
// may have dropped what was put there, as those of package sync do at random.
func takeUntil[T any](take func() T, put func(T)) {
	var taken []T
	defer func() {
		for _, v := range taken {
			put(v)
		}
	}()
	for range 10 {
		taken = append(taken, take())
	}
}

// spoil puts one after the other into a pool and writes to it then, which is
// undone unless taking notices.
func spoil[T any](take func() T, put func(T), write, undo func(T)) {
	for range 100 {
		v := take()
		put(v)
		write(v)
		takeUntil(take, put)
		undo(v)
	}
}

func TestBlockMisuse(t *testing.T) {
	take := func() *block { return newBlock(maxBlock) }
	put := (*block).free
	t.Run("put twice", func(t *testing.T) {
		for _, size := range []int{1, maxBlock, maxBlock + 1} {
			b := newBlock(size)
			b.free()
			wantPanic(t, poolcheck.Block, b.free)
		}
	})
	t.Run("written after put", func(t *testing.T) {
		wantPanic(t, poolcheck.Block, func() {
			spoil(take, put, func(b *block) { b.b[maxBlock-1]++ }, func(b *block) { b.b[maxBlock-1]-- })
		})
	})
	t.Run("put by grow", func(t *testing.T) {
		b := newBlock(1)
		b.grow(0, minBlock+1).free()
		wantPanic(t, poolcheck.Block, b.free)
	})
}

func TestWaiterMisuse(t *testing.T) {
	var g gate
	mustTryLock(t, &g)
	defer g.unlock()
	take := func() *waiter { return g.join(frame{lead: noFrame}) }
	put := func(w *waiter) {
		g.leave(w)
		g.retire(w)
	}
	t.Run("put twice", func(t *testing.T) {
		w := take()
		put(w)
		wantPanic(t, poolcheck.Waiter, func() { g.retire(w) })
	})
	for name, misuse := range map[string]func(w *waiter){
		"written after put": func(w *waiter) { w.start++ },
		"told after put":    func(w *waiter) { w.ready <- sent },
	} {
		t.Run(name, func(t *testing.T) {
			var g gate
			mustTryLock(t, &g)
			w := g.join(frame{lead: noFrame})
			g.leave(w)
			g.retire(w)
			misuse(w)
			wantPanic(t, poolcheck.Waiter, func() { g.join(frame{lead: noFrame}) })
		})
	}
}

func TestKeySourceMisuse(t *testing.T) {
	t.Run("put twice", func(t *testing.T) {
		s := takeKeySource()
		s.put()
		wantPanic(t, poolcheck.KeySource, s.put)
	})
	t.Run("written after put", func(t *testing.T) {
		wantPanic(t, poolcheck.KeySource, func() {
			spoil(takeKeySource, (*keySource).put, func(s *keySource) { s.left++ }, func(s *keySource) { s.left-- })
		})
	})
}
