//go:build race

package poolcheck

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// On says whether pools are watched.
const On = true

// A Mark is the first field of what is pooled: where it is, and what it was when
// it got there.
type Mark struct {
	place uint32 // atomic
	sum   uint64 // while it is pooled: of what must not change
}

const (
	fresh  = iota // made, and never taken
	taken         // out
	pooled        // given back
)

var (
	seed = maphash.MakeSeed()
	out  [kinds]atomic.Int64
)

// Got notes that v, of which m is the first field, was taken from its pool, or made.
// mem is what v refers to of its own, as Put was told. It panics when any of it
// was written to since v was given back, or when v is out already.
func Got[T any](k Kind, m *Mark, v *T, mem ...[]byte) {
	switch atomic.SwapUint32(&m.place, taken) {
	case taken:
		panic(fmt.Sprintf("poolcheck: a %v that is out was taken from the pool", k))
	case pooled:
		if m.sum != sum(v, mem) {
			panic(fmt.Sprintf("poolcheck: a %v was written to after it was given back", k))
		}
	}
	out[k].Add(1)
}

// Put notes that v goes back. It fills mem, so that who reads on there finds out,
// and panics when v was given back before. Of v itself nothing may change from
// now on, and of mem neither.
//
// mem holds no pointers. It is v's own, or a part of v.
func Put[T any](k Kind, m *Mark, v *T, mem ...[]byte) {
	if !atomic.CompareAndSwapUint32(&m.place, taken, pooled) {
		panic(fmt.Sprintf("poolcheck: a %v was given back that is not out", k))
	}
	for _, b := range mem {
		fill(b)
	}
	m.sum = sum(v, mem)
	out[k].Add(-1)
}

// poison is what memory is filled with: no length, no UTF-8, no flag that makes
// sense.
var poison = func() (b [4 << 10]byte) {
	for i := range b {
		b[i] = 0xdb
	}
	return b
}()

// fill fills b, with writes that the race detector sees as a few.
func fill(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, poison[:]):]
	}
}

// sum is of all of v behind its mark, and of mem.
func sum[T any](v *T, mem [][]byte) uint64 {
	const head = unsafe.Sizeof(Mark{})
	var h maphash.Hash
	h.SetSeed(seed)
	h.Write(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(v), head)), unsafe.Sizeof(*v)-head))
	for _, b := range mem {
		h.Write(b)
	}
	return h.Sum64()
}

// Out returns how many of each kind are out, of which there are any.
func Out() map[Kind]int {
	left := make(map[Kind]int)
	for k := range out {
		if n := int(out[k].Load()); n != 0 {
			left[Kind(k)] = n
		}
	}
	return left
}
