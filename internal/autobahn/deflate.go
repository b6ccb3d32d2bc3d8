package autobahn

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// flushTail is what a flush ends with, and what a sender takes off (RFC 7692
// section 7.2.1).
const flushTail = "\x00\x00\xff\xff"

const (
	// shortMessage is the length below which flate.Writer looks for no matches
	// when it is flushed, and forgets what was before.
	shortMessage = 128

	// shortReach is how far back a short message may reach: as far as
	// flate.StatelessDeflate can.
	shortReach = 8 << 10
)

// A deflater compresses the messages of one direction of a connection (RFC 7692
// section 7.2.1). One goroutine at a time uses it.
type deflater struct {
	bits     int
	takeover bool

	past history // with takeover, what went before

	encoder *encoder // nil until a message needs it
	behind  bool     // encoder does not have all of past
}

// newDeflater returns a deflater whose messages never refer to anything further
// back than 1<<windowBits, and to earlier messages only with takeover.
func newDeflater(windowBits int, takeover bool) *deflater {
	return &deflater{bits: windowBits, takeover: takeover, past: history{size: 1 << windowBits}}
}

// message compresses p and appends the payload to dst, without the flush's tail.
// p is not kept.
func (d *deflater) message(dst, p []byte) []byte {
	switch {
	case len(p) == 0:
		return append(dst, 0)
	case len(p) < shortMessage:
		dst = d.short(dst, p)
		d.behind = true
	default:
		dst = d.long(dst, p)
		d.behind = false
	}
	if d.takeover {
		d.past.append(p)
	}
	return dst[:len(dst)-len(flushTail)]
}

// short appends a message of less than shortMessage bytes.
func (d *deflater) short(dst, p []byte) []byte {
	out := appender(dst)
	reach := min(shortReach, d.past.size-len(p))
	if err := flate.StatelessDeflate(&out, p, false, d.past.last(reach)); err != nil {
		panic(fmt.Sprintf("autobahn: deflate: %v", err)) // out takes everything
	}
	return out
}

// long appends a message of at least shortMessage bytes.
func (d *deflater) long(dst, p []byte) []byte {
	fresh := d.encoder == nil
	if fresh {
		d.encoder = getEncoder(d.bits)
	}
	e := d.encoder
	if fresh || d.behind || !d.takeover {
		// The writer copies what it needs. The slice itself it keeps for Reset,
		// which nobody calls.
		e.w.ResetDict(&e.out, d.past.last(d.past.size))
	}
	e.out = dst
	_, err := e.w.Write(p)
	if err == nil {
		err = e.w.Flush()
	}
	if err != nil {
		panic(fmt.Sprintf("autobahn: deflate: %v", err))
	}
	dst, e.out = e.out, nil
	return dst
}

// release gives back what the deflater has from a pool, when the connection is
// over. The deflater is as it was when it was new.
func (d *deflater) release() {
	if d.encoder != nil {
		encoders[d.bits].Put(d.encoder)
		d.encoder = nil
	}
	d.past.forget()
}

// An encoder is a flate.Writer, which has about a mebibyte, and what it works on.
type encoder struct {
	w   *flate.Writer
	out appender
}

// encoders has encoders that are not in use, by window bits.
var encoders [maxWindowBits + 1]sync.Pool

// getEncoder returns an encoder, which has to be reset.
func getEncoder(bits int) *encoder {
	if e, ok := encoders[bits].Get().(*encoder); ok {
		return e
	}
	e := new(encoder)
	var err error
	if bits == maxWindowBits {
		// The fastest way of finding matches. It has the whole window.
		e.w, err = flate.NewWriter(&e.out, flate.BestSpeed)
	} else {
		e.w, err = flate.NewWriterWindow(&e.out, 1<<bits)
	}
	if err != nil {
		panic(fmt.Sprintf("autobahn: deflate with %d bits: %v", bits, err))
	}
	return e
}

// An appender appends what is written to it.
type appender []byte

var _ io.Writer = (*appender)(nil)

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
