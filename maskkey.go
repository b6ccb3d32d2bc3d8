//go:build !js

package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// keySource is random bytes for masking keys, which a client must make
// unpredictable (RFC 6455 section 10.3): they come from crypto/rand, many at a
// time, since it costs half a microsecond to ask.
type keySource struct {
	mark poolcheck.Mark
	b    [256]byte
	left int
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

// newMaskingKey returns a key for a frame, in the form internal/mask takes.
func newMaskingKey() uint32 {
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
