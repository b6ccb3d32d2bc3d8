package bufpool

import (
	"math/bits"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// Pooled blocks have 4 KiB, 16 KiB and so on up to 1 MiB. Larger ones are left to the
// garbage collector: they are rare, and too large to retain.
const (
	MinBlock = 4 << 10
	MaxBlock = 1 << 20

	classes = 5
)

// owned is the class of a block that belongs to no pool.
const owned = classes + 1

// Block is a buffer of fixed size.
type Block struct {
	mark  poolcheck.Mark
	B     []byte // never resliced by the block's users
	class int
}

var blocks [classes]sync.Pool

// Get returns a block of at least n bytes with arbitrary contents.
func Get(n int) *Block {
	if n <= MinBlock {
		if b, ok := blocks[0].Get().(*Block); ok {
			return b.got()
		}
		n = MinBlock
	}
	return getClass(n)
}

// getClass is Get for sizes above MinBlock and for an empty first pool. It is a
// separate function so that Get stays small.
func getClass(n int) *Block {
	class := (bits.Len(uint(n-1)) - 12 + 1) / 2
	if class >= classes {
		return (&Block{B: make([]byte, n), class: class}).got()
	}
	if b, ok := blocks[class].Get().(*Block); ok {
		return b.got()
	}
	return (&Block{B: make([]byte, MinBlock<<(2*class)), class: class}).got()
}

func (b *Block) got() *Block {
	if poolcheck.On {
		poolcheck.Got(poolcheck.Block, &b.mark, b, b.B)
	}
	return b
}

// Free ends the use of b and returns it to its pool, if it came from one.
func (b *Block) Free() {
	if poolcheck.On {
		poolcheck.Put(poolcheck.Block, &b.mark, b, b.B)
	}
	if b.class < classes {
		blocks[b.class].Put(b)
	}
}

// Grow returns a block of at least n bytes that begins with the first used bytes of b.
// If it is a different block, Grow has freed b.
func (b *Block) Grow(used, n int) *Block {
	if n <= len(b.B) {
		return b
	}
	g := Get(n)
	copy(g.B, b.B[:used])
	b.Free()
	return g
}

// NewOwned returns a block of up to n bytes that belongs to the caller. It is initially
// free. The caller calls Use before each use; the user of the block calls Free, after
// which the caller may use it again.
func NewOwned(n int) *Block {
	return &Block{B: make([]byte, n), class: owned}
}

// Use begins a use of the first n bytes of a block from NewOwned, and returns it.
func (b *Block) Use(n int) *Block {
	b.got()
	b.B = b.B[:n]
	return b
}
