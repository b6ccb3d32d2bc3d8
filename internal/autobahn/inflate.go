package autobahn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Errors in a compressed message. The errors of an inflater wrap one of these.
var (
	errTooFar    = errors.New("a match reaches too far back")
	errCode      = errors.New("the Huffman codes are wrong")
	errBlock     = errors.New("the block is wrong")
	errTruncated = errors.New("the message ends inside a block")
	errTooLong   = errors.New("the message is too long")
)

// An inflater inflates the messages of one direction of a connection (RFC 7692 section
// 7.2.2), and checks the distances of matches, which compress/flate and zlib do not
// report. It must not be used after an error, nor concurrently.
type inflater struct {
	window   int // maximum distance of a match
	takeover bool

	past history // with takeover, the earlier messages

	// maxDistance is the largest distance so far.
	maxDistance int

	// The current message: the input,
	in   []byte // the payload, the flush's tail, padding
	end  int    // of the input, without the padding
	bits bitBuffer

	// and the output: out[begin:at], at most limit bytes.
	out       []byte
	begin, at int
	limit     int

	lengths, distances, codeLengths table
}

// A bitBuffer has the next bits of the input. It is a value, so that a loop can keep it
// in registers.
type bitBuffer struct {
	next uint64 // lowest bit first
	have uint   // number of bits read ahead of pos, at most 63
	pos  int    // offset of the byte that follows them
}

// fill reads ahead until there are at least 56 bits. It needs 8 bytes at pos.
func (b bitBuffer) fill(in []byte) bitBuffer {
	return bitBuffer{
		next: b.next | binary.LittleEndian.Uint64(in[b.pos:])<<(b.have&63),
		have: b.have | 56,
		pos:  b.pos + int(63-b.have)>>3,
	}
}

// drop removes n bits.
func (b bitBuffer) drop(n uint) bitBuffer {
	return bitBuffer{b.next >> (n & 63), b.have - n, b.pos}
}

// padding is the number of bytes after the message that may be read ahead.
const padding = 16

// newInflater returns an inflater that rejects distances larger than 1<<windowBits,
// and, without takeover, those into earlier messages.
func newInflater(windowBits int, takeover bool) *inflater {
	return &inflater{window: 1 << windowBits, takeover: takeover, past: history{size: 1 << windowBits}}
}

// message inflates the payload of one message and appends the result to dst. Memory
// between the length and the capacity of dst may change in any case. The payload is not
// retained. A message of more than limit bytes is an error.
func (z *inflater) message(dst, payload []byte, limit int) ([]byte, error) {
	z.in = append(z.in[:0], payload...)
	z.in = append(z.in, flushTail...)
	z.end = len(z.in)
	z.in = append(z.in, make([]byte, padding)...)
	z.bits = bitBuffer{}
	z.out, z.begin, z.at, z.limit = dst[:cap(dst)], len(dst), len(dst), limit

	err := z.blocks()
	out := z.out[:z.at]
	z.out = nil
	switch {
	case err != nil && z.consumed() > 8*z.end:
		// The error is in the padding.
		err = errTruncated
	case err == nil && z.at-z.begin > limit:
		err = z.tooLong()
	}
	if err != nil {
		return out[:z.begin], err
	}
	if z.takeover {
		z.past.append(out[z.begin:])
	}
	return out, nil
}

// consumed returns the number of bits read.
func (z *inflater) consumed() int { return 8*z.bits.pos - int(z.bits.have) }

func (z *inflater) tooLong() error {
	return fmt.Errorf("%w: over %d bytes", errTooLong, z.limit)
}

// blocks inflates blocks until the end of the message. After a block with BFINAL set,
// the next one begins at the next byte (RFC 7692 section 7.2.3.4).
func (z *inflater) blocks() error {
	for z.consumed() < 8*z.end {
		final, kind := z.take(1), z.take(2)
		var err error
		switch kind {
		case 0:
			err = z.stored()
		case 1:
			fixed := fixedTables()
			err = z.compressed(&fixed[0], &fixed[1])
		case 2:
			if err = z.dynamic(); err == nil {
				err = z.compressed(&z.lengths, &z.distances)
			}
		case 3:
			err = fmt.Errorf("%w: it is of type 3", errBlock)
		}
		if err != nil {
			return err
		}
		if final == 1 {
			z.align()
		}
		if z.consumed() > 8*z.end {
			return errTruncated
		}
	}
	return nil
}

// lastFill returns the last position at which the bit buffer may be filled. Beyond it,
// all bits that count are already in the buffer.
func (z *inflater) lastFill() int { return z.end + padding - 8 }

// ahead fills the bit buffer to n bits. Zeros follow the message.
func (z *inflater) ahead(n uint) {
	if z.bits.have < n {
		z.bits.pos = min(z.bits.pos, z.lastFill())
		z.bits = z.bits.fill(z.in)
	}
}

// take returns the next n bits, at most 16.
func (z *inflater) take(n uint) int {
	z.ahead(n)
	v := z.bits.next & (1<<n - 1)
	z.bits = z.bits.drop(n)
	return int(v)
}

// align skips to the next byte boundary.
func (z *inflater) align() {
	z.bits = bitBuffer{pos: z.bits.pos - int(z.bits.have>>3)}
}

// stored copies a stored block (RFC 1951 section 3.2.4).
func (z *inflater) stored() error {
	z.align()
	in := z.in[z.bits.pos:max(z.bits.pos, z.end)]
	if len(in) < 4 {
		return errTruncated
	}
	n := int(binary.LittleEndian.Uint16(in))
	if inverse := binary.LittleEndian.Uint16(in[2:]); inverse != ^uint16(n) {
		return fmt.Errorf("%w: its length is %04x, and the complement %04x", errBlock, n, inverse)
	}
	if in = in[4:]; len(in) < n {
		return errTruncated
	}
	// A stored block is no longer than the payload; message checks the limit.
	z.out = append(z.out[:z.at], in[:n]...)
	z.at = len(z.out)
	z.out = z.out[:cap(z.out)]
	z.bits.pos += 4 + n
	return nil
}

// symbol returns the next code length symbol.
func (z *inflater) symbol(t *table) int {
	z.ahead(maxCodeBits)
	e := t.lookup(z.bits)
	z.bits = z.bits.drop(e.take())
	return e.base()
}

// codeLengthOrder is the order of the lengths for the code length code.
var codeLengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the dynamic codes of a block (RFC 1951 section 3.2.7).
func (z *inflater) dynamic() error {
	nlen, ndist, ncode := 257+z.take(5), 1+z.take(5), 4+z.take(4)
	if nlen > 286 || ndist > 30 {
		return fmt.Errorf("%w: %d codes of literals and lengths, %d of distances", errCode, nlen, ndist)
	}
	var own [19]uint8
	for _, symbol := range codeLengthOrder[:ncode] {
		own[symbol] = uint8(z.take(3))
	}
	if !z.codeLengths.build(own[:], codeLengthMeanings) {
		return fmt.Errorf("%w: that of code lengths", errCode)
	}
	var lengths [286 + 30]uint8
	for i := 0; i < nlen+ndist; {
		symbol := z.symbol(&z.codeLengths)
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}
		var n int
		var length uint8 // repeated n times
		switch symbol {
		case 16:
			if i == 0 {
				return fmt.Errorf("%w: no length to repeat", errCode)
			}
			n, length = 3+z.take(2), lengths[i-1]
		case 17:
			n = 3 + z.take(3)
		case 18:
			n = 11 + z.take(7)
		}
		if i+n > nlen+ndist {
			return fmt.Errorf("%w: too many lengths", errCode)
		}
		for range n {
			lengths[i] = length
			i++
		}
	}
	switch {
	case lengths[256] == 0:
		return fmt.Errorf("%w: no end of block", errCode)
	case !z.lengths.build(lengths[:nlen], lengthMeanings):
		return fmt.Errorf("%w: that of literals and lengths", errCode)
	case !z.distances.build(lengths[nlen:nlen+ndist], distanceMeanings):
		return fmt.Errorf("%w: that of distances", errCode)
	}
	return nil
}

const (
	// maxStep is the most output of compressed between two checks for space: four
	// literals and a match, copied in words.
	maxStep = 4 + 258 + 16

	// minRoom is the initial space.
	minRoom = 1024
)

// grow makes space for maxStep bytes, unless the message is too long.
func (z *inflater) grow() error {
	if z.at-z.begin > z.limit {
		return z.tooLong()
	}
	room := min(max(minRoom, 2*(z.at-z.begin)), z.limit) + maxStep
	z.out = slices.Grow(z.out[:z.at], z.begin+room+maxStep-z.at)
	z.out = z.out[:cap(z.out)]
	return nil
}

// compressed inflates the symbols of a block. Most of the time is spent in its loop, so
// it is one long function with its state in local variables, which it stores in z
// before calls that need it. The race detector would make it many times slower.
//
//go:norace
func (z *inflater) compressed(lengths, distances *table) error {
	in, b, out, at := z.in, z.bits, z.out, z.at
	last := z.lastFill()
	for {
		if at > len(out)-maxStep {
			z.at = at
			if err := z.grow(); err != nil {
				return err
			}
			out = z.out
		}
		if b.pos > last {
			z.bits, z.at = b, at
			return errTruncated
		}
		b = b.fill(in)

		// 56 bits are enough for three codes of the first table, and any code after
		// them.
		e := lengths.lookup(b)
		for range 3 {
			if e&literalEntry == 0 {
				break
			}
			b = b.drop(e.take())
			out[at] = byte(e >> 16)
			at++
			e = lengths.lookup(b)
		}
		if e&subEntry != 0 {
			e, b = lengths.lookupSecond(e, b)
		}
		if e&literalEntry != 0 {
			b = b.drop(e.take())
			out[at] = byte(e >> 16)
			at++
			continue
		}
		if e&oddEntry != 0 {
			z.bits, z.at = b.drop(e.take()), at
			if e&endEntry != 0 {
				return nil
			}
			return fmt.Errorf("%w: one of a literal or length means nothing", errCode)
		}
		length := e.value(b)
		b = b.drop(e.take())

		if b.pos > last {
			z.bits, z.at = b, at
			return errTruncated
		}
		b = b.fill(in)
		e = distances.lookup(b)
		if e&subEntry != 0 {
			e, b = distances.lookupSecond(e, b)
		}
		if e&oddEntry != 0 {
			z.bits, z.at = b, at
			return fmt.Errorf("%w: one of a distance means nothing", errCode)
		}
		distance := e.value(b)
		b = b.drop(e.take())

		from := at - distance
		if distance > z.maxDistance || from < z.begin {
			z.bits, z.at = b, at
			if err := z.reach(length, distance); err != nil {
				return err
			}
			if z.at > at {
				at = z.at
				continue
			}
		}
		if distance < 8 {
			// The match overlaps its own output.
			for i := range length {
				out[at+i] = out[from+i]
			}
			at += length
			continue
		}
		to := out[at : at+length+8]
		source := out[from : from+length+8]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(source[i:]))
		}
		at += length
	}
}

// reach handles a match with a new largest distance, or into earlier messages. It
// copies a match of the second kind.
func (z *inflater) reach(length, distance int) error {
	before := z.past.last(z.past.size)
	switch {
	case distance > z.window:
		return fmt.Errorf("%w: %d bytes, in a window of %d", errTooFar, distance, z.window)
	case distance > z.at-z.begin+len(before):
		return fmt.Errorf("%w: %d bytes, where there are %d", errTooFar, distance, z.at-z.begin+len(before))
	}
	z.maxDistance = max(z.maxDistance, distance)
	if back := distance - (z.at - z.begin); back > 0 {
		// The rest of the match is at the beginning of this message.
		n := copy(z.out[z.at:z.at+length], before[len(before)-back:])
		for z.at += n; n < length; n++ {
			z.out[z.at] = z.out[z.at-distance]
			z.at++
		}
	}
	return nil
}
