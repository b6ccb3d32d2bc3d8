//go:build !js

package websocket

import (
	"context"
	"errors"
	"io"

	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/mask"
)

// stride is how much of a payload is read, unmasked and checked at a time: what
// fits well into the second-level cache. (Measured for 1 MiB in memory: 16 KiB at
// a time takes 7 % longer, 128 KiB 13 %.)
const stride = 64 << 10

// messageReader is the handle of a message that is being read. It counts while
// the read lock's serial is its own: the next one says that the message was read
// to its end, any later that another has begun.
type messageReader struct {
	e      *engine
	serial uint64
}

// begin notes that a message has begun.
func (rd *readSide) begin() {
	rd.msg.open = true
	rd.lock.Advance()
}

// end notes that the message has been read to its end.
func (rd *readSide) end() {
	rd.msg.open = false
	rd.lock.Advance()
}

// reader waits for a message.
func (e *engine) reader(ctx context.Context) (MessageType, io.Reader, error) {
	rd := &e.rd
	if !rd.lock.TryLock() {
		if err := e.lockRead(ctx); err != nil {
			return 0, nil, err
		}
	}
	// This is nextMessage, and unlockRead below, without the calls, of which each
	// takes a nanosecond of 40.
	if !e.beginAtOnce(ctx) {
		if err := e.awaitHeld(ctx); err != nil {
			return 0, nil, err
		}
	}
	h := rd.handles.next()
	h.e, h.serial = e, rd.lock.Version()
	if !rd.msg.open {
		h.serial-- // it is empty, and its end is known
	}
	rd.ctx = ctx
	typ := rd.msg.typ
	if rd.in.r == rd.in.w {
		rd.in.release()
	}
	if free, done := e.tryUnlockRead(); !done {
		e.finishUnlockRead(free)
	}
	return typ, h, nil
}

// awaitHeld is awaitMessage for reader: it unlocks the read gate unless it
// returns nil. A callback may panic, or end its goroutine with
// [runtime.Goexit].
func (e *engine) awaitHeld(ctx context.Context) error {
	begun := false
	defer func() {
		if !begun {
			e.unlockRead()
		}
	}()
	err := e.awaitMessage(ctx)
	begun = err == nil
	return err
}

// awaitMessage is nextMessage where beginAtOnce leaves it: it waits for the
// message, and sees to whatever is in the way.
func (e *engine) awaitMessage(ctx context.Context) error {
	rd := &e.rd
	m := &rd.msg
	switch {
	case e.life.phase() != phaseOpen:
		return e.readToEnd(ctx)
	case m.open:
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
	m.typ, m.fin, m.deflated = MessageType(h.op()), h.fin(), h.rsv1()
	m.limit = rd.limit.Load()
	m.ahead, m.budget = 0, m.limit
	m.text.Reset()
	rd.begin()
	if e.life.phase() != phaseOpen {
		return e.readToEnd(ctx)
	}
	if m.deflated {
		if rd.inf == nil {
			rd.inf = deflate.NewInflater(e.deflate.readBits, e.deflate.readTakeover)
		}
		rd.inf.Begin((*payloadReader)(e))
		return nil
	}
	if m.budget >= 0 {
		if err := e.checkBudget(ctx, rd.left); err != nil {
			return err
		}
	}
	if rd.left == 0 && m.fin {
		rd.end()
	}
	return nil
}

// readToEnd is nextMessage on a connection that is not open any more: it reads
// on for the peer's close frame if that may still come.
func (e *engine) readToEnd(ctx context.Context) error {
	if !e.life.reading() {
		return e.life.err()
	}
	return e.readUntilClose(ctx)
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
		rd.end()
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
		return e.violated(ctx, tooBig(m.limit))
	}
	m.budget -= n
	return nil
}

// Read reads from the message.
func (h *messageReader) Read(p []byte) (int, error) {
	e := h.e
	rd := &e.rd
	if rd.lock.TryLockAt(h.serial) {
		// Most of the time the rest of the message is there, and this is all that is
		// to be done. (With a call of takePayload a short message takes 2 ns more.)
		in, m, n := &rd.in, &rd.msg, rd.left
		if m.typ == MessageBinary && !m.deflated && m.fin && e.life.phase() == phaseOpen &&
			n <= int64(min(in.w-in.r, len(p))) {
			mask.Copy(p, in.block.B[in.r:in.r+int(n)], rd.key)
			in.r += int(n)
			rd.left = 0
			rd.end()
			if in.r == in.w {
				in.release()
			}
			if free, done := e.tryUnlockRead(); !done {
				e.finishUnlockRead(free)
			}
			return int(n), nil
		}
	} else {
		// Looked up without the gate, which another goroutine may hold for as long
		// as it waits for the next message.
		if last := rd.lock.Published(); last == h.serial+1 {
			return 0, io.EOF
		} else if last != h.serial {
			return 0, readErr(h.over(last))
		}
		// The context does not count here: who holds the gate now is reading
		// the same message with it, or is Close.
		rd.lock.Lock(context.Background(), nil)
	}
	n, err := e.readHandle(h, p)
	return n, readErr(err)
}

// readErr is err for the caller of a handle's Read.
func readErr(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return opError("read", err)
}

// over is the error of a handle whose message is over, when the read lock's serial
// is another.
func (h *messageReader) over(serial uint64) error {
	switch {
	case serial == h.serial+1:
		return io.EOF
	case !h.e.life.reading():
		return h.e.life.err()
	}
	return errStaleReader
}

// readHandle is the handle's Read. The caller holds the read gate, which
// readHandle unlocks, also when a callback panics.
func (e *engine) readHandle(h *messageReader, p []byte) (int, error) {
	defer e.unlockRead()
	rd := &e.rd
	switch {
	case rd.lock.Version() != h.serial:
		return 0, h.over(rd.lock.Version())
	case e.life.phase() != phaseOpen && !e.life.reading():
		return 0, e.life.err()
	case len(p) == 0:
		return 0, nil
	}
	n, err := e.readMessage(rd.ctx, p)
	if err != nil {
		err = e.interruptedInside(rd.ctx, err)
	}
	return n, err
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
// end. The caller holds the read lock, and p has room.
func (e *engine) readMessage(ctx context.Context, p []byte) (n int, err error) {
	rd := &e.rd
	m := &rd.msg
	if m.deflated {
		return e.readCompressed(ctx, p)
	}
	n, err = e.readPayload(ctx, p)
	switch {
	case err == io.EOF:
	case err != nil:
		return 0, err
	case m.typ == MessageText && !m.text.Write(p[:n]):
		return 0, e.violated(ctx, errTextUTF8)
	}
	if rd.left == 0 && m.fin {
		// The end, known without another look.
		if m.typ == MessageText && !m.text.Complete() {
			return 0, e.violated(ctx, errTextUTF8)
		}
		rd.end()
	}
	return n, err
}

// readCompressed is readMessage for a compressed message.
func (e *engine) readCompressed(ctx context.Context, p []byte) (n int, err error) {
	rd := &e.rd
	m := &rd.msg
	rd.ctx = ctx
	if m.ahead > 0 {
		m.ahead = 0
		return copy(p, m.peeked[:]), nil
	}
	n, err = e.readInflated(p)
	if m.typ == MessageText {
		if !m.text.Write(p[:n]) || err == io.EOF && !m.text.Complete() {
			return 0, e.violated(ctx, errTextUTF8)
		}
	}
	if err == io.EOF {
		rd.end()
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
		return 0, e.violated(rd.ctx, tooBig(m.limit))
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
	if rd.left == 0 {
		if more, err := e.nextPayload(ctx); err != nil {
			return 0, err
		} else if !more {
			return 0, io.EOF
		}
	}
	n := rd.takePayload(p)
	if n > 0 {
		return n, nil
	}
	p = p[:min(int64(len(p)), rd.left, stride)]
	for n == 0 {
		var err error
		if n, err = e.t.Read(ctx, p); n == 0 {
			if err = e.readError(ctx, err); err != nil {
				return 0, err
			}
		}
	}
	if rd.key != 0 {
		rd.key = mask.XOR(p[:n], rd.key)
	}
	rd.left -= int64(n)
	return n, nil
}

// takePayload takes what there is of the current frame's payload in the inbox,
// unmasked.
func (rd *readSide) takePayload(p []byte) int {
	n := min(len(p), rd.in.w-rd.in.r)
	if int64(n) > rd.left {
		n = int(rd.left)
	}
	if n == 0 {
		return 0
	}
	src := rd.in.block.B[rd.in.r : rd.in.r+n]
	if rd.key != 0 {
		rd.key = mask.Copy(p, src, rd.key)
	} else {
		copy(p, src)
	}
	rd.in.r += n
	rd.left -= int64(n)
	return n
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
		if err := e.checkBudget(ctx, rd.left); err != nil {
			return false, err
		}
		rd.msg.fin = h.fin()
	}
	return true, nil
}
