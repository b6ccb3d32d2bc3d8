package deflate

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// ErrCorrupt is what compressed data that is not DEFLATE, or refers to before
// the window, or ends inside a block, gives rise to. Errors wrap it and say
// what is wrong (RFC 1951 section 3.2).
var ErrCorrupt = errors.New("corrupt compressed data")

var (
	errBlockType = fmt.Errorf("%w: reserved block type", ErrCorrupt)
	errStored    = fmt.Errorf("%w: stored length", ErrCorrupt)
	errLengths   = fmt.Errorf("%w: code lengths", ErrCorrupt)
	errSymbol    = fmt.Errorf("%w: symbol", ErrCorrupt)
	errDistance  = fmt.Errorf("%w: distance before the window", ErrCorrupt)
	errTruncated = fmt.Errorf("%w: ends inside a block", ErrCorrupt)
)

// errInput says that a step cannot go on without more input. Everything it
// looked at is still there, so that it may be asked again.
var errInput = errors.New("more input wanted")

const (
	// inputSize is what one read from the source asks for: most frames whole.
	inputSize = 4 << 10

	// outputSize is what is inflated at most before it is taken, with the
	// distance that a match may reach back.
	outputSize = 2 * maxDistance

	// maxMatch is the longest match (RFC 1951 section 3.2.5). The decoder
	// stops where one more might not fit, so that a match is never split.
	maxMatch = 258
)

// A step is what the decoder expects next.
type step uint8

const (
	atHeader      step = iota // a block's three header bits
	atStoredLen               // LEN and NLEN of a stored block
	atStored                  // the bytes of a stored block
	atDynamicHead             // HLIT, HDIST and HCLEN
	atLenLens                 // the code lengths of the code length code
	atLens                    // the code lengths of the two codes
	atSymbols                 // literals and matches
)

// A decoder inflates one message. It can stop before any piece of its input
// and go on later, which is why it is ours: a source that is interrupted must
// not cost the message. It belongs to an Inflater for one message and to a pool
// otherwise.
type decoder struct {
	mark poolcheck.Mark

	src  io.Reader
	past *window // what came before this message

	// err is the end: io.EOF or one that is ErrCorrupt. srcErr came from the
	// source together with bytes and is returned when these are used up.
	err    error
	srcErr error
	tailed bool // the source ended, and in is the tail

	step  step
	final bool // the block says that it is the last

	// bits has nbits of the input, the next in the lowest; those above are 0.
	bits  uint64
	nbits uint
	in    []byte // the input after them, in inBuf

	left            int // bytes of a stored block to come
	nlit, ndist     int // how many code lengths each code has
	nlens, lensRead int // how many the code length code has, and how many were read

	lit, dist table
	lenCode   table

	// out[read:wrote] is inflated and not yet taken; out[:read] is what
	// matches may refer to.
	read, wrote int

	lens      [litSymbols + distSymbols]uint8
	litTable  [litTableSize]entry
	distTable [distTableSize]entry
	lenTable  [lenTableSize]entry
	inBuf     [inputSize]byte
	out       [outputSize]byte
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// getDecoder takes a decoder from the pool, at the beginning of a message.
func getDecoder(src io.Reader, past *window) *decoder {
	d := decoders.Get().(*decoder)
	if poolcheck.On {
		poolcheck.Got(poolcheck.Decoder, &d.mark, d, d.inBuf[:], d.out[:])
	}
	d.src, d.past = src, past
	d.step, d.final = atHeader, false
	d.bits, d.nbits = 0, 0
	d.read, d.wrote = 0, 0
	d.tailed = false
	return d
}

// putDecoder gives d back. What it still refers to is its own.
func putDecoder(d *decoder) {
	d.src, d.past, d.err, d.srcErr, d.in = nil, nil, nil, nil, nil
	if poolcheck.On {
		poolcheck.Put(poolcheck.Decoder, &d.mark, d, d.inBuf[:], d.out[:])
	}
	decoders.Put(d)
}

// Read is [Inflater.Read] inside a message.
func (d *decoder) Read(p []byte) (int, error) {
	for {
		if d.read < d.wrote {
			n := copy(p, d.out[d.read:d.wrote])
			d.read += n
			return n, nil
		}
		if d.err != nil {
			return 0, d.err
		}
		d.slide()
		err := d.run()
		if err == nil || d.read < d.wrote && err == errInput {
			continue
		}
		if err == errInput {
			if err := d.fill(); err != nil {
				return 0, err
			}
			continue
		}
		d.err = err
	}
}

// slide makes room for output, all of which was taken, and keeps what matches
// may refer to.
func (d *decoder) slide() {
	if d.wrote+maxMatch <= len(d.out) {
		return
	}
	copy(d.out[:maxDistance], d.out[d.wrote-maxDistance:d.wrote])
	d.read, d.wrote = maxDistance, maxDistance
}

// fill gets more input, when all is used up. A source's error is returned and
// not kept.
func (d *decoder) fill() error {
	const maxEmptyReads = 100
	if d.tailed {
		d.err = errTruncated
		return d.err
	}
	for range maxEmptyReads {
		var n int
		err := d.srcErr
		if d.srcErr = nil; err == nil {
			n, err = d.src.Read(d.inBuf[:])
		}
		if n > 0 {
			d.in, d.srcErr = d.inBuf[:n], err
			return nil
		}
		if err == io.EOF {
			return d.sourceEnded()
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// sourceEnded puts the tail back that the sender took off (RFC 7692 section
// 7.2.2). A payload that follows the RFC ends after the header bits of a stored
// block, whose length the tail is. One that ends with a whole block, at a whole
// byte, is complete without: an empty payload, one that was not stripped, and
// one that ends with a final block (7.2.3.4) but lacks the octet after it.
func (d *decoder) sourceEnded() error {
	d.tailed = true
	if d.step == atHeader && d.nbits == 0 {
		d.err = io.EOF
		return d.err
	}
	d.in = d.inBuf[:copy(d.inBuf[:], tail)]
	return nil
}

// run inflates until there is no room for a match (nil), the input is used up
// (errInput), or the message ends (io.EOF, or an error that is ErrCorrupt).
func (d *decoder) run() error {
	for {
		var err error
		switch d.step {
		case atHeader:
			if d.tailed && d.nbits == 0 && len(d.in) == 0 {
				return io.EOF
			}
			err = d.header()
		case atStoredLen:
			err = d.storedLen()
		case atStored:
			if d.wrote == len(d.out) {
				return nil
			}
			err = d.stored()
		case atDynamicHead:
			err = d.dynamicHead()
		case atLenLens:
			err = d.lenLens()
		case atLens:
			err = d.codeLens()
		case atSymbols:
			d.symbolsFast()
			err = d.symbols()
			if err == nil && d.step == atSymbols {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// need gets n bits, at most 56, together, and reports whether there are as
// many.
func (d *decoder) need(n uint) bool {
	for d.nbits < n {
		if len(d.in) == 0 {
			return false
		}
		d.bits |= uint64(d.in[0]) << (d.nbits & 63)
		d.nbits += 8
		d.in = d.in[1:]
	}
	return true
}

// take returns the next n bits, which need found.
func (d *decoder) take(n uint) int {
	v := d.bits & (1<<(n&63) - 1)
	d.drop(n)
	return int(v)
}

func (d *decoder) drop(n uint) {
	d.bits >>= n & 63
	d.nbits -= n
}

// align drops the bits up to a whole byte.
func (d *decoder) align() {
	d.drop(d.nbits & 7)
}

// header reads the header bits of a block (RFC 1951 section 3.2.3).
func (d *decoder) header() error {
	if !d.need(3) {
		return errInput
	}
	d.final = d.take(1) == 1
	switch d.take(2) {
	case 0:
		d.step = atStoredLen
	case 1:
		d.lit, d.dist = fixedLit, fixedDist
		d.step = atSymbols
	case 2:
		d.step = atDynamicHead
	default:
		return errBlockType
	}
	return nil
}

// endBlock goes on to the next block. The one after a final block begins at a
// whole byte: a sender may use final blocks in the middle of a message (RFC
// 7692 section 7.2.3.4), and the window goes on through them.
func (d *decoder) endBlock() {
	if d.final {
		d.align()
	}
	d.step = atHeader
}

// storedLen reads the length of a stored block (RFC 1951 section 3.2.4).
func (d *decoder) storedLen() error {
	d.align()
	if !d.need(32) {
		return errInput
	}
	n, not := d.take(16), d.take(16)
	if n != not^0xffff {
		return errStored
	}
	d.left = n
	d.step = atStored
	if n == 0 {
		d.endBlock()
	}
	return nil
}

// stored copies the bytes of a stored block.
func (d *decoder) stored() error {
	for d.left > 0 && d.wrote < len(d.out) {
		if d.nbits > 0 {
			d.out[d.wrote] = byte(d.take(8))
			d.wrote++
			d.left--
			continue
		}
		if len(d.in) == 0 {
			return errInput
		}
		n := copy(d.out[d.wrote:], d.in[:min(d.left, len(d.in))])
		d.in = d.in[n:]
		d.wrote += n
		d.left -= n
	}
	if d.left == 0 {
		d.endBlock()
	}
	return nil
}
