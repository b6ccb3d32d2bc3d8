package handle

import (
	"runtime"
	"testing"
	"unsafe"
)

func TestHandles(t *testing.T) {
	type owner struct{ name string }
	type given struct {
		h      *Handle[owner]
		number uint64
	}
	a, b := &owner{"a"}, &owner{"b"}
	var slabs [2]Slab[owner]
	var all [2][]given
	seen := map[*Handle[owner]]bool{}
	number := uint64(1) << 40
	for i := range 5 * manyHandles {
		for k, o := range []*owner{a, b} {
			h := slabs[k].Next(o, number)
			if seen[h] {
				t.Fatal("got a handle twice")
			}
			seen[h] = true
			all[k] = append(all[k], given{h, number})
		}
		switch i % 50 {
		case 7: // the same number again
		case 11:
			number += maxSince
		case 12:
			number += maxSince + 1
		default:
			number += 2
		}
	}
	slabs = [2]Slab[owner]{} // the handles alone keep their blocks
	runtime.GC()
	for k, o := range []*owner{a, b} {
		for _, g := range all[k] {
			if g.h.Owner() != o || g.h.Number() != g.number {
				t.Fatalf("handle of %s with number %d: %s, %d", o.name, g.number, g.h.Owner().name, g.h.Number())
			}
		}
	}
}

// A number is exact up to the largest distance from the first of its block.
func TestDistance(t *testing.T) {
	for _, since := range []uint64{0, 1, maxSince - 1, maxSince, maxSince + 1, 1 << 40} {
		var s Slab[int]
		first := s.Next(nil, 5)
		if h := s.Next(nil, 5+since); h.Number() != 5+since || first.Number() != 5 {
			t.Errorf("numbers 5 and %d are %d and %d", 5+since, first.Number(), h.Number())
		}
	}
}

// The blocks fill size classes of the allocator.
func TestSizes(t *testing.T) {
	for _, test := range []struct {
		size, want, handles uintptr
		at                  uintptr
	}{
		{unsafe.Sizeof(few[int]{}), 24, fewHandles, unsafe.Offsetof(few[int]{}.handles)},
		{unsafe.Sizeof(some[int]{}), 64, someHandles, unsafe.Offsetof(some[int]{}.handles)},
		{unsafe.Sizeof(many[int]{}), 512, manyHandles, unsafe.Offsetof(many[int]{}.handles)},
	} {
		if word := unsafe.Sizeof(uintptr(0)); word == 8 && test.size != test.want {
			t.Errorf("a block of %d handles has %d bytes, want %d", test.handles, test.size, test.want)
		}
		if test.at != uintptr(offset[int](0)) || test.handles > indexMask+1 {
			t.Errorf("the handles of a block of %d begin at %d, want %d", test.handles, test.at, offset[int](0))
		}
	}
}

func TestAllocations(t *testing.T) {
	var s Slab[int]
	n := uint64(0)
	for range fewHandles + someHandles {
		s.Next(nil, n)
	}
	if got := testing.AllocsPerRun(10*manyHandles, func() { n++; s.Next(nil, n) }); got > 0 {
		t.Errorf("%v allocations for each handle", got)
	}
}
