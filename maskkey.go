//go:build !js

package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// keySource is random bytes for masking keys, which a client must make
// unpredictable (RFC 6455 section 10.3): they come from crypto/rand, many at a
// time, since it costs half a microsecond to ask.
type keySource struct {
	b    [256]byte
	left int
}

var keySources = sync.Pool{New: func() any { return new(keySource) }}

// newMaskingKey returns a key for a frame, in the form internal/mask takes.
func newMaskingKey() uint32 {
	s := keySources.Get().(*keySource)
	if s.left == 0 {
		rand.Read(s.b[:])
		s.left = len(s.b)
	}
	s.left -= 4
	key := binary.LittleEndian.Uint32(s.b[s.left:])
	keySources.Put(s)
	return key
}
