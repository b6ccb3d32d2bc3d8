package mask

import (
	"sync"
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// Keys do not repeat, in one Keys and in several, on one goroutine and on several, which
// share the bytes of a call of crypto/rand or not.
func TestKeysDoNotRepeat(t *testing.T) {
	const goroutines, keys = 8, 200 // of 2³²: two are equal once in 3,000 runs
	var (
		mu   sync.Mutex
		seen = map[uint32]int{}
		wg   sync.WaitGroup
	)
	for range goroutines {
		wg.Go(func() {
			var pair [2]Keys
			for i := range keys {
				key := pair[i%2].Next()
				mu.Lock()
				seen[key]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// A source that returned its bytes twice would repeat dozens.
	if repeated := goroutines*keys - len(seen); repeated > 2 {
		t.Errorf("%d of %d keys are repeated", repeated, goroutines*keys)
	}
}

// Each bit of a key is one in about half of the keys.
func TestKeysUseAllBits(t *testing.T) {
	const keys = 1000
	var ones [32]int
	var all Keys
	for range keys {
		key := all.Next()
		for bit := range ones {
			ones[bit] += int(key >> bit & 1)
		}
	}
	for bit, n := range ones {
		if n < keys/3 || n > keys*2/3 {
			t.Errorf("bit %d is one in %d of %d keys", bit, n, keys)
		}
	}
}

func TestKeysAllocateNothing(t *testing.T) {
	if poolcheck.On {
		return // with the race detector pools drop objects at random
	}
	var all Keys
	if n := testing.AllocsPerRun(1000, func() { all.Next() }); n > 0 {
		t.Errorf("%v allocations per key", n)
	}
}

func BenchmarkKeys(b *testing.B) {
	var all Keys
	for b.Loop() {
		all.Next()
	}
}
