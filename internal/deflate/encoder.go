package deflate

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/flate"
)

// level is the effort of a full window: the fastest that matches at all.
// Smaller windows have one level only.
const level = flate.BestSpeed

// minMatched is the length under which flate looks for no matches, nor at the
// dictionary, when a flush ends the block. Shorter messages are compressed by
// [appendShort].
const minMatched = 128

// An encoder is a flate.Writer, which holds several hundred KiB, with the
// memory that it works on. It belongs to a Compressor for one message and to a
// pool otherwise.
//
// What flate.Writer does, as of klauspost/compress v1.20: ResetDict keeps the
// slice it is given (hence dict is the encoder's own); it indexes the
// dictionary by compressing it and throwing the result away, which costs as
// much as a message of that length; a block of fewer than minMatched bytes that
// a flush ends is written without matches and drops the history, which is
// correct, for nothing after it refers to what was dropped.
type encoder struct {
	flate *flate.Writer
	out   sink

	// dict is the window as it was when the message began, in one piece.
	dict []byte

	// pending is the end of the message so far, which becomes part of the
	// window when the message is done.
	pending window
}

// A sink collects what the encoder puts out.
type sink struct {
	buf []byte
}

func (s *sink) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	return len(p), nil
}

// encoders hold *encoder, by window bits less minWindowBits.
var encoders [maxWindowBits - minWindowBits + 1]sync.Pool

// getEncoder takes an encoder for the window bits from its pool. It is not
// reset.
func getEncoder(bits int) *encoder {
	if e, _ := encoders[bits-minWindowBits].Get().(*encoder); e != nil {
		return e
	}
	e := &encoder{pending: window{limit: 1 << bits}}
	var err error
	if bits == maxWindowBits {
		e.flate, err = flate.NewWriter(&e.out, level)
	} else {
		e.flate, err = flate.NewWriterWindow(&e.out, 1<<bits)
	}
	if err != nil {
		panic(fmt.Sprintf("deflate: no encoder for %d window bits: %v", bits, err))
	}
	return e
}

// putEncoder gives e back. What it still refers to is its own.
func putEncoder(e *encoder, bits int) {
	e.out.buf = nil
	e.pending.clear()
	encoders[bits-minWindowBits].Put(e)
}

// reset begins a message after the last n bytes of w.
func (e *encoder) reset(w *window, n int) {
	e.dict = w.appendLast(e.dict[:0], n)
	e.flate.ResetDict(&e.out, e.dict)
}

// write appends to dst what compressing p gives so far.
func (e *encoder) write(dst, p []byte) ([]byte, error) {
	e.out.buf = dst
	_, err := e.flate.Write(p)
	dst, e.out.buf = e.out.buf, nil
	return dst, err
}

// flush appends to dst all that is still held back, without the tail.
func (e *encoder) flush(dst []byte) ([]byte, error) {
	e.out.buf = dst
	err := e.flate.Flush()
	dst, e.out.buf = e.out.buf, nil
	if err != nil {
		return dst, err
	}
	return dst[:len(dst)-len(tail)], nil
}
