package bufpool

import (
	"bytes"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// maxKept is the largest capacity with which a Buffer returns to the pool. Larger ones,
// grown by large messages, are left to the garbage collector.
const maxKept = 64 << 10

// Buffer is a bytes.Buffer from a pool, for one message.
type Buffer struct {
	mark poolcheck.Mark
	bytes.Buffer
}

var buffers = sync.Pool{New: func() any { return new(Buffer) }}

// GetBuffer returns an empty buffer.
func GetBuffer() *Buffer {
	b := buffers.Get().(*Buffer)
	if poolcheck.On {
		poolcheck.Got(poolcheck.Buffer, &b.mark, b, b.memory())
	}
	return b
}

// Free returns b to the pool.
func (b *Buffer) Free() {
	b.Reset()
	if poolcheck.On {
		poolcheck.Put(poolcheck.Buffer, &b.mark, b, b.memory())
	}
	if b.Cap() <= maxKept {
		buffers.Put(b)
	}
}

// memory returns the whole backing array of an empty buffer.
func (b *Buffer) memory() []byte {
	p := b.AvailableBuffer()
	return p[:cap(p)]
}
