package deflate

import (
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"

	"github.com/bhojpur/api/internal/poolcheck"
)

// A kind is the window and level of a flate.Writer. Writers of one kind are
// interchangeable.
type kind uint8

// kinds is the number of kinds: one for each window below 32 KiB, and one for
// each level of the full window.
const kinds = maxWindowBits - minWindowBits + MaxLevel

// kindOf returns the kind for a window and a level. Below 15 bits there is one
// kind for each window, since flate.NewWriterWindow takes no level.
func kindOf(bits, level int) kind {
	if bits < maxWindowBits {
		return kind(bits - minWindowBits)
	}
	return kind(maxWindowBits - minWindowBits + level - 1)
}

// bits returns the window bits of k.
func (k kind) bits() int {
	return min(int(k)+minWindowBits, maxWindowBits)
}

// level returns the level of k, or 0 for a kind with a smaller window.
func (k kind) level() int {
	return max(0, int(k)-(maxWindowBits-minWindowBits)+1)
}

// chains reports whether the Writers of k use hash chains (levels 7 to 9). They
// refer to earlier messages from a message of any length.
func (k kind) chains() bool {
	return k.level() > 6
}

func (k kind) newWriter(e *encoder) *flate.Writer {
	var w *flate.Writer
	var err error
	if level := k.level(); level > 0 {
		w, err = flate.NewWriter(e, level)
	} else {
		w, err = flate.NewWriterWindow(e, 1<<k.bits())
	}
	if err != nil {
		panic(err) // kinds holds valid levels and windows only
	}
	return w
}

// An encoder is a flate.Writer and the memory around it, about 1 MB. A
// Compressor owns it while a message is open; otherwise it is idle.
type encoder struct {
	mark poolcheck.Mark
	kind kind
	w    *flate.Writer

	// stamp identifies the last message of the encoder. It is 0 if the history of w
	// can't be used.
	stamp uint64

	// out is the output of w.
	out []byte

	// text is the end of the open message, in memory of buf.
	text window
	buf  [windowKept]byte
}

// Write appends the output of the flate.Writer.
func (e *encoder) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

// restart drops the history of w and puts the last n bytes of past in its place.
func (e *encoder) restart(past *window, n int) {
	// The Writer keeps the slice for Reset, which is never called: buf may be
	// used for other bytes afterwards.
	e.w.ResetDict(e, past.appendLast(e.buf[:0], n))
}

// A lender is the pool of encoders of a kind. It keeps one; the garbage collector frees
// others that are not used. A new encoder is expensive, but one for each processor would
// be too much memory for an idle server.
type lender struct {
	one    atomic.Pointer[encoder]
	others sync.Pool
}

var lenders [kinds]lender

// stamps is the last stamp that was assigned.
var stamps atomic.Uint64

// takeEncoder returns an encoder of kind k. It reports true if the encoder's last message
// is the one with the stamp, so that its history is the peer's window.
func takeEncoder(k kind, stamp uint64) (e *encoder, has bool) {
	l := &lenders[k]
	if e = l.one.Swap(nil); e == nil {
		e, _ = l.others.Get().(*encoder)
	}
	if e == nil {
		e = &encoder{kind: k}
		e.w = k.newWriter(e)
	}
	if poolcheck.On {
		poolcheck.Got(poolcheck.Encoder, &e.mark, e, e.buf[:])
	}
	has = stamp != 0 && e.stamp == stamp
	e.stamp = 0
	return e, has
}

// A history says whether the history of an encoder is the window of its peer.
type history uint8

const (
	historyLost history = iota
	historyKept
)

// putEncoder returns e to its pool. If its history is kept, it returns the stamp for
// takeEncoder, otherwise 0.
func putEncoder(e *encoder, h history) (stamp uint64) {
	e.out, e.text = nil, window{}
	if h == historyKept {
		stamp = stamps.Add(1)
	}
	e.stamp = stamp
	if poolcheck.On {
		poolcheck.Put(poolcheck.Encoder, &e.mark, e, e.buf[:])
	}
	if l := &lenders[e.kind]; !l.one.CompareAndSwap(nil, e) {
		l.others.Put(e)
	}
	return stamp
}
