//go:build race

package poolcheck

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// On reports whether pools are checked.
const On = true

// A Mark is the first field of a pooled object: its state, and a checksum of the object
// when it was freed.
type Mark struct {
	place uint32 // atomic
	sum   uint64 // while pooled: of the parts that must not change
}

const (
	fresh  = iota // allocated, and never taken
	taken         // taken from the pool
	pooled        // returned to the pool
)

var (
	seed = maphash.MakeSeed()
	out  [kinds]atomic.Int64
)

// Got records that v, whose first field is m, was taken from its pool or allocated.
// mem is the memory of v, as in Put. Got panics if v or mem was written to since the Put,
// or if v is not in its pool.
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

// Put records that v is returned to its pool. It overwrites mem, so that later reads are
// noticed, and panics if v was returned before. v and mem must not change afterwards.
//
// mem holds no pointers. It is owned by v or a part of v.
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

// poison overwrites freed memory. The byte is no valid length, UTF-8 or flag.
var poison = func() (b [4 << 10]byte) {
	for i := range b {
		b[i] = 0xdb
	}
	return b
}()

// fill overwrites b, in few writes for the race detector.
func fill(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, poison[:]):]
	}
}

// sum returns a checksum of v without its mark, and of mem.
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

// Out returns the number of objects of each kind that are not in their pools.
func Out() map[Kind]int {
	left := make(map[Kind]int)
	for k := range out {
		if n := int(out[k].Load()); n != 0 {
			left[Kind(k)] = n
		}
	}
	return left
}
