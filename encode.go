//go:build !js

package websocket

import (
	"context"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/sendqueue"
)

// This file holds what the leader of a sender does with its buffer: frames are
// encoded into it, sent from it, and taken out of it again.

// encode puts a frame into out and rest. It reports whether other frames may
// follow in the same batch. The caller has the lead, and rest is nil.
func (s *sender) encode(f frame) (more bool) {
	if f.op() == opPing {
		f = s.host.numberPing(f)
	}
	n := len(f.payload)
	if f.pre != nil {
		s.noteSent(f.pre)
	}
	switch {
	case f.encoding == deflated:
		s.encodeDeflated(f)
		return false // no other frame refers to it, so that it can be withdrawn
	case f.pre != nil && s.role == server && (n > maxCopied || s.encoded == 0 && !s.queue.Queued()):
		s.rest = f.pre.bytes
		s.encoded += int64(len(s.rest))
		return false
	case n <= maxCopied || f.onCancel == keepFrame:
		s.reserve(maxHeader + n)
		s.grow(appendFrame(s.out.B[:s.to], f, s.role))
		return true
	}
	h := header{byte0: f.byte0, length: int64(n)}
	if s.role == client {
		h.masked, h.key = true, mask.NewKey()
	}
	s.reserve(min(maxHeader+n, maxFrame))
	s.grow(appendHeader(s.out.B[:s.to], h))
	s.rest, s.key = f.payload, h.key
	s.encoded += int64(n)
	if s.role == client {
		s.refill()
	}
	return false
}

// encodeDeflated compresses the payload of a frame behind the place of its header,
// and moves it up to the header once its length is known.
func (s *sender) encodeDeflated(f frame) {
	n := len(f.payload)
	bound := n + n>>10 + 64 // about what grows out of a payload that can't be compressed
	s.reserve(maxHeader + bound)
	place := s.to + maxHeader
	p := s.compressor().Append(s.out.B[:place:len(s.out.B)], f.payload)[place:]
	s.reserve(maxHeader + len(p))
	h := header{byte0: f.byte0 | bitRSV1, length: int64(len(p))}
	if s.role == client {
		h.masked, h.key = true, mask.NewKey()
	}
	b := appendHeader(s.out.B[:s.to], h)
	b = append(b, p...)
	if h.masked {
		mask.XOR(b[len(b)-len(p):], h.key)
	}
	s.grow(b)
}

// grow makes b the content of out.
func (s *sender) grow(b []byte) {
	s.encoded += int64(len(b) - s.to)
	s.to = len(b)
}

// reserve makes room for n more bytes in out.
func (s *sender) reserve(n int) {
	if s.out == nil {
		s.out = bufpool.Get(n)
		return
	}
	s.out = s.out.Grow(s.to, s.to+n)
}

// refill masks payload of rest into out.
func (s *sender) refill() {
	n := min(len(s.rest), len(s.out.B)-s.to)
	s.key = mask.Copy(s.out.B[s.to:], s.rest[:n], s.key)
	s.to += n
	if s.rest = s.rest[n:]; len(s.rest) == 0 {
		s.rest = nil
	}
}

// next returns the bytes that are to be sent next.
func (s *sender) next() []byte {
	if s.from == s.to && s.rest != nil {
		if s.role == server {
			return s.rest
		}
		s.from, s.to = 0, 0
		s.refill()
	}
	return s.out.B[s.from:s.to]
}

// write writes to the stream once.
func (s *sender) write(ctx context.Context) (int, error) {
	p := s.next()
	if s.role == server && s.from < s.to && s.rest != nil {
		return s.stream.WriteBoth(ctx, p, s.rest)
	}
	return s.stream.Write(ctx, p)
}

// advance notes that n bytes were sent.
func (s *sender) advance(n int) {
	s.sent += int64(n)
	head := min(n, s.to-s.from)
	s.from += head
	if n > head {
		s.rest = s.rest[n-head:]
	}
	s.queue.Settle(&s.batch, s.sent, sendqueue.Sent)
}

// reset frees out, all of which was sent.
func (s *sender) reset() {
	if s.out != nil {
		s.out.Free()
		s.out = nil
	}
	s.from, s.to, s.sent, s.encoded = 0, 0, 0, 0
	s.rest = nil
}

// withdraw takes a frame out of out and rest of which no byte was sent.
func (s *sender) withdraw(own span) {
	if own.start == notEncoded {
		return
	}
	size := own.end - own.start
	i := s.from + int(own.start-s.sent)
	if own.end == s.encoded {
		s.to, s.rest = i, nil
	} else {
		s.to = i + copy(s.out.B[i:], s.out.B[i+int(size):s.to])
	}
	s.encoded -= size
	s.batch.Withdraw(own.start, size)
	s.noteUnsent(own.frame)
}
