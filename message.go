//go:build !js

package websocket

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/mask"
)

// stride is how much of a payload is read, unmasked and checked at a time:
// what fits into the first-level cache.
const stride = 16 << 10

// messageReader is the handle of a message that is being read. It counts for as
// long as incoming.by points to it.
type messageReader struct {
	e     *engine
	state atomic.Uint32 // handleOpen, handleEnded, handleStale
}

// What can be told of a handle without the read gate, which another goroutine
// may hold for as long as it waits for the next message.
const (
	handleOpen  = iota
	handleEnded // the message has been read to its end
	handleStale // and the next one has begun
)

// end notes that the message has been read to its end.
func (m *incoming) end() {
	m.open = false
	if m.by != nil {
		m.by.state.Store(handleEnded)
	}
}

// reader waits for a message.
func (e *engine) reader(ctx context.Context) (MessageType, io.Reader, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, nil, err
	}
	defer e.unlockRead()
	if err := e.nextMessage(ctx); err != nil {
		return 0, nil, err
	}
	rd := &e.rd
	h := rd.handles.next()
	h.e = e
	rd.msg.by = h
	rd.ctx = ctx
	if !rd.msg.open {
		rd.msg.end()
	}
	return rd.msg.typ, h, nil
}

// nextMessage reads to the first payload byte of the next message. The caller
// holds the read gate.
func (e *engine) nextMessage(ctx context.Context) error {
	rd := &e.rd
	switch {
	case !e.life.reading():
		return e.life.err()
	case e.life.phase() != phaseOpen:
		return e.readUntilClose(ctx)
	case rd.msg.open:
		if err := e.passEnd(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	h, err := e.nextFrame(ctx)
	if err != nil {
		return err
	}
	if rd.msg.by != nil {
		rd.msg.by.state.Store(handleStale)
	}
	rd.msg = incoming{
		open:     true,
		typ:      MessageType(h.op),
		fin:      h.fin,
		deflated: h.rsv1,
		budget:   rd.limit.Load(),
	}
	if e.life.phase() != phaseOpen {
		return e.readUntilClose(ctx)
	}
	if err := e.checkBudget(ctx, h.length); err != nil {
		return err
	}
	if h.rsv1 {
		if rd.inf == nil {
			rd.inf = deflate.NewInflater(e.deflate.readTakeover)
		}
		rd.inf.Begin((*payloadReader)(e))
	} else if rd.left == 0 && h.fin {
		rd.msg.open = false
	}
	return nil
}

// passEnd goes past the end of the current message, for a reader that read all
// of it but not the io.EOF behind. It may have to wait for the frame that tells
// the end. If there is more to read, it changes nothing and returns
// errBetweenMessages.
func (e *engine) passEnd(ctx context.Context) error {
	rd := &e.rd
	m := &rd.msg
	if !m.deflated {
		more, err := e.nextPayload(ctx)
		switch {
		case err != nil:
			return err
		case more:
			return errBetweenMessages
		case m.typ == MessageText && !m.text.Complete():
			return e.violated(ctx, errTextUTF8)
		}
		m.end()
		return nil
	}
	if m.ahead > 0 {
		return errBetweenMessages
	}
	defer func(ctx context.Context) { rd.ctx = ctx }(rd.ctx)
	n, err := e.readMessage(ctx, m.peeked[:])
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	m.ahead = n
	return errBetweenMessages
}

// checkBudget takes the payload of a frame that is not compressed off what the
// message may still have.
func (e *engine) checkBudget(ctx context.Context, n int64) error {
	m := &e.rd.msg
	if m.deflated || m.budget < 0 {
		return nil
	}
	if n > m.budget {
		return e.violated(ctx, errTooBig)
	}
	m.budget -= n
	return nil
}

// Read reads from the message.
func (h *messageReader) Read(p []byte) (int, error) {
	e := h.e
	switch h.state.Load() {
	case handleEnded:
		return 0, io.EOF
	case handleStale:
		return 0, opError("read", e.staleReader())
	}
	// The context does not count here: who holds the gate now is reading the
	// same message with it, or is Close.
	e.rd.gate.lock(context.Background(), nil)
	n, err := e.readHandle(h, p)
	e.unlockRead()
	if err != nil && err != io.EOF {
		err = opError("read", err)
	}
	return n, err
}

// staleReader is the error of a handle whose message is over.
func (e *engine) staleReader() error {
	if !e.life.reading() {
		return e.life.err()
	}
	return errStaleReader
}

func (e *engine) readHandle(h *messageReader, p []byte) (int, error) {
	rd := &e.rd
	switch {
	case rd.msg.by != h:
		return 0, e.staleReader()
	case !rd.msg.open:
		return 0, io.EOF
	case !e.life.reading():
		return 0, e.life.err()
	case len(p) == 0:
		return 0, nil
	}
	n, err := e.readMessage(rd.ctx, p)
	return n, e.interruptedInside(rd.ctx, err)
}

// interruptedInside fails the connection if err says that ctx ended, which was
// inside a message.
func (e *engine) interruptedInside(ctx context.Context, err error) error {
	if err == nil || err == io.EOF || err != ctx.Err() {
		return err
	}
	e.shut(err)
	return e.life.err()
}

// readMessage reads from the current message: at least a byte, or io.EOF at its
// end. The caller holds the read gate, and p has room.
func (e *engine) readMessage(ctx context.Context, p []byte) (n int, err error) {
	rd := &e.rd
	rd.ctx = ctx
	if rd.msg.ahead > 0 {
		rd.msg.ahead = 0
		return copy(p, rd.msg.peeked[:]), nil
	}
	if rd.msg.deflated {
		n, err = e.readInflated(p)
	} else {
		n, err = e.readPayload(ctx, p)
	}
	m := &rd.msg
	if m.typ == MessageText {
		if !m.text.Write(p[:n]) || err == io.EOF && !m.text.Complete() {
			return 0, e.violated(ctx, errTextUTF8)
		}
	}
	if n > 0 && !m.deflated && rd.left == 0 && m.fin {
		// The end, known without another look.
		if m.typ == MessageText && !m.text.Complete() {
			return 0, e.violated(ctx, errTextUTF8)
		}
		m.end()
	}
	if err == io.EOF {
		m.end()
	}
	return n, err
}

// readInflated reads from a compressed message, whose size counts when it has
// been inflated.
func (e *engine) readInflated(p []byte) (int, error) {
	rd := &e.rd
	m := &rd.msg
	if m.budget >= 0 && int64(len(p)) > m.budget {
		p = p[:m.budget+1]
	}
	n, err := rd.inf.Read(p)
	if n > 0 && err != nil {
		err = nil // it comes again
	}
	switch {
	case m.budget >= 0 && int64(n) > m.budget:
		return 0, e.violated(rd.ctx, errTooBig)
	case m.budget >= 0:
		m.budget -= int64(n)
	}
	switch {
	case err == io.EOF:
		rd.inf.End()
	case errors.Is(err, deflate.ErrCorrupt):
		err = e.violated(rd.ctx, errDeflate)
	}
	return n, err
}

// payloadReader is what the inflater reads: the payloads of the message's
// frames.
type payloadReader engine

func (r *payloadReader) Read(p []byte) (int, error) {
	e := (*engine)(r)
	return e.readPayload(e.rd.ctx, p)
}

// readPayload reads payload of the message's frames, unmasked: at least a
// byte, or io.EOF at the message's end.
func (e *engine) readPayload(ctx context.Context, p []byte) (int, error) {
	rd := &e.rd
	if more, err := e.nextPayload(ctx); err != nil {
		return 0, err
	} else if !more {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), rd.left, stride)]
	n := 0
	if !rd.in.empty() {
		n = min(len(p), rd.in.w-rd.in.r)
		rd.unmask(p, rd.in.bytes()[:n])
		rd.in.r += n
	} else {
		for n == 0 {
			var err error
			if n, err = e.t.read(ctx, p); n == 0 {
				if err = e.readError(ctx, err); err != nil {
					return 0, err
				}
			}
		}
		if rd.key != 0 {
			rd.key = mask.XOR(p[:n], rd.key)
		}
	}
	rd.left -= int64(n)
	return n, nil
}

// nextPayload goes on to the message's next frame with payload, unless there is
// some left of the current one. It reports false at the message's end.
func (e *engine) nextPayload(ctx context.Context) (more bool, err error) {
	rd := &e.rd
	for rd.left == 0 {
		if rd.msg.fin {
			return false, nil
		}
		h, err := e.nextFrame(ctx)
		if err != nil {
			return false, err
		}
		if err := e.checkBudget(ctx, h.length); err != nil {
			return false, err
		}
		rd.msg.fin = h.fin
	}
	return true, nil
}

// unmask copies src to dst, unmasked.
func (rd *readSide) unmask(dst, src []byte) {
	if rd.key != 0 {
		rd.key = mask.Copy(dst, src, rd.key)
	} else {
		copy(dst, src)
	}
}

// read reads a whole message. What is allocated is in proportion to what has
// arrived, whatever the peer says will.
func (e *engine) read(ctx context.Context) (MessageType, []byte, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, nil, err
	}
	defer e.unlockRead()
	if err := e.nextMessage(ctx); err != nil {
		return 0, nil, err
	}
	rd := &e.rd
	typ := rd.msg.typ
	var p []byte
	var err error
	if rd.announced(0) {
		p, err = e.readFull(ctx, nil)
	} else {
		p, err = e.readGrowing(ctx)
	}
	if err != nil {
		return 0, nil, e.interruptedInside(ctx, err)
	}
	return typ, p, nil
}

// announced reports whether the message's length is known, and not much more
// than what has been read of it and has arrived.
func (rd *readSide) announced(read int) bool {
	m := &rd.msg
	return m.fin && !m.deflated && rd.left <= int64(max(read, rd.in.w-rd.in.r))
}

// readFull allocates the result and reads the rest of the message, whose length
// is known, behind what there is of it.
func (e *engine) readFull(ctx context.Context, head []byte) ([]byte, error) {
	p := make([]byte, len(head)+int(e.rd.left))
	n := copy(p, head)
	for n < len(p) {
		k, err := e.readMessage(ctx, p[n:])
		if err != nil {
			return nil, err
		}
		n += k
	}
	return p, nil
}

// readGrowing reads a message into blocks from the pools, and allocates the
// result when its size is known.
func (e *engine) readGrowing(ctx context.Context) ([]byte, error) {
	rd := &e.rd
	b := newBlock(minBlock)
	defer func() { b.free() }()
	n := 0
	for rd.msg.open {
		if rd.announced(n) {
			return e.readFull(ctx, b.b[:n])
		}
		if n == len(b.b) {
			b = b.grow(n, 2*n)
		}
		k, err := e.readMessage(ctx, b.b[n:])
		n += k
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return append(make([]byte, 0, n), b.b[:n]...), nil
}

// readStream reads on from message to message, for NetConn. A context that
// ends leaves everything as it was, inside a message too, and ctx.Err() is
// returned as it is.
func (e *engine) readStream(ctx context.Context, typ MessageType, p []byte) (int, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, err
	}
	defer e.unlockRead()
	rd := &e.rd
	for {
		if !rd.msg.open {
			if err := e.nextMessage(ctx); err != nil {
				return 0, err
			}
			if rd.msg.typ != typ {
				return 0, e.violated(ctx, errWrongType)
			}
			continue
		}
		if !e.life.reading() {
			return 0, e.life.err()
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := e.readMessage(ctx, p)
		if n > 0 || err != io.EOF {
			return n, err
		}
	}
}
