package deflate

import "fmt"

// A Compressor compresses the messages of one direction of a connection. It is not safe
// for concurrent use.
//
// It uses a pooled flate.Writer of github.com/klauspost/compress for the duration of a
// message. Between messages it keeps the end of its outgoing text. If its last Writer is
// idle and has compressed no other message, the next message may refer to the whole
// window; otherwise only to that end.
type Compressor struct {
	kind     kind
	takeover bool

	// window has the end of the peer's window: the end of the messages that were
	// compressed and sent, or are to be sent. It is empty without takeover.
	window window

	// later is the text of Sent, which follows the bytes of window and was not
	// added to it yet. It is memory of the caller.
	later []byte

	// stamp identifies the encoder whose history is the peer's window. It is 0
	// if there is none.
	stamp uint64

	// enc comes from a pool while a message is open.
	enc     *encoder
	written int  // bytes of the open message
	flushed bool // Flush was called inside it
}

// windowKept is the maximum length of the text that a Compressor keeps. A Writer that was
// used by another connection compresses that text again before a message.
const windowKept = 2 << 10

const (
	// DefaultLevel takes half the time of the levels that make messages a
	// seventh smaller.
	DefaultLevel = 2

	// MaxLevel makes the smallest messages.
	MaxLevel = 9
)

const (
	// blockSize is the number of bytes that a Writer of levels 1 to 6, or of a
	// smaller window, encodes at a time.
	blockSize = 65535

	// minReferring is the minimum size of a block in which such a Writer searches for
	// matches. It encodes a shorter block alone and drops its history.
	minReferring = 128
)

// NewCompressor returns a Compressor for the window bits, 8 to 15, that were
// negotiated for its direction: it never refers to anything farther back than
// 1<<windowBits. level is 1, the fastest, to 9, numbered as klauspost/compress
// does. Windows below 15 bits have a level of their own, and level has no effect.
//
// With takeover a message may refer to the messages before it. Without, the
// Compressor keeps nothing between messages.
//
// NewCompressor panics when windowBits or level is out of range.
func NewCompressor(windowBits, level int, takeover bool) *Compressor {
	if windowBits < minWindowBits || windowBits > maxWindowBits {
		panic(fmt.Sprintf("deflate: window bits %d are not 8 to 15", windowBits))
	}
	if level < 1 || level > MaxLevel {
		panic(fmt.Sprintf("deflate: level %d is not 1 to %d", level, MaxLevel))
	}
	return &Compressor{
		kind:     kindOf(windowBits, level),
		takeover: takeover,
		window:   window{limit: min(1<<windowBits, windowKept)},
	}
}

// Append compresses p as one whole message and appends its payload to dst
// (RFC 7692 section 7.2.1, without the last four octets of the flush). The payload of
// an empty message is one zero octet. p is not kept.
//
// Up to level 6, and with windows below 15 bits, a message of less than 128 bytes
// refers to nothing before it, and the one after it only to what the Compressor
// keeps.
//
// The message is assumed to be sent: a caller that does not send it must call
// [Compressor.Discard]. Append panics inside a message that [Compressor.Begin]
// opened.
func (c *Compressor) Append(dst, p []byte) []byte {
	if len(p) == 0 && c.enc == nil {
		return append(dst, 0)
	}
	c.begin(len(p))
	e := c.enc
	e.out = dst
	c.written = len(p)
	e.w.Write(p)
	dst = c.flush()
	if c.takeover {
		c.window.write(p)
	}
	c.release(c.after())
	return dst
}

// Begin opens a message that is compressed as it is written. It panics if a message is
// open.
func (c *Compressor) Begin() {
	c.begin(blockSize)
	c.enc.text = window{limit: c.window.limit, ring: c.enc.buf[:0]}
}

// Write compresses p, which it does not keep, and appends the available output to dst.
func (c *Compressor) Write(dst, p []byte) []byte {
	e := c.open()
	e.out = dst
	e.w.Write(p)
	dst, e.out = e.out, nil
	c.written += len(p)
	if c.takeover {
		e.text.write(p)
	}
	return dst
}

// Flush appends to dst the payload of all that was written until now, so that the
// receiver can inflate it. The next message refers to no more than what the
// Compressor keeps.
func (c *Compressor) Flush(dst []byte) []byte {
	e := c.open()
	e.out = dst
	e.w.Flush() // its errors are those of encoder.Write, which has none
	dst, e.out = e.out, nil
	c.flushed = true
	return dst
}

// End closes the message and appends the rest of its payload to dst. The four octets
// that are removed from a payload (RFC 7692 section 7.2.1) are always among those that End
// produces, so the output of Write and Flush can be sent before.
func (c *Compressor) End(dst []byte) []byte {
	e := c.open()
	e.out = dst
	dst = c.flush()
	if c.takeover {
		older, newer := e.text.parts()
		c.window.write(older)
		c.window.write(newer)
	}
	c.release(c.after())
	return dst
}

// Discard restores the Compressor after a payload that was not sent to the peer, or after
// a sent payload that it did not compress.
//
// Inside a message, Discard drops the message and restores the window of Begin. Between
// messages the window contains the last message, so Discard empties it: the next message
// does not refer to earlier ones.
func (c *Compressor) Discard() {
	if c.enc != nil {
		c.release(historyLost)
		return
	}
	c.stamp = 0
	c.window.clear()
	c.later = nil
}

// Sent records a message of n bytes that is sent to the peer and was compressed by another
// Compressor without reference to earlier messages. text is its end or all of it. The
// next message may refer to text, which the Compressor keeps and which must not change.
// Of several such messages in a row only the last is recorded. Sent panics inside a
// message.
func (c *Compressor) Sent(text []byte, n int) {
	if c.enc != nil {
		panic(errOpen)
	}
	if !c.takeover {
		return
	}
	if c.later != nil || n > len(text) {
		c.window.clear() // the window has to be in one piece
	}
	c.later = text
	c.stamp = 0
}

// catchUp adds the text of Sent to the window.
func (c *Compressor) catchUp() {
	if c.later != nil {
		c.window.write(c.later)
		c.later = nil
	}
}

// Close frees all memory. The Compressor may be used again, with an empty window.
func (c *Compressor) Close() {
	if c.enc != nil {
		c.Discard()
	}
	c.Discard()
	c.window.reset()
}

// errOpen is the panic value for misuse.
const errOpen = "deflate: a message is open already"

// begin takes an encoder for a message of at most n bytes.
func (c *Compressor) begin(n int) {
	if c.enc != nil {
		panic(errOpen)
	}
	c.catchUp()
	e, has := takeEncoder(c.kind, c.stamp)
	c.enc, c.written, c.stamp = e, 0, 0
	switch {
	case has:
	case n < minReferring && !c.kind.chains():
		e.restart(&nothing, 0) // it would refer to nothing
	default:
		e.restart(&c.window, dictLen(n))
	}
}

// dictMin is the minimum length of the dictionary for a Writer that was used by another
// connection.
const dictMin = 1 << 10

// dictLen returns the length of the dictionary for a message of n bytes. It is
// proportional to n, since a byte of the dictionary takes as long as one of the message.
func dictLen(n int) int {
	return min(max(dictMin, n+n/2), windowKept)
}

// flush ends the open message and returns the payload in the encoder's out.
func (c *Compressor) flush() []byte {
	e := c.enc
	e.w.Flush() // its errors are those of encoder.Write, which has none
	p := e.out
	e.out = nil
	return p[:len(p)-len(tail)]
}

// after returns whether the history of the encoder, after a complete message, has that
// message and those before it.
func (c *Compressor) after() history {
	last := c.written % blockSize
	if !c.takeover || c.flushed || !c.kind.chains() && 0 < last && last < minReferring {
		return historyLost
	}
	return historyKept
}

// open returns the encoder of the open message. It panics if none is open.
func (c *Compressor) open() *encoder {
	if c.enc == nil {
		panic("deflate: no message is open")
	}
	return c.enc
}

// release returns the encoder to its pool.
func (c *Compressor) release(h history) {
	c.stamp = putEncoder(c.enc, h)
	c.enc, c.flushed = nil, false
}
