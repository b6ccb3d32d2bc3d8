// Package handle provides small handles that are never reused.
//
// A [Handle] refers to its owner and has a number. A program that keeps a Handle may use
// it at any time, so its memory must not become another Handle. It takes 4 bytes: the
// owner is stored once for a block of Handles, which is found from the address of a Handle
// and its index.
package handle

import "unsafe"

// Handle is a handle of a T.
type Handle[T any] struct {
	bits uint32 // the index in the block, and above that the number minus block.first
}

const (
	indexBits = 7
	indexMask = 1<<indexBits - 1
	maxSince  = 1<<(32-indexBits) - 1 // the largest number minus block.first
)

// The numbers of Handles in a block. Blocks grow, so that an idle owner holds few, and a
// busy one allocates rarely: the blocks have 24, 64 and 512 bytes.
const (
	fewHandles  = 2
	someHandles = 12
	manyHandles = 124
)

// block is followed in memory by its Handles.
type block[T any] struct {
	owner *T
	first uint64 // the number of the first Handle
}

type few[T any] struct {
	block[T]
	handles [fewHandles]Handle[T]
}

type some[T any] struct {
	block[T]
	handles [someHandles]Handle[T]
}

type many[T any] struct {
	block[T]
	handles [manyHandles]Handle[T]
}

// Slab allocates Handles. The zero Slab is empty.
type Slab[T any] struct {
	last       *block[T]
	used, size uint32 // Handles of last that were returned, and all
}

// Next returns a new Handle of owner. The number must not be smaller than in the last call.
func (s *Slab[T]) Next(owner *T, number uint64) *Handle[T] {
	if s.used == s.size || number-s.last.first > maxSince {
		s.grow(owner, number)
	}
	b, i := s.last, s.used
	s.used++
	h := (*Handle[T])(unsafe.Add(unsafe.Pointer(b), offset[T](i)))
	h.bits = uint32(number-b.first)<<indexBits | i
	return h
}

// grow allocates the next block.
func (s *Slab[T]) grow(owner *T, number uint64) {
	b := block[T]{owner, number}
	switch s.used, s.size = 0, nextSize(s.size); s.size {
	case fewHandles:
		s.last = &(&few[T]{block: b}).block
	case someHandles:
		s.last = &(&some[T]{block: b}).block
	default:
		s.last = &(&many[T]{block: b}).block
	}
}

// nextSize returns the number of Handles of the block after one of size.
func nextSize(size uint32) uint32 {
	switch size {
	case 0:
		return fewHandles
	case fewHandles:
		return someHandles
	}
	return manyHandles
}

// offset returns the distance from the beginning of a block to the Handle at index i.
func offset[T any](i uint32) int {
	return int(unsafe.Sizeof(block[T]{})) + int(i)*int(unsafe.Sizeof(Handle[T]{}))
}

func (h *Handle[T]) block() *block[T] {
	return (*block[T])(unsafe.Add(unsafe.Pointer(h), -offset[T](h.bits&indexMask)))
}

// Owner returns the owner of h.
func (h *Handle[T]) Owner() *T { return h.block().owner }

// Number returns the number of h.
func (h *Handle[T]) Number() uint64 { return h.block().first + uint64(h.bits>>indexBits) }
