package deflate

import (
	"slices"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// residents are encoders that stay with the Compressors that used them last: one
// that is used again and again need not index its window each time. There are
// few, whatever the number of connections. Past that the one that was not used
// for the longest time is taken from its Compressor.
var residents residentSet

// maxResidents is how many encoders stay: 4 MiB of them.
const maxResidents = 16

type residentSet struct {
	mu  sync.Mutex // a leaf; guards the rest, encoder.of and Compressor.stayed
	all []*encoder // none of which is lent; the one used last is last
}

// spares are encoders that belong to nobody.
var spares = sync.Pool{New: func() any { return new(encoder) }}

func takeSpare() *encoder {
	e := spares.Get().(*encoder)
	if poolcheck.On {
		poolcheck.Got(poolcheck.Encoder, &e.mark, e, e.text[:])
	}
	return e
}

func putSpare(e *encoder) {
	if poolcheck.On {
		poolcheck.Put(poolcheck.Encoder, &e.mark, e, e.text[:])
	}
	spares.Put(e)
}

// takeEncoder takes an encoder for a message of c. It reports whether it has what
// c's window has.
func takeEncoder(c *Compressor) (e *encoder, has bool) {
	if c.takeover {
		if e, has = residents.take(c); e != nil {
			return e, has
		}
	}
	return takeSpare(), false
}

// take returns the encoder that stayed with c, or else the one that has to leave
// for c's, or nil.
func (s *residentSet) take(c *Compressor) (e *encoder, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := c.stayed; e != nil {
		s.removeLocked(e)
		return e, true
	}
	if len(s.all) == maxResidents {
		e = s.all[0]
		s.removeLocked(e)
	}
	return e, false
}

// putEncoder gives e back, after a message of c.
func putEncoder(e *encoder, c *Compressor) {
	if c.takeover {
		e = residents.put(e, c)
	}
	if e != nil {
		putSpare(e)
	}
}

// put lets e stay with c. It returns one that has to leave for it, or nil.
func (s *residentSet) put(e *encoder, c *Compressor) (leaves *encoder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == maxResidents {
		leaves = s.all[0]
		s.removeLocked(leaves)
	}
	s.all = append(s.all, e)
	e.of, c.stayed = c, e
	return leaves
}

// drop takes the encoder that stayed with c.
func (s *residentSet) drop(c *Compressor) {
	s.mu.Lock()
	e := c.stayed
	if e != nil {
		s.removeLocked(e)
	}
	s.mu.Unlock()
	if e != nil {
		putSpare(e)
	}
}

// removeLocked takes e out of the set, and from the Compressor that it stayed
// with.
func (s *residentSet) removeLocked(e *encoder) {
	i := len(s.all) - 1
	for s.all[i] != e {
		i--
	}
	s.all = slices.Delete(s.all, i, i+1)
	e.of.stayed, e.of = nil, nil
}
