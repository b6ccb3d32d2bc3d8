package autobahn

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// flushTail is the end of a flush, which a sender removes (RFC 7692 section 7.2.1).
const flushTail = "\x00\x00\xff\xff"

const (
	// shortMessage is the length below which a flushed flate.Writer finds no matches
	// and discards its window.
	shortMessage = 128

	// shortReach is the maximum distance in a short message: that of
	// flate.StatelessDeflate.
	shortReach = 8 << 10
)

// A deflater compresses the messages of one direction of a connection (RFC 7692 section
// 7.2.1). It must not be used concurrently.
type deflater struct {
	bits     int
	takeover bool

	past history // with takeover, the earlier messages

	encoder *encoder // nil until needed
	behind  bool     // encoder lacks the end of past
}

// newDeflater returns a deflater whose distances do not exceed 1<<windowBits. Its
// messages refer to earlier ones only with takeover.
func newDeflater(windowBits int, takeover bool) *deflater {
	return &deflater{bits: windowBits, takeover: takeover, past: history{size: 1 << windowBits}}
}

// message compresses p and appends the payload to dst, without flushTail. It does not
// retain p.
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
		panic(fmt.Sprintf("autobahn: deflate: %v", err)) // out returns no error
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
		// The writer copies the dictionary. It retains the slice only for Reset, which
		// is not called.
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

// release returns the deflater's encoder to the pool at the end of the connection. The
// deflater is then in its initial state.
func (d *deflater) release() {
	if d.encoder != nil {
		encoders[d.bits].Put(d.encoder)
		d.encoder = nil
	}
	d.past.forget()
}

// An encoder is a flate.Writer, which takes about a mebibyte, and its buffers.
type encoder struct {
	w   *flate.Writer
	out appender
}

// encoders has unused encoders, by window bits.
var encoders [maxWindowBits + 1]sync.Pool

// getEncoder returns an encoder, which must be reset.
func getEncoder(bits int) *encoder {
	if e, ok := encoders[bits].Get().(*encoder); ok {
		return e
	}
	e := new(encoder)
	var err error
	if bits == maxWindowBits {
		// The fastest level with matches. Its window is the full size.
		e.w, err = flate.NewWriter(&e.out, flate.BestSpeed)
	} else {
		e.w, err = flate.NewWriterWindow(&e.out, 1<<bits)
	}
	if err != nil {
		panic(fmt.Sprintf("autobahn: deflate with %d bits: %v", bits, err))
	}
	return e
}

// An appender appends the bytes written to it.
type appender []byte

var _ io.Writer = (*appender)(nil)

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
