//go:build !js

package websocket

import (
	"math/bits"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// block is a buffer from the pools. Who takes one frees it once, and does not
// touch its bytes after that.
type block struct {
	mark  poolcheck.Mark
	b     []byte // as long as the block's class
	class int
}

// Blocks come in sizes of 4 KiB, 16 KiB and so on up to 1 MiB. Larger ones are
// left to the garbage collector: they are rare, and dear to keep.
const (
	minBlock     = 4 << 10
	maxBlock     = 1 << 20
	blockClasses = 5
)

var blocks [blockClasses]sync.Pool

// newBlock returns a block of at least n bytes, with anything in it.
func newBlock(n int) *block {
	if n <= minBlock {
		if b, ok := blocks[0].Get().(*block); ok {
			return b.got()
		}
		n = minBlock
	}
	return newBlockOf(n)
}

// newBlockOf is newBlock for sizes that are not the smallest, or not there.
func newBlockOf(n int) *block {
	class := (bits.Len(uint(n-1)) - 12 + 1) / 2
	if class >= blockClasses {
		return (&block{b: make([]byte, n), class: class}).got()
	}
	if b, ok := blocks[class].Get().(*block); ok {
		return b.got()
	}
	return (&block{b: make([]byte, minBlock<<(2*class)), class: class}).got()
}

func (b *block) got() *block {
	if poolcheck.On {
		poolcheck.Got(poolcheck.Block, &b.mark, b, b.b)
	}
	return b
}

// ownBlock is a block that no pool gets: free leaves it to its owner, who calls got
// before it is used again.
type ownBlock struct {
	block
	memory [firstRead]byte
}

func newOwnBlock() *block {
	own := new(ownBlock)
	own.b, own.class = own.memory[:], blockClasses
	return &own.block
}

// free gives the block back.
func (b *block) free() {
	if poolcheck.On {
		poolcheck.Put(poolcheck.Block, &b.mark, b, b.b)
	}
	if b.class < blockClasses {
		blocks[b.class].Put(b)
	}
}

// grow returns a block of at least n bytes that begins with the first used
// bytes of b, which it frees if it is another.
func (b *block) grow(used, n int) *block {
	if n <= len(b.b) {
		return b
	}
	g := newBlock(n)
	copy(g.b, b.b[:used])
	b.free()
	return g
}

// slab hands out handles, one for each message, that are never used twice: a
// handle that somebody kept can be told from the current one. They are
// allocated a few at a time, more each time, so that a connection that has
// seen one message holds one, and a busy one hardly ever allocates.
type slab[T any] struct {
	free []T
	size int
}

// maxSlab is how many handles are allocated at a time at most.
const maxSlab = 32

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.size = min(max(1, 2*s.size), maxSlab)
		s.free = make([]T, s.size)
	}
	h := &s.free[0]
	s.free = s.free[1:]
	return h
}
