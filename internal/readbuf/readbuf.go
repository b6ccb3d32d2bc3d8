// Package readbuf has the buffer between a stream and the parser of frames. It holds a
// pooled block only while there are bytes that have not been parsed.
package readbuf

import (
	"context"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/liveness"
	"github.com/bhojpur/api/internal/netstream"
)

// Source is the stream that a Buffer reads from.
type Source struct {
	*netstream.Stream
	Reads *liveness.Activity // notes each read; nil if no Watch needs that
}

// Read reads into p past the buffer, which must be empty.
func (s Source) Read(ctx context.Context, p []byte) (int, error) {
	if s.Reads == nil {
		return s.Stream.Read(ctx, p)
	}
	s.Reads.Begin()
	n, err := s.Stream.Read(ctx, p)
	s.Reads.End(n, err)
	return n, err
}

// ReadBlock reads into a pooled block, as [netstream.Stream.ReadBlock] does.
func (s Source) ReadBlock(ctx context.Context, size, first int) (*bufpool.Block, int, error) {
	if s.Reads == nil {
		return s.Stream.ReadBlock(ctx, size, first)
	}
	s.Reads.Begin()
	b, n, err := s.Stream.ReadBlock(ctx, size, first)
	s.Reads.End(n, err)
	return b, n, err
}

// Buffer holds bytes of the stream that have not been parsed: Block.B[R:W].
type Buffer struct {
	Block    *bufpool.Block // nil while nothing is there
	R, W     int
	NextSize int32 // expected size of the next read, from the last ones
	// The sizes of the last data frame.
	LastHeaderLen  int32
	LastPayloadLen int64
}

const (
	// maxNextSize is the maximum NextSize. The block for a single frame may be larger.
	maxNextSize = 4 * bufpool.MinBlock
	// maxAtOnce is the size up to which a frame is read from a socket together with
	// its header.
	maxAtOnce = 64 << 10
	// maxSkim is the maximum size of a read whose bytes are discarded, and so of the
	// block for it.
	maxSkim = 64 << 10
)

// Take allocates the block if there is none.
func (b *Buffer) Take() {
	if b.Block == nil {
		b.Block = bufpool.Get(int(b.NextSize))
	}
}

// Add sets the content to bytes that were read before, during the opening handshake.
func (b *Buffer) Add(p []byte) {
	if len(p) > 0 {
		b.Block = bufpool.Get(len(p))
		b.W = copy(b.Block.B, p)
	}
}

// OnRead records a read of n bytes into an empty buffer of size room. A read that fills
// its buffer is followed by a larger one.
func (b *Buffer) OnRead(n, room int) {
	b.W = n
	if n < room {
		b.NextSize = 0
	} else {
		b.NextSize = min(max(bufpool.MinBlock, 4*b.NextSize), maxNextSize)
	}
}

// wanted returns the size of the next read into an empty buffer: size for a stream that
// reports available bytes before it is read, first for others, or size if first is 0.
func (b *Buffer) wanted() (size, first int) {
	size, first = int(b.NextSize), netstream.FirstRead
	// Read a frame as long as the last one, unless that was large, with one system call:
	// a second call costs more than one more copy of the payload.
	if b.LastPayloadLen <= maxAtOnce-frame.MaxHeader {
		size = max(size, int(b.LastPayloadLen)+frame.MaxHeader)
	}
	switch {
	case b.LastPayloadLen > bufpool.MinBlock:
		// Read the payload of a large frame directly into the caller's slice.
		first = int(b.LastHeaderLen)
	case b.NextSize > 0:
		first = 0
	}
	return size, first
}

// Settle frees the block if it has no content.
func (b *Buffer) Settle() {
	if b.Block != nil && b.R == b.W {
		b.Release()
	}
}

// Release frees the block and its content.
func (b *Buffer) Release() {
	if b.Block != nil {
		b.Block.Free()
		b.Block = nil
	}
	b.R, b.W = 0, 0
}

// Room returns the free space after the content. A header and a whole control frame
// always fit.
//
// The block is at most MinBlock while waiting for more input. (A block owned by the
// stream is smaller.)
func (b *Buffer) Room() []byte {
	b.Take()
	if n := b.W - b.R; len(b.Block.B) != bufpool.MinBlock && n <= bufpool.MinBlock/2 {
		small := bufpool.Get(bufpool.MinBlock)
		b.R, b.W = 0, copy(small.B, b.Block.B[b.R:b.W])
		b.Block.Free()
		b.Block = small
	}
	if b.IsEmpty() || b.W == len(b.Block.B) {
		b.W = copy(b.Block.B, b.Block.B[b.R:b.W])
		b.R = 0
	}
	return b.Block.B[b.W:]
}

// wide is Room in a block of at least size bytes.
func (b *Buffer) wide(size int) []byte {
	content := b.Bytes()
	if b.Block == nil || len(b.Block.B) < size {
		g := bufpool.Get(size)
		n := copy(g.B, content)
		b.Release()
		b.Block, b.W = g, n
	} else {
		b.R, b.W = 0, copy(b.Block.B, content)
	}
	return b.Block.B[b.W:]
}

// IsEmpty reports whether there is no content.
func (b *Buffer) IsEmpty() bool { return b.R == b.W }

// Bytes returns the content.
func (b *Buffer) Bytes() []byte {
	if b.Block == nil {
		return nil
	}
	return b.Block.B[b.R:b.W]
}

// Fill waits for more bytes and adds them to the content. It returns their number. If b is
// empty, it takes a block only when bytes are available.
func (b *Buffer) Fill(ctx context.Context, s Source) (n int, err error) {
	if !b.IsEmpty() {
		n, err = s.Read(ctx, b.Room())
		b.W += n
		return n, err
	}
	b.Release()
	size, first := b.wanted()
	if b.Block, n, err = s.ReadBlock(ctx, size, first); n > 0 {
		b.OnRead(n, len(b.Block.B))
	}
	return n, err
}

// Skim is Fill for bytes that will be discarded, of which expected more are known to
// follow. A read that fills its block is followed by a larger one, so that a large frame
// takes few reads. If nothing is known to follow, and little has arrived, b holds no block
// while it waits.
func (b *Buffer) Skim(ctx context.Context, s Source, expected int64) (n int, err error) {
	size := bufpool.MinBlock
	if b.Block != nil && len(b.Block.B) > size {
		size = len(b.Block.B)
	}
	switch full := b.Block != nil && b.W == len(b.Block.B); {
	case full:
		size = min(max(size, 4*len(b.Block.B)), maxSkim)
	case expected == 0 && b.IsEmpty() && (size == bufpool.MinBlock || b.W < size/8):
		return b.Fill(ctx, s)
	}
	n, err = s.Read(ctx, b.wide(size))
	b.W += n
	return n, err
}
