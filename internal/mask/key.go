package mask

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// Keys is a supply of masking keys for one user at a time. The zero value is ready for use.
type Keys struct {
	left  uint32 // queue[:left] is unused
	queue [keysAtOnce]uint32
}

const (
	// keysAtOnce is the number of keys that a Keys takes from a keySource: a Keys has
	// 64 bytes, and most calls of Next are a few instructions.
	keysAtOnce = 15
	// keyBytes is the size of a keySource. crypto/rand takes about as long for each byte
	// of more than 512, and a call may be a system call.
	keyBytes = 17 * 4 * keysAtOnce
)

// Next returns the masking key of one frame. Its bytes come from crypto/rand and are used
// for no other key (RFC 6455 section 10.3).
func (k *Keys) Next() uint32 {
	if k.left == 0 {
		k.fill()
	}
	k.left--
	return k.queue[k.left]
}

// fill takes keys from a source.
func (k *Keys) fill() {
	s := takeKeySource()
	if s.left == 0 {
		rand.Read(s.b[:])
		s.left = len(s.b)
	}
	for i := range k.queue {
		s.left -= 4
		k.queue[i] = binary.LittleEndian.Uint32(s.b[s.left:])
	}
	s.put()
	k.left = keysAtOnce
}

// keySource holds random bytes for masking keys.
type keySource struct {
	mark poolcheck.Mark
	b    [keyBytes]byte
	left int // b[:left] is unused
}

var keySources = sync.Pool{New: func() any { return new(keySource) }}

func takeKeySource() *keySource {
	s := keySources.Get().(*keySource)
	if poolcheck.On {
		poolcheck.Got(poolcheck.KeySource, &s.mark, s)
	}
	return s
}

func (s *keySource) put() {
	if poolcheck.On {
		poolcheck.Put(poolcheck.KeySource, &s.mark, s)
	}
	keySources.Put(s)
}
