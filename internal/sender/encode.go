package sender

import (
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/mask"
)

const (
	// smallFrame is the size up to which a frame is encoded without a block from
	// the pool.
	smallFrame = 128
	// shortHeader is the size of a header with a 7-bit length and a masking key.
	shortHeader = 2 + 4
	// longHeader is the size of a header with a 16-bit length and a masking key.
	longHeader = 2 + 2 + 4
	// cacheLine is the size of a cache line. The payload of a client's frame begins at one
	// in a block, as it mostly does in the program's memory: masking takes a fifth to a
	// third less time if neither its loads nor its stores cross lines.
	cacheLine = 64
	// maxCopied is the size up to which a payload is copied behind its header, so
	// that other frames can follow in the same batch.
	maxCopied = 4 << 10
	// MaxFrame is the payload of the frames that a Writer sends.
	MaxFrame = 16 << 10
	// socketPiece is the size of the writes to a socket, and of the pieces in which a
	// client masks a long frame for it. It is less than a segment of the loopback
	// interface, and the peer reads a piece while the next one is written.
	socketPiece = 60 << 10
	// copiedPiece is the size of a client's pieces for other streams, which copy what
	// should be in the first-level cache. A frame of a Writer is one piece.
	copiedPiece = 20 << 10
	// maxBatch is the size at which a batch takes no further frames. One more copied
	// frame fits into the same block of 64 KiB; the next size of the pool is 256 KiB.
	maxBatch = 64<<10 - maxCopied - frame.MaxHeader
	// maxKeptBatch is maxBatch for frames that are copied up to MaxFrame.
	maxKeptBatch = 64<<10 - MaxFrame - frame.MaxHeader
)

// encode adds a frame to the output, which must not be full. The caller has the lead. The
// output is full after a frame that is not copied, and after one to which later frames
// could refer, which may still be withdrawn.
func (s *Sender) encode(f *Frame) {
	if f.Op() == frame.Ping {
		f.Payload = s.host.NumberPing(f.Payload)
	}
	n := len(f.Payload)
	if f.Pre != nil {
		s.out.full = s.compressor.noteSent(f.Pre)
	}
	switch {
	case f.Encoding == Deflated:
		s.out.full = true
		s.encodeDeflated(f)
		return
	case f.Pre != nil && s.out.role == Server && (n > maxCopied || s.out.added == 0 && !s.queue.Queued()):
		s.out.addRest(f.Pre.Bytes, 0)
		return
	case n <= maxCopied || f.OnCancel == KeepFrame:
		s.out.reserve(frame.MaxHeader + n)
		s.out.extend(s.out.appendFrame(s.out.free(), f))
		return
	}
	h := frame.Header{Byte0: f.Byte0, Length: int64(n)}
	if s.out.role == Client {
		h.Masked, h.Key = true, s.out.newKey()
	}
	head := frame.AppendHeader(s.small[:0], h)
	if s.out.added == 0 {
		at := payloadAt(n)
		if s.out.socket {
			at = cacheLine // a frame of socketPiece is one piece
		}
		s.out.skip(at - len(head))
	}
	s.out.reserve(len(head) + min(n, s.out.room()))
	s.out.extend(append(s.out.free(), head...))
	s.out.addRest(f.Payload, h.Key)
}

// payloadAt returns where a payload of n bytes begins in a block of its own. A load waits
// for an earlier store if their addresses have the same low 12 bits. The place is a cache
// line before a multiple of 4 KiB, or of 1 KiB in the smallest block: if the program's memory
// begins at such a multiple, the stores are at addresses that the loads have passed.
func payloadAt(n int) int {
	const small, large = 1<<10 - cacheLine, 4<<10 - cacheLine
	if n <= bufpool.MinBlock-small {
		return small
	}
	return large
}

// encodeDeflated compresses the payload of a frame into the output, and puts the header
// before it once the length is known.
func (s *Sender) encodeDeflated(f *Frame) {
	n := len(f.Payload)
	bound := n + n>>10 + 64 // about the size of an incompressible payload
	s.out.reserve(frame.MaxHeader + bound)
	place := s.out.to + frame.MaxHeader
	p := s.compressor.get().Append(s.out.block.B[:place:len(s.out.block.B)], f.Payload)[place:]
	s.out.reserve(frame.MaxHeader + len(p))
	h := frame.Header{Byte0: f.Byte0 | frame.BitRSV1, Length: int64(len(p))}
	if s.out.role == Client {
		h.Masked, h.Key = true, s.out.newKey()
	}
	b := frame.AppendHeader(s.out.free(), h)
	b = append(b, p...)
	if h.Masked {
		mask.XOR(b[len(b)-len(p):], h.Key)
	}
	s.out.extend(b)
}

// lazyCompressor is the compressor of a connection, which is allocated on first use. It is
// used by the goroutine that has the lead while no message is open, and then by the one
// that uses the open message.
type lazyCompressor struct {
	params *Compression // nil without compression
	made   atomic.Pointer[deflate.Compressor]
}

// get returns the compressor.
func (l *lazyCompressor) get() *deflate.Compressor {
	c := l.made.Load()
	if c == nil {
		c = deflate.NewCompressor(l.params.Bits, l.params.Level, l.params.Takeover)
		l.made.Store(c)
	}
	return c
}

// close frees the compressor.
func (l *lazyCompressor) close() {
	if c := l.made.Swap(nil); c != nil {
		c.Close()
	}
}

// noteSent passes the end of the peer's window after a prepared message to the
// compressor. It reports whether later frames may refer to it.
func (l *lazyCompressor) noteSent(pre *Preframed) bool {
	c := l.made.Load()
	if c == nil || pre.Text == nil {
		return false
	}
	c.Sent(pre.Text, pre.Size)
	return true
}

// noteUnsent discards the compressor's window if a withdrawn frame was in it.
func (l *lazyCompressor) noteUnsent(f *Frame) {
	if c := l.made.Load(); c != nil && (f.Encoding == Deflated || f.Pre != nil && f.Pre.Text != nil) {
		c.Discard()
	}
}
