package sender

import (
	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/mask"
)

// output holds the encoded frames of a batch that have not been sent yet. The goroutine
// that has the lead owns it.
//
// Offsets of frames count from the last time that it was empty.
type output struct {
	role     Role
	socket   bool           // each write is a system call
	full     bool           // no further frame can be added before all is sent
	closing  bool           // the close frame was added, and SendEnded was not called for it
	key      uint32         // masks rest
	keys     *mask.Keys     // of a client; nil before the first frame
	block    *bufpool.Block // nil when there is nothing to send
	from, to int            // block.B[from:to] was not sent yet
	rest     []byte         // sent after block: by a server directly, by a client masked into block
	added    int64          // bytes of the frames that were added
}

// isSent reports whether nothing is left to send.
func (o *output) isSent() bool { return o.from == o.to && len(o.rest) == 0 }

// sent returns the number of bytes that were sent of those that were added.
func (o *output) sent() int64 { return o.added - int64(o.to-o.from+len(o.rest)) }

// reserve makes room for n more bytes in the block.
func (o *output) reserve(n int) {
	if o.block == nil {
		o.block = bufpool.Get(o.to + n)
		return
	}
	o.block = o.block.Grow(o.to, o.to+n)
}

// skip makes an empty output begin at byte n of its block.
func (o *output) skip(n int) { o.from, o.to = n, n }

// free returns the free part of the block, as an empty slice behind its content.
func (o *output) free() []byte { return o.block.B[:o.to] }

// extend sets the content of the block to b, which was appended to what free returned.
func (o *output) extend(b []byte) {
	o.added += int64(len(b) - o.to)
	o.to = len(b)
}

// appendFrame appends the encoding of f to dst, which has the capacity for it.
func (o *output) appendFrame(dst []byte, f *Frame) []byte {
	h := frame.Header{Byte0: f.Byte0, Length: int64(len(f.Payload))}
	if o.role == Client {
		h.Masked, h.Key = true, o.newKey()
	}
	n := len(frame.AppendHeader(dst, h))
	dst = dst[:n+len(f.Payload)]
	if h.Masked {
		mask.Copy(dst[n:], f.Payload, h.Key)
	} else {
		copy(dst[n:], f.Payload)
	}
	return dst
}

// newKey returns the masking key of a frame.
func (o *output) newKey() uint32 {
	if o.keys == nil {
		o.keys = new(mask.Keys)
	}
	return o.keys.Next()
}

// addRest adds p, which is not copied, behind the block. A client masks it with key.
func (o *output) addRest(p []byte, key uint32) {
	o.full = true
	o.rest, o.key = p, key
	o.added += int64(len(p))
	if o.role == Client {
		o.refill()
	}
}

// room returns the number of bytes by which a piece of a client's long frame can extend
// the content of the block.
func (o *output) room() int {
	if o.socket {
		return max(socketPiece-o.to, 0)
	}
	return max(copiedPiece-o.to, 0)
}

// refill moves bytes from rest to the block and masks them. The block must have the room.
func (o *output) refill() {
	n := min(len(o.rest), o.room())
	o.key = mask.Copy(o.block.B[o.to:], o.rest[:n], o.key)
	o.to += n
	if o.rest = o.rest[n:]; len(o.rest) == 0 {
		o.rest = nil
	}
}

// keep makes b and rest, the frame of a single write, the content. n bytes of it were
// sent. b is a part of the block if there is one.
func (o *output) keep(b, rest []byte, n int) {
	if o.block == nil {
		o.block = bufpool.Get(len(b))
		b = o.block.B[:copy(o.block.B, b)]
	}
	o.skip(cap(o.block.B) - cap(b))
	o.extend(o.block.B[:o.to+len(b)])
	if len(rest) > 0 {
		o.addRest(rest, 0)
	}
	o.advance(n)
}

// next returns the bytes to send next. rest can be sent together with them.
func (o *output) next() (p, rest []byte) {
	switch {
	case o.role == Server && o.from == o.to:
		return o.rest, nil
	case o.role == Server:
		return o.block.B[o.from:o.to], o.rest
	case o.from == o.to:
		o.from, o.to = 0, 0
		o.refill()
	}
	return o.block.B[o.from:o.to], nil
}

// advance removes n bytes that were sent.
func (o *output) advance(n int) {
	head := min(n, o.to-o.from)
	o.from += head
	if n > head {
		o.rest = o.rest[n-head:]
	}
}

// remove removes the frame at [start, end), of which no byte was sent.
func (o *output) remove(start, end int64) {
	i := o.from + int(start-o.sent())
	if end == o.added {
		o.to, o.rest, o.full = i, nil, false
	} else {
		o.to = i + copy(o.block.B[i:], o.block.B[i+int(end-start):o.to])
	}
	o.added -= end - start
}

// reset removes all content and frees the block.
func (o *output) reset() {
	if o.block != nil {
		o.block.Free()
		o.block = nil
	}
	o.from, o.to, o.added = 0, 0, 0
	o.rest, o.full = nil, false
}
