package bench

import (
	"bytes"
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/bhojpur/api/internal/poolcheck"
)

// Go's copy takes up to ten times as long where source and destination differ
// modulo 8, or where a load follows a store to nearly the same address modulo the
// size of a page, which a processor takes for the same address. A connection that
// used it would measure where a library's buffer happens to begin. evenCopy costs
// the same for all of them.
const (
	pageSize  = 4096
	lineSize  = 64  // of the cache
	blockSize = 256 // copy loads so much into registers before it stores any of it
)

// evenCopy is copy at a cost that does not depend on where dst and src begin. It
// copies blocks to whole lines of dst, in the direction in which no load comes
// shortly after a store to the same address modulo pageSize.
func evenCopy(dst, src []byte) int {
	n := min(len(dst), len(src))
	if n <= blockSize {
		return copy(dst, src[:n])
	}
	dst, src = dst[:n], src[:n]
	to := uintptr(unsafe.Pointer(unsafe.SliceData(dst)))
	from := uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	head := int(-to % lineSize)
	tail := head + (n-head)/blockSize*blockSize
	if ascends(to, from) {
		copy(dst[:head], src)
		for i := head; i < tail; i += blockSize {
			copyBlock(dst[i:], src[i:])
		}
		copy(dst[tail:], src[tail:])
		return n
	}
	copy(dst[tail:], src[tail:])
	for i := tail - blockSize; i >= head; i -= blockSize {
		copyBlock(dst[i:], src[i:])
	}
	copy(dst[:head], src)
	return n
}

// ascends returns the direction for a copy: what was stored is ahead of what is
// loaded by at least half a page, modulo pageSize.
func ascends(to, from uintptr) bool { return (to-from)%pageSize >= pageSize/2 }

func copyBlock(dst, src []byte) {
	copy(dst[:blockSize], src[:blockSize])
}

// at returns n bytes of memory that begin at a multiple of pageSize, plus offset.
func at(memory []byte, offset, n int) []byte {
	begin := int(-uintptr(unsafe.Pointer(unsafe.SliceData(memory))) % pageSize)
	return memory[begin+offset:][:n:n]
}

func TestEvenCopy(t *testing.T) {
	const most = 3*pageSize + blockSize
	from, to := make([]byte, most+2*pageSize), make([]byte, most+2*pageSize)
	for i := range from {
		from[i] = byte(i*i + i>>8)
	}
	for _, n := range []int{0, 1, lineSize, blockSize, blockSize + 1, 2*blockSize - 1, 2*blockSize + lineSize, most - pageSize} {
		for _, offset := range []int{0, 1, 7, 8, lineSize - 1, lineSize, pageSize/2 - 1, pageSize / 2, pageSize - 1} {
			for _, source := range []int{0, 3, pageSize / 2} {
				clear(to)
				dst, src := at(to, offset, n), at(from, source, n)
				if k := evenCopy(dst, src); k != n || !bytes.Equal(dst, src) {
					t.Fatalf("copied %d of %d bytes from offset %d to offset %d, or others", k, n, source, offset)
				}
				if left := bytes.Count(to, []byte{0}) - bytes.Count(dst, []byte{0}); left != len(to)-n {
					t.Fatalf("%d bytes to offset %d: %d bytes beside them were written", n, offset, len(to)-n-left)
				}
			}
		}
	}
	if k := evenCopy(make([]byte, 3*blockSize), make([]byte, 2*blockSize)); k != 2*blockSize {
		t.Errorf("copied %d bytes of a shorter source", k)
	}
	if k := evenCopy(make([]byte, 2*blockSize), make([]byte, 3*blockSize)); k != 2*blockSize {
		t.Errorf("copied %d bytes to a shorter destination", k)
	}
}

// slowest returns how many times as long a copy of n bytes takes at the worst
// alignment as at the best. What else the machine does only adds to a measurement,
// so that each alignment counts with its shortest.
func slowest(t *testing.T, copyBytes func(dst, src []byte) int, n int) float64 {
	t.Helper()
	rounds := 300
	if poolcheck.On { // with the race detector
		rounds = 50
	}
	var offsets []int
	for i := range lineSize {
		offsets = append(offsets, i, pageSize-1-i, i*lineSize)
	}
	from, to := make([]byte, n+2*pageSize), make([]byte, n+2*pageSize)
	src := at(from, 0, n)
	took := make([]time.Duration, len(offsets))
	for i := range took {
		took[i] = math.MaxInt64
	}
	for range rounds {
		for i, offset := range offsets {
			dst := at(to, offset, n)
			start := time.Now()
			for range 4 {
				copyBytes(dst, src)
			}
			took[i] = min(took[i], time.Since(start))
		}
	}
	least, most := took[0], took[0]
	for _, d := range took {
		least, most = min(least, d), max(most, d)
	}
	t.Logf("%d bytes: %v to %v", n, least/4, most/4)
	return float64(most) / float64(least)
}

// The connection in memory favours no library for where its buffer begins.
func TestConnectionIsNeutral(t *testing.T) {
	limit := 1.5
	if poolcheck.On {
		limit = 3 // the detector's own work differs
	}
	for _, n := range []int{4 * kib, 16 * kib} {
		t.Logf("copy: %.1f times", slowest(t, func(dst, src []byte) int { return copy(dst, src) }, n))
		l := &loop{}
		read := func(dst, src []byte) int {
			l.feed, l.off = src, 0
			k, _ := l.Read(dst)
			return k
		}
		if ratio := slowest(t, read, n); ratio > limit {
			t.Errorf("a read of %d bytes takes %.1f times as long into some buffers as into others", n, ratio)
		}
	}
}
