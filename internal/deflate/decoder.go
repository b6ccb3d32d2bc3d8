package deflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/bhojpur/api/internal/poolcheck"
)

// ErrCorrupt is wrapped by the errors of compressed data that is not valid DEFLATE, refers
// to bytes before the window, or ends inside a block (RFC 1951 section 3.2).
var ErrCorrupt = errors.New("corrupt compressed data")

var (
	errBlockType = fmt.Errorf("%w: reserved block type", ErrCorrupt)
	errStored    = fmt.Errorf("%w: stored length", ErrCorrupt)
	errLengths   = fmt.Errorf("%w: code lengths", ErrCorrupt)
	errSymbol    = fmt.Errorf("%w: symbol", ErrCorrupt)
	errDistance  = fmt.Errorf("%w: distance before the window", ErrCorrupt)
	errTruncated = fmt.Errorf("%w: ends inside a block", ErrCorrupt)
)

// errInput means that a step needs more input. The step has consumed nothing and can be
// repeated.
var errInput = errors.New("more input wanted")

const (
	// inputSize is the size of most reads from the source: a whole frame, mostly.
	inputSize = 8 << 10

	// straightSize is the length from which the bytes of a stored block are read
	// directly to their destination.
	straightSize = 2 << 10

	// storedHeader is the length of the header of a stored block that begins at a
	// whole byte.
	storedHeader = 5

	// maxMatch is the longest match (RFC 1951 section 3.2.5).
	maxMatch = 258
)

// A step is the kind of input that the decoder expects next.
type step uint8

const (
	atHeader      step = iota // a block's three header bits
	atStoredLen               // LEN and NLEN of a stored block
	atStored                  // the bytes of a stored block
	atDynamicHead             // HLIT, HDIST and HCLEN
	atLenLens                 // the code lengths of the code length code
	atLens                    // the code lengths of the two codes
	atSymbols                 // literals and matches
	atMatch                   // the rest of a match
)

// makesOutput reports whether s needs room for output.
func (s step) makesOutput() bool {
	return s == atStored || s >= atSymbols
}

// A decoder inflates one message into the slices of its Read calls. It can stop before
// any byte of its input and output and continue later, so an interrupted source does not
// lose the message. An Inflater owns it for one message; otherwise it is in a pool.
type decoder struct {
	mark poolcheck.Mark

	src io.Reader

	// taken has the last bytes that reads have returned, and past the last ones before
	// these. taken is the Inflater's window or own.
	taken, past *window
	own         window

	// err is set at the end of the message: io.EOF or an ErrCorrupt. srcErr is an error
	// that the source returned with bytes. It is returned after these.
	err    error
	srcErr error
	tailed bool // the source ended, and the tail was appended to in
	kept   bool // later messages may refer to this one

	step  step
	final bool // the block says that it is the last

	// The low nbits bits of bits are the next ones of the input, the first in the lowest
	// bit. The others are 0.
	bits  uint64
	nbits uint
	in    []byte // the input after these, in inBuf

	straight        bool // the last read was into the caller's slice
	left            int  // bytes left in the stored block
	length, back    int  // length and distance of the rest of a match
	nlit, ndist     int  // numbers of code lengths of the two codes
	nlens, lensRead int  // numbers of lengths of the code length code, and of lengths read

	lit, dist table
	lenCode   table

	// out[:wrote] is what the read under way has inflated.
	out   []byte
	wrote int

	lens      [litSymbols + distSymbols]uint8
	litTable  [litTableSize]entry
	distTable [distTableSize]entry
	lenTable  [lenTableSize]entry
	inBuf     [inputSize + len(tail)]byte
	ownBuf    [maxDistance]byte
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// nothing is an empty window.
var nothing window

// getDecoder takes a decoder from the pool for a new message. past is the window of earlier
// messages. If it can hold maxDistance bytes, the decoder adds the message to it directly.
func getDecoder(src io.Reader, past *window) *decoder {
	d := decoders.Get().(*decoder)
	if poolcheck.On {
		poolcheck.Got(poolcheck.Decoder, &d.mark, d, d.inBuf[:], d.ownBuf[:])
	}
	d.src, d.taken, d.past = src, past, &nothing
	if past.limit < maxDistance {
		d.own = window{limit: maxDistance, ring: d.ownBuf[:0]}
		d.taken, d.past = &d.own, past
	}
	d.step, d.final = atHeader, false
	d.bits, d.nbits = 0, 0
	d.tailed, d.straight = false, false
	d.kept = past.limit > 0
	return d
}

// putDecoder returns d to the pool. d refers only to its own memory.
func putDecoder(d *decoder) {
	d.src, d.taken, d.past, d.err, d.srcErr, d.in = nil, nil, nil, nil, nil, nil
	d.own = window{}
	if poolcheck.On {
		poolcheck.Put(poolcheck.Decoder, &d.mark, d, d.inBuf[:], d.ownBuf[:])
	}
	decoders.Put(d)
}

// Read is [Inflater.Read] inside a message.
func (d *decoder) Read(p []byte) (int, error) {
	for d.err == nil {
		d.out, d.wrote = p, 0
		err := d.run()
		d.out = nil
		if err != errInput {
			d.err = err
		}
		if n := d.wrote; n > 0 {
			if err != io.EOF || d.kept {
				d.taken.write(p[:n])
			}
			if err == io.EOF {
				return n, err
			}
			return n, nil
		}
		if err == errInput {
			n, err := d.fill(p)
			if n > 0 || err != nil {
				return n, err
			}
		}
	}
	return 0, d.err
}

// fill reads more input when all was consumed. It reads the bytes of a stored block
// directly into p and returns their number. It does not keep an error of the source.
func (d *decoder) fill(p []byte) (stored int, err error) {
	const maxEmptyReads = 100
	if d.tailed {
		d.err = errTruncated
		return 0, d.err
	}
	in := d.inBuf[:inputSize]
	straight := d.step == atStored && d.nbits == 0 && min(d.left, len(p)) >= straightSize
	switch {
	case straight:
		in = p[:min(d.left, len(p))]
	case d.straight:
		in = in[:storedHeader] // another one may follow
	}
	d.straight = straight
	for range maxEmptyReads {
		var n int
		err := d.srcErr
		if d.srcErr = nil; err == nil {
			n, err = d.src.Read(in)
		}
		if n > 0 {
			d.srcErr = err
			if straight {
				d.tookStored(in[:n])
				return n, nil
			}
			d.in = in[:n]
			if err == io.EOF {
				d.appendTail(n)
			}
			return 0, nil
		}
		if err == io.EOF {
			d.appendTail(0)
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// tookStored adds bytes of a stored block that were read to the window.
func (d *decoder) tookStored(p []byte) {
	d.taken.write(p)
	if d.left -= len(p); d.left == 0 {
		d.endBlock()
	}
}

// appendTail appends the tail that the sender removed (RFC 7692 section 7.2.2) to the first n
// bytes of inBuf, which are the last ones of the payload.
func (d *decoder) appendTail(n int) {
	d.in = append(d.inBuf[:n], tail...)
	d.tailed = true
}

// atEnd reports, before the header of a block, whether the message is complete. By the RFC a
// payload ends after the header bits of a stored block, and the tail is the length of that
// block. A payload that ends with a whole block at a whole byte is complete without the
// tail: an empty one, one whose tail was not removed, and one that ends with a final block
// (section 7.2.3.4) without the octet after it.
func (d *decoder) atEnd() bool {
	left := int(d.nbits) + 8*len(d.in)
	return d.tailed && (left == 0 || left == 8*len(tail))
}

// run inflates until there is no room (nil), the input is used up (errInput), or the message
// ends (io.EOF or an ErrCorrupt). Each iteration consumes input or produces output.
func (d *decoder) run() error {
	for {
		var err error
		if d.wrote == len(d.out) && d.step.makesOutput() {
			return nil
		}
		switch d.step {
		case atHeader:
			if d.atEnd() {
				return io.EOF
			}
			err = d.header()
		case atStoredLen:
			err = d.storedLen()
		case atStored:
			err = d.stored()
		case atDynamicHead:
			err = d.dynamicHead()
		case atLenLens:
			err = d.lenLens()
		case atLens:
			err = d.codeLens()
		case atSymbols:
			d.symbolsFast()
			if d.step == atSymbols && d.wrote < len(d.out) {
				err = d.symbols()
			}
		case atMatch:
			err = d.match()
		}
		if err != nil {
			return err
		}
	}
}

// need fills bits with at least n bits, n <= 56, and reports whether there are as many.
func (d *decoder) need(n uint) bool {
	if d.nbits < n {
		d.refill()
	}
	return d.nbits >= n
}

// refill moves as much input to bits as fits.
func (d *decoder) refill() {
	if len(d.in) >= 8 {
		d.bits |= binary.LittleEndian.Uint64(d.in) << (d.nbits & 63)
		d.in = d.in[(63-d.nbits)>>3:]
		d.nbits |= 56
		d.bits &= 1<<(d.nbits&63) - 1
		return
	}
	for d.nbits < 56 && len(d.in) > 0 {
		d.bits |= uint64(d.in[0]) << (d.nbits & 63)
		d.nbits += 8
		d.in = d.in[1:]
	}
}

// take consumes n bits, which need has provided, and returns them.
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

// endBlock advances to the next block. After a final block the next one begins at a byte
// boundary: a sender may use final blocks inside a message (RFC 7692 section 7.2.3.4),
// and the window continues through them.
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
