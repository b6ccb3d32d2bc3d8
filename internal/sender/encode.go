package sender

import (
	"context"
	"github.com/bhojpur/api/internal/frame"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/sendqueue"
)

// This file has the operations of a leader on its buffer: encoding frames into it,
// sending from it, and withdrawing frames.

// encode appends a frame to out and rest. The caller has the lead, and s.full is false.
// It sets s.full if a part of the frame is in rest, or if later frames could refer to
// this one, which may still be withdrawn.
func (s *Sender) encode(f *Frame) {
	if f.Op() == frame.Ping {
		f.Payload = s.host.NumberPing(f.Payload)
	}
	n := len(f.Payload)
	if f.Pre != nil {
		s.full = s.noteSent(f.Pre)
	}
	switch {
	case f.Encoding == Deflated:
		s.full = true
		s.encodeDeflated(f)
		return
	case f.Pre != nil && s.role == Server && (n > maxCopied || s.encoded == 0 && !s.queue.Queued()):
		s.full = true
		s.rest = f.Pre.Bytes
		s.encoded += int64(len(s.rest))
		return
	case n <= maxCopied || f.OnCancel == KeepFrame:
		s.reserve(frame.MaxHeader + n)
		s.grow(appendFrame(s.out.B[:s.to], f, s.role))
		return
	}
	s.full = true
	h := frame.Header{Byte0: f.Byte0, Length: int64(n)}
	if s.role == Client {
		h.Masked, h.Key = true, mask.NewKey()
	}
	s.reserve(min(frame.MaxHeader+n, MaxFrame))
	s.grow(frame.AppendHeader(s.out.B[:s.to], h))
	s.rest, s.key = f.Payload, h.Key
	s.encoded += int64(n)
	if s.role == Client {
		s.refill()
	}
}

// encodeDeflated compresses the payload of a frame into out, and puts the header before
// it once the length is known.
func (s *Sender) encodeDeflated(f *Frame) {
	n := len(f.Payload)
	bound := n + n>>10 + 64 // about the size of an incompressible payload
	s.reserve(frame.MaxHeader + bound)
	place := s.to + frame.MaxHeader
	p := s.compressor().Append(s.out.B[:place:len(s.out.B)], f.Payload)[place:]
	s.reserve(frame.MaxHeader + len(p))
	h := frame.Header{Byte0: f.Byte0 | frame.BitRSV1, Length: int64(len(p))}
	if s.role == Client {
		h.Masked, h.Key = true, mask.NewKey()
	}
	b := frame.AppendHeader(s.out.B[:s.to], h)
	b = append(b, p...)
	if h.Masked {
		mask.XOR(b[len(b)-len(p):], h.Key)
	}
	s.grow(b)
}

// grow sets the content of out to b, which extends it.
func (s *Sender) grow(b []byte) {
	s.encoded += int64(len(b) - s.to)
	s.to = len(b)
}

// reserve makes room for n more bytes in out.
func (s *Sender) reserve(n int) {
	if s.out == nil {
		s.out = bufpool.Get(n)
		return
	}
	s.out = s.out.Grow(s.to, s.to+n)
}

// refill moves payload from rest to out and masks it.
func (s *Sender) refill() {
	n := min(len(s.rest), len(s.out.B)-s.to)
	s.key = mask.Copy(s.out.B[s.to:], s.rest[:n], s.key)
	s.to += n
	if s.rest = s.rest[n:]; len(s.rest) == 0 {
		s.rest = nil
	}
}

// next returns the bytes to send next.
func (s *Sender) next() []byte {
	if s.from == s.to && s.rest != nil {
		if s.role == Server {
			return s.rest
		}
		s.from, s.to = 0, 0
		s.refill()
	}
	return s.out.B[s.from:s.to]
}

// write writes to the stream once.
func (s *Sender) write(ctx context.Context) (int, error) {
	p := s.next()
	var rest []byte
	if s.role == Server && s.from < s.to {
		rest = s.rest
	}
	switch {
	case s.watched:
		return s.writeWatched(ctx, p, rest)
	case rest != nil:
		return s.stream.WriteBoth(ctx, p, rest)
	}
	return s.stream.Write(ctx, p)
}

// writeWatched writes the beginning of p and rest, up to MaxFrame bytes, so that a
// peer that takes them slowly shows progress. The host is notified of each write.
func (s *Sender) writeWatched(ctx context.Context, p, rest []byte) (n int, err error) {
	a := s.host.Writes()
	a.Begin()
	if len(p) < MaxFrame && len(rest) > 0 {
		n, err = s.stream.WriteBoth(ctx, p, rest[:min(len(rest), MaxFrame-len(p))])
	} else {
		n, err = s.stream.Write(ctx, p[:min(len(p), MaxFrame)])
	}
	a.End(n, err)
	return n, err
}

// advance notes that n bytes were sent.
func (s *Sender) advance(n int) {
	s.sent += int64(n)
	head := min(n, s.to-s.from)
	s.from += head
	if n > head {
		s.rest = s.rest[n-head:]
	}
	s.queue.Settle(&s.batch, s.sent, sendqueue.Sent)
}

// reset frees out after all of it was sent.
func (s *Sender) reset() {
	if s.out != nil {
		s.out.Free()
		s.out = nil
	}
	s.from, s.to, s.sent, s.encoded = 0, 0, 0, 0
	s.rest, s.full = nil, false
}

// withdraw removes a frame of which no byte was sent from out and rest.
func (s *Sender) withdraw(own span) {
	if own.start == notEncoded {
		return
	}
	size := own.end - own.start
	i := s.from + int(own.start-s.sent)
	if own.end == s.encoded {
		s.to, s.rest, s.full = i, nil, false
	} else {
		s.to = i + copy(s.out.B[i:], s.out.B[i+int(size):s.to])
	}
	s.encoded -= size
	s.batch.Withdraw(own.start, size)
	s.noteUnsent(own.frame)
}

// appendFrame appends f in the encoding of side. dst has the capacity for it.
func appendFrame(dst []byte, f *Frame, side Role) []byte {
	h := frame.Header{Byte0: f.Byte0, Length: int64(len(f.Payload))}
	if side == Client {
		h.Masked, h.Key = true, mask.NewKey()
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

// noteSent passes the end of the peer's window after a prepared message to the
// compressor. It reports whether later frames may refer to it. The caller has the lead.
func (s *Sender) noteSent(pre *Preframed) bool {
	c := s.deflater.Load()
	if c == nil || pre.Text == nil {
		return false
	}
	c.Sent(pre.Text, pre.Size)
	return true
}

// noteUnsent discards the compressor's window if a withdrawn frame was in it. The caller
// has the lead.
func (s *Sender) noteUnsent(f *Frame) {
	if c := s.deflater.Load(); c != nil && (f.Encoding == Deflated || f.Pre != nil && f.Pre.Text != nil) {
		c.Discard()
	}
}
