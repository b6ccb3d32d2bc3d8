package deflate

import "fmt"

// A Compressor makes the compressed payloads of one direction of a connection.
// One goroutine at a time uses it.
type Compressor struct {
	bits     int
	takeover bool

	// window is what the peer's window ends with: messages that were
	// compressed, and that the peer has or will have. Empty without takeover.
	window window

	// later is what comes behind the window, and is not in it yet: the caller's
	// memory.
	later []byte

	// enc is lent for as long as a message is open.
	enc *encoder
}

// NewCompressor returns a Compressor for the window bits, 8 to 15, that were
// agreed on for its direction: it never refers to anything farther back than
// 1<<windowBits. With takeover a message may refer to the messages before it,
// and the Compressor holds their last 1<<windowBits bytes, as they come;
// without, it holds nothing between messages.
//
// NewCompressor panics when windowBits is out of range.
func NewCompressor(windowBits int, takeover bool) *Compressor {
	if windowBits < minWindowBits || windowBits > maxWindowBits {
		panic(fmt.Sprintf("deflate: window bits %d are not 8 to 15", windowBits))
	}
	return &Compressor{
		bits:     windowBits,
		takeover: takeover,
		window:   window{limit: 1 << windowBits},
	}
}

// Append compresses p as one whole message and appends its payload to dst
// (RFC 7692 section 7.2.1: the flush's last four octets taken off). The payload
// of an empty message is one zero octet. p is not kept.
//
// The message counts as sent: a caller that does not send it calls
// [Compressor.Discard]. After an error, which only a broken encoder can give,
// the payload is of no use and the window is empty. Append panics inside a
// message that [Compressor.Begin] opened.
func (c *Compressor) Append(dst, p []byte) ([]byte, error) {
	if c.enc != nil {
		panic(errOpen)
	}
	c.catchUp()
	var err error
	if len(p) < minMatched {
		dst = appendShort(dst, p, &c.window)
	} else if dst, err = c.append(dst, p); err != nil {
		return dst, err
	}
	if c.takeover {
		c.window.write(p)
	}
	return dst, nil
}

// append appends the payload of a message that is not short to dst.
func (c *Compressor) append(dst, p []byte) ([]byte, error) {
	c.begin(len(p))
	mark := len(dst)
	dst, err := c.enc.write(dst, p)
	if err == nil {
		dst, err = c.enc.flush(dst)
	}
	if err != nil {
		c.fail()
		return dst[:mark], err
	}
	c.release()
	return dst, nil
}

// Begin opens a message that is compressed as it is written. It panics when one
// is open.
func (c *Compressor) Begin() {
	c.begin(c.window.limit)
}

// Write compresses p, which it does not keep, and appends to dst the payload
// that is ready, which may be nothing. After an error the message is lost, and
// with it the window.
func (c *Compressor) Write(dst, p []byte) ([]byte, error) {
	mark := len(dst)
	dst, err := c.open().write(dst, p)
	if err != nil {
		c.fail()
		return dst[:mark], err
	}
	if c.takeover {
		c.enc.pending.write(p)
	}
	return dst, nil
}

// End closes the message and appends the rest of its payload to dst. The four
// octets that are taken off a payload are always of what End itself makes, so
// that everything before may have been sent.
func (c *Compressor) End(dst []byte) ([]byte, error) {
	mark := len(dst)
	dst, err := c.open().flush(dst)
	if err != nil {
		c.fail()
		return dst[:mark], err
	}
	if c.takeover {
		c.window.write(c.enc.pending.ring[c.enc.pending.start:])
		c.window.write(c.enc.pending.ring[:c.enc.pending.start])
	}
	c.release()
	return dst, nil
}

// Discard makes the Compressor right again after a payload did not reach the
// peer, or after one that it did not make did.
//
// Inside a message, it drops the message: the window is as it was before Begin.
// Between messages the window already has the last message, so Discard empties
// it, which is right whatever the peer has: the next message refers to nothing
// before itself.
func (c *Compressor) Discard() {
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
	if c.enc != nil {
		c.release()
	}
	c.window.reset()
	c.later = nil
}

// errOpen is what misuse panics with.
const errOpen = "deflate: a message is open already"

// begin takes an encoder for a message of about n bytes.
func (c *Compressor) begin(n int) {
	if c.enc != nil {
		panic(errOpen)
	}
	c.catchUp()
	c.enc = getEncoder(c.bits)
	c.enc.reset(&c.window, dictLen(n))
}

// Indexing the window costs as much as compressing it, so a message is given a
// part in proportion to its length: dictShare times as much, but dictMin at
// least, which has nearly all that small messages have to gain (for 1 KiB of
// JSON, the whole window makes payloads 1 % smaller and takes three times as
// long).
const (
	dictShare = 4
	dictMin   = 8 << 10
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
	putEncoder(c.enc, c.bits)
	c.enc = nil
}

// fail drops an encoder that gave an error, and the window, which the peer may
// have otherwise.
func (c *Compressor) fail() {
	c.enc = nil
	c.window.clear()
}
