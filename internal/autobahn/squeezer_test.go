package autobahn

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math/bits"
)

// squeezer compresses messages (RFC 7692 section 7.2.1), each into one block of
// fixed codes (RFC 1951 section 3.2.6). It reaches back as far as its window lets
// it. What it puts out depends on no release of anything.
type squeezer struct {
	window   int  // bytes
	takeover bool // it reaches back into messages before
	final    bool // its blocks have BFINAL set

	past  []byte            // what came before the message, as far as the window goes
	begin int               // of past, in the stream of all messages
	seen  [1 << seenLog]int // where there was something with this hash, behind it
	out   []byte
	acc   uint64
	n     uint // bits in acc
}

const (
	seenLog  = 12
	minMatch = 4 // of what is looked for; the format has 3
	maxMatch = 258
)

// message returns the message's compressed form, without the end that RFC 7692
// section 7.2.1 takes away. It is valid until the next call.
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
		// Another block has to follow, of which nothing but the first byte is
		// left (RFC 7692 section 7.2.3.4).
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

// find looks for what is at a place in what came before. What it has found once it
// finds again, until that is too far away.
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

// code puts out a code of the fixed alphabet.
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

// match puts out a length and a distance (RFC 1951 section 3.2.5).
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

// ranged returns the symbol for a number where each number of extra bits is that
// of so many symbols, but for the first, which have none twice.
func ranged(v, each int) (symbol int, extra uint, rest int) {
	if v < 2*each {
		return v, 0, 0
	}
	log := bits.Len(uint(each)) - 1
	extra = uint(bits.Len(uint(v)) - 1 - log)
	return int(extra)*each + v>>extra, extra, v & (1<<extra - 1)
}

// huffman puts out a code, which goes with its first bit first.
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

// align fills a byte that was begun.
func (s *squeezer) align() {
	if s.n > 0 {
		s.bits(0, 8-s.n)
	}
}

// messageInflater inflates messages of up to limit bytes.
type messageInflater interface {
	message(dst, p []byte, limit int) ([]byte, error)
}

// plainInflater is the standard library's.
type plainInflater struct {
	takeover bool
	past     []byte
	out      bytes.Buffer
	r        io.ReadCloser
}

// message inflates a message. The result is valid until the next call.
func (f *plainInflater) message(_, p []byte, limit int) ([]byte, error) {
	// The end that was taken away, and a last block, which the reader wants.
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
