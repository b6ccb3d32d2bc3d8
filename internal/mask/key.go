package mask

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// keySource holds random bytes for masking keys. They are read from crypto/rand many at a
// time, because a call may be a system call.
type keySource struct {
	mark poolcheck.Mark
	b    [1024]byte
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

// NewKey returns the masking key of one frame. Its bytes come from crypto/rand and are
// used for no other key (RFC 6455 section 10.3).
func NewKey() uint32 {
	s := takeKeySource()
	if s.left == 0 {
		rand.Read(s.b[:])
		s.left = len(s.b)
	}
	s.left -= 4
	key := binary.LittleEndian.Uint32(s.b[s.left:])
	s.put()
	return key
}
