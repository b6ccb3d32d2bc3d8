// Package deflate is the engine of permessage-deflate (RFC 7692 section 7.2):
// it turns messages into compressed payloads and back. It knows bytes and
// io.Reader only; frames, RSV1 and negotiation are its caller's.
//
// A [Compressor] compresses one direction of a connection and an [Inflater]
// inflates the other. Between messages each holds the bytes of its window
// (RFC 7692 section 7.1.1: context takeover) and nothing else: what is large is lent
// to it by a pool for the length of a message. A connection that takes nothing over
// holds nothing.
//
// Compressing is done by github.com/klauspost/compress/flate. Inflating is not: its
// readers, and those of compress/flate, keep the first error of their source, so
// that an interrupted read could not go on; they cannot begin a message with a window
// without copying it; and they hand nothing out before a flush, or their window is
// full.
//
// One goroutine at a time uses a Compressor or an Inflater; nothing in them is
// locked. The pools hold memory only, no channel, timer or goroutine, so that
// they may be shared by synctest bubbles; what is in a pool refers to no memory
// of a caller.
package deflate

const (
	// maxWindowBits and minWindowBits bound the LZ77 window that RFC 7692
	// section 7.1.2 lets the two sides agree on.
	maxWindowBits = 15
	minWindowBits = 8

	// maxDistance is the farthest that a match reaches back (RFC 1951
	// section 3.2.5).
	maxDistance = 1 << maxWindowBits
)

// tail is the end of a sync flush: the LEN and NLEN of an empty stored block.
// A sender takes it off its payload and a receiver puts it back (RFC 7692
// section 7.2.1 and 7.2.2).
const tail = "\x00\x00\xff\xff"
