package autobahn

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math/bits"
)

// squeezer compresses messages (RFC 7692 section 7.2.1), each into one block of fixed
// codes (RFC 1951 section 3.2.6), with distances up to its window. Its output does not
// depend on the release of Go.
type squeezer struct {
	window   int  // bytes
	takeover bool // refer to earlier messages
	final    bool // set BFINAL in its blocks

	past  []byte            // the window before the message
	begin int               // position of past in the stream of all messages
	seen  [1 << seenLog]int // position after the last occurrence of a hash
	out   []byte
	acc   uint64
	n     uint // bits in acc
}

const (
	seenLog  = 12
	minMatch = 4 // of matches it finds; the format allows 3
	maxMatch = 258
)

// message returns the payload for a message, without the tail (RFC 7692 section 7.2.1).
// It is valid until the next call.
func (s *squeezer) message(p []byte) []byte {
	from := len(s.past)
	s.past = append(s.past, p...)
	s.out = s.out[:0]
	if s.final {
		s.bits(0b011, 3)
	} else {
		s.bits(0b010, 3)
	}
	for at := from; at < len(s.past); {
		distance, length := s.find(at)
		if length < minMatch {
			s.code(int(s.past[at]))
			at++
			continue
		}
		s.match(length, distance)
		at += length
	}
	s.code(256)
	if s.final {
		// Another block must follow, of which only the first byte remains (RFC 7692
		// section 7.2.3.4).
		s.align()
	}
	s.bits(0b000, 3)
	s.align()

	gone := max(0, len(s.past)-s.window)
	if !s.takeover {
		gone = len(s.past)
	}
	s.past = s.past[:copy(s.past, s.past[gone:])]
	s.begin += gone
	return s.out
}

// find searches the earlier data for a match at a position. A match that it has found
// is used again until its distance is too large.
func (s *squeezer) find(at int) (distance, length int) {
	if len(s.past)-at < minMatch {
		return 0, 0
	}
	slot := &s.seen[binary.LittleEndian.Uint32(s.past[at:])*2654435761>>(32-seenLog)]
	distance = s.begin + at + 1 - *slot
	if distance <= min(at, s.window) {
		for length < maxMatch && at+length < len(s.past) && s.past[at+length] == s.past[at-distance+length] {
			length++
		}
	}
	if length < minMatch {
		*slot = s.begin + at + 1
	}
	return distance, length
}

// code writes a symbol of the fixed code.
func (s *squeezer) code(c int) {
	switch {
	case c < 144:
		s.huffman(0b00110000+c, 8)
	case c < 256:
		s.huffman(0b110010000+c-144, 9)
	case c < 280:
		s.huffman(c-256, 7)
	default:
		s.huffman(0b11000000+c-280, 8)
	}
}

// match writes a length and a distance (RFC 1951 section 3.2.5).
func (s *squeezer) match(length, distance int) {
	if length == maxMatch {
		s.code(285)
	} else {
		symbol, extra, rest := ranged(length-3, 4)
		s.code(257 + symbol)
		s.bits(uint64(rest), extra)
	}
	symbol, extra, rest := ranged(distance-1, 2)
	s.huffman(symbol, 5)
	s.bits(uint64(rest), extra)
}

// ranged returns the symbol for a value in an alphabet with each symbols per number of
// extra bits, twice as many for none.
func ranged(v, each int) (symbol int, extra uint, rest int) {
	if v < 2*each {
		return v, 0, 0
	}
	log := bits.Len(uint(each)) - 1
	extra = uint(bits.Len(uint(v)) - 1 - log)
	return int(extra)*each + v>>extra, extra, v & (1<<extra - 1)
}

// huffman writes a code, most significant bit first.
func (s *squeezer) huffman(code int, n uint) {
	s.bits(uint64(bits.Reverse32(uint32(code))>>(32-n)), n)
}

func (s *squeezer) bits(v uint64, n uint) {
	s.acc |= v << s.n
	for s.n += n; s.n >= 8; s.n -= 8 {
		s.out = append(s.out, byte(s.acc))
		s.acc >>= 8
	}
}

// align completes the current byte.
func (s *squeezer) align() {
	if s.n > 0 {
		s.bits(0, 8-s.n)
	}
}

// messageInflater inflates messages of up to limit bytes.
type messageInflater interface {
	message(dst, p []byte, limit int) ([]byte, error)
}

// plainInflater uses compress/flate.
type plainInflater struct {
	takeover bool
	past     []byte
	out      bytes.Buffer
	r        io.ReadCloser
}

// message inflates a message. The result is valid until the next call.
func (f *plainInflater) message(_, p []byte, limit int) ([]byte, error) {
	// The removed tail, and a final block that the reader requires.
	r := io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	if f.r == nil {
		f.r = flate.NewReader(nil)
	}
	if err := f.r.(flate.Resetter).Reset(r, f.past); err != nil {
		return nil, err
	}
	f.out.Reset()
	if _, err := io.Copy(&f.out, io.LimitReader(f.r, int64(limit))); err != nil {
		return nil, err
	}
	if f.takeover {
		f.past = append(f.past, f.out.Bytes()...)
		f.past = f.past[:copy(f.past, f.past[max(0, len(f.past)-1<<maxWindowBits):])]
	}
	return f.out.Bytes(), nil
}
