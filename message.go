//go:build !js

package websocket

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sender"
	"github.com/bhojpur/api/internal/utf8stream"
)

// The sizes of the pieces in which a payload is read, unmasked and validated.
const (
	// socketPiece is large because each read of a socket is a system call.
	socketPiece = 64 << 10

	// copiedPiece is for streams that copy. A piece, and the memory that it is copied
	// from, are still in the first-level cache when it is unmasked.
	copiedPiece = 24 << 10

	// textBlock is the size of the block for text that is not ASCII. Validating it takes
	// longer than moving it, so it is read into a block that stays in the first-level
	// cache, and unmasked from there into the program's memory.
	textBlock = 16 << 10
)

// incoming is the state of the message that is being read.
type incoming struct {
	typ       MessageType
	limit     int64 // in bytes; -1 for none
	remaining int64 // bytes left below the limit; -1 for no limit
	text      utf8stream.Validator
	multibyte bool // the last piece was text and did not end in ASCII
	open      bool // not read to its end
	fin       bool // the current frame is the last
	deflated  bool
	peekedLen int8 // peek[:peekedLen] was inflated by finishMessage and not returned yet
	peek      [1]byte
}

// begin sets the state of a message whose first frame begins with b.
func (r *receiver) begin(b byte0, limit, remaining int64) {
	m := &r.msg
	m.typ, m.fin, m.deflated = MessageType(b.Op()), b.Fin(), b.RSV1()
	m.limit, m.remaining, m.peekedLen = limit, remaining, 0
	m.text.Reset()
	m.multibyte = false
	m.open = true
	r.mu.Advance()
}

// end marks the message as read to its end.
func (r *receiver) end() {
	r.msg.open = false
	r.mu.Advance()
}

// tryBegin begins a message if its first frame has arrived and is ordinary: it is
// not compressed, not empty, within the limit, and its length takes at most 16 bits.
// Otherwise it reports false and has no effect. It is a fast path of nextMessage.
func (r *receiver) tryBegin() bool {
	in := &r.in
	if r.msg.open || in.W-in.R < frame.MaxHeader {
		return false
	}
	b := in.Block.B[in.R:in.W]
	first, size, n := byte0(b[0]), int64(b[1]&frame.BitsLen), 2
	typ := first &^ frame.BitFin // and the reserved bits
	masked := b[1]&frame.BitMasked != 0
	if typ != byte0(frame.Text) && typ != byte0(frame.Binary) || masked != (r.role == sender.Server) || size == 0 {
		return false
	}
	if size > frame.MaxControl {
		size, n = int64(binary.BigEndian.Uint16(b[2:])), 4
		if size <= frame.MaxControl || b[1]&frame.BitsLen != 126 {
			return false
		}
	}
	limit := r.limit.Load()
	remaining := limit
	if remaining >= 0 {
		if remaining -= size; remaining < 0 {
			return false
		}
	}
	r.key = 0
	if masked {
		r.key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	in.R += n
	in.LastHeaderLen, in.LastPayloadLen = int32(n), size
	r.left, r.empty = size, 0
	r.begin(first, limit, remaining)
	return true
}

// nextMessage reads up to the first payload byte of the next message.
func (r *receiver) nextMessage(ctx context.Context) error {
	if r.msg.open {
		if err := r.finishMessage(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return netstream.ErrInterrupted
	}
	if r.tryBegin() {
		return nil
	}
	if err := r.nextFrame(ctx); err != nil {
		return err
	}
	limit := r.limit.Load()
	r.begin(r.head.Byte0, limit, limit)
	if r.msg.deflated {
		if r.inf == nil {
			r.inf = deflate.NewInflater(r.deflate.readBits, r.deflate.readTakeover)
		}
		r.inf.Begin((*payloadReader)(r))
		return nil
	}
	if err := r.count(r.left); err != nil {
		return err
	}
	if r.left == 0 && r.msg.fin {
		r.end()
	}
	return nil
}

// finishMessage completes a message of which the program has read all bytes but not
// the io.EOF. It may block until the final frame arrives. If payload is left, it
// returns errBetweenMessages.
func (r *receiver) finishMessage(ctx context.Context) error {
	m := &r.msg
	if !m.deflated {
		more, err := r.nextPayload(ctx)
		switch {
		case err != nil:
			return err
		case more:
			return errBetweenMessages
		case m.typ == MessageText && !m.text.Complete():
			return errTextUTF8
		}
		r.end()
		return nil
	}
	if m.peekedLen > 0 {
		return errBetweenMessages
	}
	outer := r.ctx
	n, err := r.readCompressed(ctx, m.peek[:])
	r.ctx = outer
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	m.peekedLen = int8(n)
	return errBetweenMessages
}

// count subtracts n bytes from the read limit of the message, and returns a violation if
// that is exceeded (RFC 6455 section 7.4.1).
func (r *receiver) count(n int64) error {
	m := &r.msg
	if m.remaining < 0 {
		return nil
	}
	if n > m.remaining {
		return tooBig(m.limit)
	}
	m.remaining -= n
	return nil
}

// readMessage reads from the current message until p is full or the payload of the
// current frame ends. It unmasks and validates each piece before it waits for the next
// one. At the end of the message it returns 0 and io.EOF.
func (r *receiver) readMessage(ctx context.Context, p []byte) (n int, err error) {
	if r.msg.deflated {
		return r.readCompressed(ctx, p)
	}
	m := &r.msg
	for {
		k, err := r.readPayload(ctx, p[n:])
		switch {
		case err == netstream.ErrInterrupted && n > 0:
			return n, nil // the next call returns it
		case err != nil && err != io.EOF:
			return n, err
		}
		if r.left == 0 && m.fin {
			if m.typ == MessageText && !m.text.Complete() {
				return n, errTextUTF8
			}
			r.end() // now, so that the next Read finds the end without the lock
		}
		n += k
		if err == io.EOF || n == len(p) || r.left == 0 {
			return n, err
		}
	}
}

// readCompressed is readMessage for a compressed message. It returns the bytes that the
// inflater has. The read limit applies to inflated bytes.
func (r *receiver) readCompressed(ctx context.Context, p []byte) (n int, err error) {
	m := &r.msg
	r.ctx = ctx
	if m.peekedLen > 0 {
		m.peekedLen = 0
		return copy(p, m.peek[:]), nil
	}
	if m.remaining >= 0 && int64(len(p)) > m.remaining {
		p = p[:m.remaining+1]
	}
	for {
		k, err := r.inflate(p[n:])
		n += k
		switch {
		case err == io.EOF && n > 0:
			return n, nil
		case err != nil || n == len(p) || r.left > 0 || !m.fin:
			return n, err
		}
		// The rest of the message has arrived, so that its end is found without waiting.
	}
}

// inflate inflates bytes of a compressed message into p, counts and validates them. At the
// end of the message, unless p is full, it ends the message and returns io.EOF.
func (r *receiver) inflate(p []byte) (n int, err error) {
	m := &r.msg
	n, err = r.inf.Read(p)
	if n == len(p) {
		err = nil // the inflater returns it again
	}
	if tooBig := r.count(int64(n)); tooBig != nil {
		return 0, tooBig
	}
	switch {
	case err == io.EOF:
		r.inf.End()
	case errors.Is(err, deflate.ErrCorrupt):
		err = errDeflate
	}
	if m.typ == MessageText && (!m.text.Write(p[:n]) || err == io.EOF && !m.text.Complete()) {
		return 0, errTextUTF8
	}
	if err == io.EOF {
		r.end()
	}
	return n, err
}

// payloadReader reads the payloads of a message's frames, for the inflater.
type payloadReader receiver

func (p *payloadReader) Read(b []byte) (int, error) {
	r := (*receiver)(p)
	n, err := r.readPayload(r.ctx, b)
	if err == nil && r.left == 0 && r.msg.fin {
		err = io.EOF // with the last bytes, so that they are inflated to the end
	}
	return n, err
}

// readPayload reads at least one byte of the message's payload, from the buffer if it has
// some, and unmasks it. At the end of the message it returns io.EOF.
func (r *receiver) readPayload(ctx context.Context, p []byte) (int, error) {
	if r.left == 0 {
		if more, err := r.nextPayload(ctx); err != nil {
			return 0, err
		} else if !more {
			return 0, io.EOF
		}
	}
	in := &r.in
	n := min(len(p), in.W-in.R)
	if int64(n) > r.left {
		n = int(r.left)
	}
	if n > 0 {
		src := in.Block.B[in.R : in.R+n]
		in.R += n
		r.left -= int64(n)
		return n, r.decode(p[:n], src)
	}
	return r.readPiece(ctx, p[:min(int64(len(p)), r.left)])
}

// readPiece reads payload from the stream into p, which is at most as long as the rest of
// the frame.
func (r *receiver) readPiece(ctx context.Context, p []byte) (n int, err error) {
	in := p
	switch {
	case r.key == 0 && r.msg.typ == MessageBinary:
		// Nothing is unmasked or validated, so the payload needs no pieces.
	case r.stream.IsSocket():
		in = p[:min(len(p), socketPiece)]
	case r.msg.multibyte && len(p) >= textBlock:
		b := bufpool.Get(textBlock)
		defer b.Free()
		in = b.B
	default:
		in = p[:min(len(p), copiedPiece)]
	}
	for n == 0 {
		if n, err = r.stream.Read(ctx, in); n == 0 {
			if err = r.readErr(ctx, err); err != nil {
				return 0, err
			}
		}
	}
	r.left -= int64(n)
	err = r.decode(p[:n], in[:n])
	r.msg.multibyte = n >= textBlock && r.msg.typ == MessageText && !r.msg.deflated && !utf8stream.IsASCII(p[n-128:n])
	return n, err
}

// decode unmasks src into dst, which is as long and may be src. Text that is not
// compressed is validated in the same pass.
func (r *receiver) decode(dst, src []byte) error {
	m := &r.msg
	valid := true
	switch inPlace := &dst[0] == &src[0]; {
	case m.typ == MessageText && !m.deflated && r.key == 0 && inPlace:
		valid = m.text.Write(dst)
	case m.typ == MessageText && !m.deflated:
		r.key, valid = m.text.Unmask(dst, src, r.key) // a key of 0 changes nothing
	case r.key != 0:
		r.key = mask.Copy(dst, src, r.key)
	case !inPlace:
		copy(dst, src)
	}
	if !valid {
		return errTextUTF8
	}
	return nil
}

// nextPayload advances to the next frame with payload, unless payload of the current one
// is left. It reports false at the end of the message.
func (r *receiver) nextPayload(ctx context.Context) (more bool, err error) {
	m := &r.msg
	for r.left == 0 {
		if m.fin {
			return false, nil
		}
		if err := r.nextFrame(ctx); err != nil {
			return false, err
		}
		if !m.deflated {
			if err := r.count(r.left); err != nil {
				return false, err
			}
		}
		m.fin = r.head.Fin()
	}
	return true, nil
}

// sizeKnown reports whether the length of the message is known, and at most about twice
// the number of its bytes that were read or have arrived.
func (r *receiver) sizeKnown(read int) bool {
	m := &r.msg
	return m.fin && !m.deflated && r.left <= int64(max(read, r.in.W-r.in.R))
}

// readFull allocates the result for a message of known length, copies its first bytes,
// head, and reads the rest.
func (r *receiver) readFull(ctx context.Context, head []byte) ([]byte, error) {
	p := make([]byte, len(head)+int(r.left))
	n := copy(p, head)
	for n < len(p) {
		k, err := r.readMessage(ctx, p[n:])
		if err != nil {
			return nil, err
		}
		n += k
	}
	return p, nil
}

// readGrowing reads a message into blocks from the pool. It allocates the result once the
// size is known.
func (r *receiver) readGrowing(ctx context.Context) ([]byte, error) {
	b := bufpool.Get(bufpool.MinBlock)
	defer func() { b.Free() }()
	n := 0
	for r.msg.open {
		if r.sizeKnown(n) {
			return r.readFull(ctx, b.B[:n])
		}
		if n == len(b.B) {
			if n > math.MaxInt/2 { // so that 2*n does not overflow on 32-bit platforms
				return nil, tooBig(math.MaxInt)
			}
			b = b.Grow(n, 2*n)
		}
		k, err := r.readMessage(ctx, b.B[n:])
		n += k
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return append(make([]byte, 0, n), b.B[:n]...), nil
}
