package deflate

import "fmt"

// A Compressor makes the compressed payloads of one direction of a connection.
// One goroutine at a time uses it.
type Compressor struct {
	bits     int
	takeover bool
	effort   effort

	// window is what the peer's window ends with: messages that were
	// compressed, and that the peer has or will have. Empty without takeover.
	window window

	// later is what comes behind the window, and is not in it yet: the caller's
	// memory.
	later []byte

	// enc is lent for as long as a message is open.
	enc     *encoder
	written int // bytes of the open message

	// moved: an encoder that stayed does not have what the window has.
	moved bool

	// stayed is an encoder that has the window, and may be taken away at any
	// time between messages: residents.mu guards it.
	stayed *encoder
}

// windowKept is how much of its window a Compressor keeps, at most: enough for
// what small messages have to gain, and what can be indexed in a few
// microseconds.
const windowKept = 8 << 10

const (
	// DefaultLevel is the fastest.
	DefaultLevel = 1

	// MaxLevel is the one that makes messages smallest.
	MaxLevel = len(efforts)
)

// NewCompressor returns a Compressor for the window bits, 8 to 15, that were
// agreed on for its direction: it never refers to anything farther back than
// 1<<windowBits. level is 1, the fastest, to 9.
//
// With takeover a message may refer to the messages before it. The Compressor
// keeps the last 8 KiB of them, as they come, and while it is used often, what
// compresses has all that the window may hold. Without, it keeps nothing between
// messages.
//
// NewCompressor panics when windowBits or level is out of range.
func NewCompressor(windowBits, level int, takeover bool) *Compressor {
	if windowBits < minWindowBits || windowBits > maxWindowBits {
		panic(fmt.Sprintf("deflate: window bits %d are not 8 to 15", windowBits))
	}
	if level < 1 || level > len(efforts) {
		panic(fmt.Sprintf("deflate: level %d is not 1 to %d", level, len(efforts)))
	}
	return &Compressor{
		bits:     windowBits,
		takeover: takeover,
		effort:   efforts[level-1],
		window:   window{limit: min(1<<windowBits, windowKept)},
	}
}

// Append compresses p as one whole message and appends its payload to dst
// (RFC 7692 section 7.2.1: the flush's last four octets taken off). The payload
// of an empty message is one zero octet. p is not kept.
//
// The message counts as sent: a caller that does not send it calls
// [Compressor.Discard]. Append panics inside a message that [Compressor.Begin]
// opened.
func (c *Compressor) Append(dst, p []byte) []byte {
	c.begin(len(p))
	dst = c.enc.write(dst, p)
	dst = c.enc.flush(dst)
	if c.takeover {
		c.window.write(p)
	}
	c.release()
	return dst
}

// Begin opens a message that is compressed as it is written. It panics when one
// is open.
func (c *Compressor) Begin() {
	c.begin(windowKept)
}

// Write compresses p, which it does not keep, and appends to dst the payload
// that is ready, which may be nothing.
func (c *Compressor) Write(dst, p []byte) []byte {
	dst = c.open().write(dst, p)
	c.written += len(p)
	return dst
}

// End closes the message and appends the rest of its payload to dst. The four
// octets that are taken off a payload are always of what End itself makes, so
// that everything before may have been sent.
func (c *Compressor) End(dst []byte) []byte {
	e := c.open()
	dst = e.flush(dst)
	if c.takeover {
		c.window.write(e.text[e.end-min(c.written, c.window.limit) : e.end])
	}
	c.release()
	return dst
}

// Discard makes the Compressor right again after a payload did not reach the
// peer, or after one that it did not make did.
//
// Inside a message, it drops the message: the window is as it was before Begin.
// Between messages the window already has the last message, so Discard empties
// it, which is right whatever the peer has: the next message refers to nothing
// before itself.
func (c *Compressor) Discard() {
	c.moved = true
	if c.enc != nil {
		c.release()
		return
	}
	c.window.clear()
	c.later = nil
}

// Sent tells the Compressor of a message that the peer has, or will have, and
// that another one made, without reference to what was before it: n bytes, of
// which text is the end, or all. The next message may refer to text, which is
// kept, and must not change. Sent costs nothing; of messages that follow one
// another without one of the Compressor's own, only the last is remembered.
// Sent panics inside a message.
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
	c.moved = true
}

// catchUp puts into the window what came behind it.
func (c *Compressor) catchUp() {
	if c.later != nil {
		c.window.write(c.later)
		c.later = nil
	}
}

// Close gives all memory back. The Compressor may be used again: its window is
// empty.
func (c *Compressor) Close() {
	c.Discard()
	c.window.reset()
	c.later = nil
	residents.drop(c)
}

// errOpen is what misuse panics with.
const errOpen = "deflate: a message is open already"

// begin takes an encoder for a message of about n bytes.
func (c *Compressor) begin(n int) {
	if c.enc != nil {
		panic(errOpen)
	}
	c.catchUp()
	e, has := takeEncoder(c)
	if has && !c.moved {
		e.begin(e.end)
	} else {
		e.effort, e.reach = c.effort, 1<<c.bits
		e.restart(&c.window, dictLen(n))
	}
	c.enc, c.written, c.moved = e, 0, false
}

// Indexing the window takes as long as compressing a message of the same length,
// or nearly, so a message is given a part in proportion to its own length, but
// dictMin at least.
const (
	dictShare = 8
	dictMin   = 4 << 10
)

// dictLen is how much of the window is worth being indexed for a message of n
// bytes.
func dictLen(n int) int {
	return max(dictMin, dictShare*min(n, maxDistance))
}

// open is the open message's encoder.
func (c *Compressor) open() *encoder {
	if c.enc == nil {
		panic("deflate: no message is open")
	}
	return c.enc
}

// release gives the encoder back.
func (c *Compressor) release() {
	putEncoder(c.enc, c)
	c.enc = nil
}
