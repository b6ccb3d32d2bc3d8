package mask

import (
	"sync"
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// Keys do not repeat, in the bytes of one call of crypto/rand and in those of several, on
// one goroutine and on several.
func TestNewKeyDoesNotRepeat(t *testing.T) {
	const goroutines, keys = 8, 200 // of 2³²: two are equal once in 3,000 runs
	var (
		mu   sync.Mutex
		seen = map[uint32]int{}
		wg   sync.WaitGroup
	)
	for range goroutines {
		wg.Go(func() {
			for range keys {
				key := NewKey()
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
func TestNewKeyUsesAllBits(t *testing.T) {
	const keys = 1000
	var ones [32]int
	for range keys {
		key := NewKey()
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

func TestNewKeyAllocatesNothing(t *testing.T) {
	if poolcheck.On {
		return // with the race detector pools drop objects at random
	}
	if n := testing.AllocsPerRun(1000, func() { NewKey() }); n > 0 {
		t.Errorf("%v allocations per key", n)
	}
}

func BenchmarkNewKey(b *testing.B) {
	for b.Loop() {
		NewKey()
	}
}
