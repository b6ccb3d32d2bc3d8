package bufpool

import (
	"bytes"
	"testing"
)

func TestGetSizes(t *testing.T) {
	for _, test := range []struct{ n, want int }{
		{0, MinBlock},
		{1, MinBlock},
		{MinBlock, MinBlock},
		{MinBlock + 1, 4 * MinBlock},
		{4 * MinBlock, 4 * MinBlock},
		{4*MinBlock + 1, 16 * MinBlock},
		{64*MinBlock + 1, MaxBlock},
		{MaxBlock, MaxBlock},
		{MaxBlock + 1, MaxBlock + 1},
		{3*MaxBlock + 7, 3*MaxBlock + 7},
	} {
		// Twice: first from the allocator, then from the pool.
		for range 2 {
			b := Get(test.n)
			if len(b.B) != test.want || cap(b.B) != test.want {
				t.Errorf("Get(%d) has %d bytes of %d, want %d", test.n, len(b.B), cap(b.B), test.want)
			}
			b.Free()
		}
	}
}

func TestGrow(t *testing.T) {
	b := Get(1)
	copy(b.B, "hello, world")
	if g := b.Grow(5, MinBlock); g != b {
		t.Error("a block that is large enough was replaced")
	}
	g := b.Grow(5, MinBlock+1)
	if g == b || len(g.B) < MinBlock+1 {
		t.Fatalf("grew to %d bytes, want at least %d", len(g.B), MinBlock+1)
	}
	if !bytes.HasPrefix(g.B, []byte("hello")) {
		t.Errorf("begins with %q, want %q", g.B[:5], "hello")
	}
	g.Free()
}

// Get never returns a block owned by a caller.
func TestOwnedBlockStaysWithItsOwner(t *testing.T) {
	own := NewOwned(128)
	for range 100 {
		own.Use(1)
		own.Free()
		b := Get(1)
		if b == own {
			t.Fatal("the pool has a block that belongs to the caller")
		}
		b.Free()
	}
	if n := len(own.Use(128).B); n != 128 {
		t.Errorf("it has %d bytes, want 128", n)
	}
	own.Free()
}

func TestBufferIsEmptyAgain(t *testing.T) {
	for _, size := range []int{1, maxKept, 2 * maxKept} {
		b := GetBuffer()
		if b.Len() != 0 {
			t.Fatalf("%d bytes are left of an earlier use", b.Len())
		}
		b.Write(make([]byte, size))
		b.Free()
	}
}

func BenchmarkBlock(b *testing.B) {
	for b.Loop() {
		Get(MinBlock).Free()
	}
}
