// Package deflate compresses and inflates messages for permessage-deflate (RFC 7692
// section 7.2). Its input and output are bytes and io.Readers; its caller handles frames,
// RSV1 and negotiation.
//
// A [Compressor] compresses one direction of a connection and an [Inflater] inflates the
// other. Between messages each holds only the bytes of its window (RFC 7692 section
// 7.1.1: context takeover). Larger memory comes from a pool for the duration of a
// message. Without takeover a connection holds nothing.
//
// Compressing uses github.com/klauspost/compress/flate. Inflating does not: the readers of
// that package and of compress/flate keep the first error of their source, so an
// interrupted read can't continue; they can't begin a message with a window without
// copying it; and they return nothing before a flush or a full window.
//
// A Compressor or an Inflater is not safe for concurrent use. The pools hold memory only,
// no channel, timer or goroutine, so synctest bubbles can share them. Pooled objects do
// not refer to memory of a caller.
package deflate

const (
	// maxWindowBits and minWindowBits are the limits of the negotiated LZ77 window
	// (RFC 7692 section 7.1.2).
	maxWindowBits = 15
	minWindowBits = 8

	// maxDistance is the maximum distance of a match (RFC 1951 section 3.2.5).
	maxDistance = 1 << maxWindowBits
)

// tail is the end of a sync flush: the LEN and NLEN of an empty stored block.
// A sender removes it from the payload and a receiver appends it (RFC 7692 sections 7.2.1
// and 7.2.2).
const tail = "\x00\x00\xff\xff"
