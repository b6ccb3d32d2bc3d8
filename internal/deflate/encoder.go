package deflate

import (
	"encoding/binary"
	"math/bits"

	"github.com/bhojpur/api/internal/poolcheck"
)

const (
	// textSize is what an encoder has in one piece: what may be referred to,
	// and what is to be compressed. Places in it are 16 bits.
	textSize = 1 << 16

	// pieceSize is how much of a message that is written in parts is gathered
	// before it is compressed.
	pieceSize = 16 << 10

	// slideKept is what is kept of what may be referred to when text is full: all
	// of it takes as long to index as half of what text has room for.
	slideKept = 16 << 10

	hashBits  = 13
	leastHash = 5 // how many bytes are hashed; a match may have one less

	// maxTokens is how many literals and matches a block has at most.
	maxTokens = 8 << 10
)

// An encoder compresses the messages of one Compressor, with what it has of
// those before. It holds a quarter of a megabyte, so it is lent.
//
// It is our own because an encoder has to be made ready for a message of
// another connection in a few microseconds: what its window ends with is
// indexed, which takes a nanosecond a byte. Elsewhere that is done by compressing
// it.
type encoder struct {
	mark poolcheck.Mark

	// of is the Compressor that it stays with, whose window it has: guarded by
	// residents.mu. nil while it is lent or spare.
	of *Compressor

	effort effort
	reach  int // no match is farther back

	// text[1:end] is what the peer's window ends with, and the message. Of that
	// text[:done] is in tokens, or out, and text[:hashed] in the index.
	// text[block:done] is in tokens.
	end, done, hashed, block int

	bits  uint64 // that are put out but do not fill a byte
	nbits uint   // how many, fewer than 8 between two blocks

	tokens   int
	litUses  [litSymbols]uint32
	distUses [distSymbols]uint32
	coder    coder

	// head has, by the hash of the bytes there, the last place in text, and
	// prev, by place, the one before of the same hash. 0 is none.
	head  [1 << hashBits]uint16
	prev  [textSize]uint16
	text  [textSize + 8]byte // with room for a word anywhere
	token [maxTokens]token
}

// effort is how hard an encoder looks for matches.
type effort struct {
	depth int // at how many places
	nice  int // a match this long is not bettered
	lazy  int // a match this long is not compared with the next place's
}

// fast is the effort with a way of its own.
func (f effort) fast() bool { return f.depth == 1 }

// efforts are those of the levels 1 to 9.
var efforts = [...]effort{
	{depth: 1},
	{depth: 4, nice: 32},
	{depth: 8, nice: 64},
	{depth: 8, nice: 64, lazy: 8},
	{depth: 16, nice: 64, lazy: 16},
	{depth: 32, nice: 128, lazy: 32},
	{depth: 64, nice: 258, lazy: 64},
	{depth: 256, nice: 258, lazy: 258},
	{depth: 4096, nice: 258, lazy: 258},
}

// A token is a literal, or a match:
//
//	bits 0-14   the literal, or the distance less 1
//	bits 15-22  the length less 3
//	bits 23-27  the distance's symbol
//	bit 31      it is a match
type token uint32

const isMatch token = 1 << 31

// restart begins anew after the last n bytes of w.
func (e *encoder) restart(w *window, n int) {
	clear(e.head[:])
	e.begin(1 + len(w.appendLast(e.text[1:1:textSize], n)))
	e.hashed = 1
}

// begin begins a message at a place of text.
func (e *encoder) begin(at int) {
	e.end, e.done, e.block = at, at, at
	e.bits, e.nbits = 0, 0
	e.drop()
}

// drop empties tokens.
func (e *encoder) drop() {
	e.tokens = 0
	clear(e.litUses[:])
	clear(e.distUses[:])
}

// slide makes room in text, all of which is done, and keeps what may be referred
// to.
func (e *encoder) slide(dst []byte) []byte {
	dst = e.endBlock(dst)
	keep := min(e.reach, slideKept)
	copy(e.text[1:], e.text[e.end-keep:e.end])
	e.end, e.done, e.block = 1+keep, 1+keep, 1+keep
	clear(e.head[:])
	e.hashed = 1
	return dst
}

// write appends to dst what compressing p gives so far.
func (e *encoder) write(dst, p []byte) []byte {
	for len(p) > 0 {
		if e.end == textSize {
			dst = e.slide(dst)
		}
		n := copy(e.text[e.end:textSize], p)
		e.end += n
		p = p[n:]
		if e.end == textSize || e.end-e.done >= pieceSize {
			dst = e.tokenize(dst)
		}
	}
	return dst
}

// flush appends to dst all that is still held back, and the header bits of an
// empty stored block, whose rest is the tail.
func (e *encoder) flush(dst []byte) []byte {
	dst = e.tokenize(dst)
	return e.beginStored(e.endBlock(dst))
}

// tokenize turns the text that is not done into tokens.
func (e *encoder) tokenize(dst []byte) []byte {
	if e.effort.fast() {
		return e.tokenizeFast(dst)
	}
	i, end := e.done, e.end
	missed := i // since there nothing was found
	for i+leastHash <= end {
		if e.tokens >= maxTokens-2 {
			e.done = i
			dst = e.endBlock(dst)
		}
		e.index(i)
		length, at := e.find(i)
		if length == 0 {
			// Where nothing is found for long, look less often.
			n := min(1+(i-missed)>>6, end-i, maxTokens-2-e.tokens)
			e.literals(e.text[i : i+n])
			i += n
			continue
		}
		if length < e.effort.lazy && i+1+leastHash <= end {
			e.index(i + 1)
			if l, a := e.find(i + 1); l > length {
				e.literals(e.text[i : i+1])
				i++
				length, at = l, a
			}
		}
		e.match(length, i-at)
		i += length
		missed = i
	}
	return e.tokenizeEnd(dst, i)
}

// tokenizeEnd turns the last bytes, from i on, into literals.
func (e *encoder) tokenizeEnd(dst []byte, i int) []byte {
	for ; i < e.end; i++ {
		if e.tokens == maxTokens {
			e.done = i
			dst = e.endBlock(dst)
		}
		e.literals(e.text[i : i+1])
	}
	e.done = e.end
	return dst
}

// tokenizeFast is tokenize where only the last place of a hash is looked at, and
// of a match's places only the last is indexed: prev has no part in it.
func (e *encoder) tokenizeFast(dst []byte) []byte {
	i, end := e.done, e.end
	missed := i
	for i+leastHash <= end {
		if e.tokens >= maxTokens-2 {
			e.done = i
			dst = e.endBlock(dst)
		}
		if e.hashed < i {
			e.index(i)
		}
		word := e.word(i)
		head := &e.head[e.hash(i)]
		at := int(*head)
		*head = uint16(i)
		e.hashed = i + 1
		if at < max(i-e.reach, 1) || e.word(at) != word {
			n := min(1+(i-missed)>>6, end-i, maxTokens-2-e.tokens)
			e.literals(e.text[i : i+n])
			i += n
			continue
		}
		length := 4 + matching(e.text[at+4:], e.text[i+4:i+min(end-i, maxMatch)])
		e.match(length, i-at)
		i += length
		e.hashed = max(e.hashed, min(i, end-leastHash)-1)
		missed = i
	}
	return e.tokenizeEnd(dst, i)
}

// index takes the places before i into the index, as far as the text goes.
func (e *encoder) index(i int) {
	i = min(i, e.end-leastHash+1)
	at := e.hashed
	if at >= i {
		return
	}
	e.hashed = i
	if e.effort.fast() {
		for ; at < i; at++ {
			e.head[e.hash(at)] = uint16(at)
		}
		return
	}
	for ; at < i; at++ {
		last := &e.head[e.hash(at)]
		e.prev[at&(textSize-1)] = *last
		*last = uint16(at)
	}
}

// word is the 4 bytes at a place.
func (e *encoder) word(at int) uint32 {
	at &= textSize - 1
	return binary.LittleEndian.Uint32(e.text[at : at+4])
}

// hash is that of the 5 bytes at a place.
func (e *encoder) hash(at int) uint64 {
	at &= textSize - 1
	return binary.LittleEndian.Uint64(e.text[at:at+8]) << 24 * 0x9E3779B185EBCA87 >> (64 - hashBits)
}

// find looks for a match of what begins at i, where at least 4 bytes are and
// before which all is indexed, and takes i into the index. The length is 0 where
// there is none.
func (e *encoder) find(i int) (length, at int) {
	word := e.word(i)
	most := min(e.end-i, maxMatch)
	low := max(i-e.reach, 1)
	last := word // the bytes at the end of a match that would be longer by one
	best := 3
	head := &e.head[e.hash(i)]
	place := int(*head)
	e.prev[i&(textSize-1)] = *head
	*head = uint16(i)
	e.hashed = i + 1
	for tries := e.effort.depth; place >= low && tries > 0; tries-- {
		if e.word(place+best-3) == last && e.word(place) == word {
			n := 4 + matching(e.text[place+4:], e.text[i+4:i+most])
			if n > best {
				best, at = n, place
				if n >= e.effort.nice || n == most {
					break
				}
				last = e.word(i + n - 3)
			}
		}
		place = int(e.prev[place&(textSize-1)])
	}
	if at == 0 {
		return 0, 0
	}
	return best, at
}

// matching returns with how many bytes a and b begin alike. a is not the
// shorter one.
func matching(a, b []byte) int {
	n := 0
	for ; n+8 <= len(b); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func (e *encoder) literals(p []byte) {
	n := e.tokens
	for _, c := range p {
		e.token[n&(maxTokens-1)] = token(c)
		e.litUses[c]++
		n++
	}
	e.tokens = n
}

func (e *encoder) match(length, back int) {
	s := distSymbol(back)
	e.token[e.tokens&(maxTokens-1)] = isMatch | token(s<<23) | token((length-3)<<15) | token(back-1)
	e.litUses[lengthSymbols[length-3]]++
	e.distUses[s]++
	e.tokens++
}

// distSymbol is the symbol of a distance (RFC 1951 section 3.2.5).
func distSymbol(back int) uint {
	v := uint(back - 1)
	if v < 4 {
		return v
	}
	extra := uint(bits.Len(v)) - 2
	return 2*extra + v>>extra
}
