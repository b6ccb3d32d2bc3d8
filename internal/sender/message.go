package sender

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/lazy"
	"github.com/bhojpur/api/internal/sendqueue"
	"github.com/bhojpur/api/internal/utf8stream"
)

// The errors of misusing a Message, and of its text.
var (
	ErrBusy    = errors.New("message is in use")
	ErrOver    = errors.New("message has ended")
	ErrNotUTF8 = errors.New("text is not valid UTF-8")
)

// fragmenter is the state of a connection for messages of several frames.
type fragmenter struct {
	current atomic.Pointer[Message] // the open message

	// Owned by the goroutine that uses the current Message.
	out     outgoing
	handles lazy.Slab[Message]
}

// outgoing is a message that is sent in several frames.
type outgoing struct {
	typ      frame.Opcode
	encoding Encoding
	begun    bool // a byte of its first frame was sent
	text     utf8stream.Validator
	buf      *bufpool.Block // bytes not sent yet
	n        int            // uncompressed: buf.B[:n] was not sent yet
	z        []byte         // compressed: output not sent yet
	fresh    bool           // compressed: input was added since the last Flush
}

// Message is the handle of a message that is sent in frames of up to 16 KiB. Enter makes
// it busy, Leave makes it idle. A busy message is not ended by the end of its context or
// of the connection.
type Message struct {
	s    *Sender
	ctx  context.Context // owned as outgoing is; nil once the message has ended
	done <-chan struct{} // of ctx
	err  error           // why another goroutine ended the message; valid in state over
	use  atomic.Uint32   // one of the uses below
}

// The uses of a Message. The goroutine that makes it busy or ending owns it.
const (
	idle = iota
	busy
	ending // it is about to be over: the goroutine does not block
	over   // the message has ended
)

// Open waits until a message can be opened, and opens it. The Message is busy.
func (s *Sender) Open(ctx context.Context, typ frame.Opcode, enc Encoding) (*Message, error) {
	if err := s.awaitOpen(ctx); err != nil {
		return nil, err
	}
	f := s.fragments.Get()
	m := f.handles.Next()
	m.s, m.ctx, m.done = s, ctx, ctx.Done()
	m.use.Store(busy)
	f.out = outgoing{typ: typ, encoding: enc}
	f.current.Store(m)
	return m, nil
}

// awaitOpen waits until the queue has opened a message.
func (s *Sender) awaitOpen(ctx context.Context) error {
	r := s.queue.Begin(ctx.Done())
	if r == nil {
		return s.endedErr()
	}
	switch s.queue.Wait(ctx, r, s.abandonMessage) {
	case sendqueue.Sent:
		return nil
	case sendqueue.WithdrawnLeading:
		s.sendPosted()
		return ErrWithdrawn
	case sendqueue.Withdrawn:
		return s.withdrawnErr(sendqueue.Message)
	}
	return s.endedErr()
}

// out returns the state of a busy message.
func (m *Message) out() *outgoing { return &m.s.fragments.Get().out }

// Host returns the host of the Sender.
func (m *Message) Host() Host { return m.s.host }

// Context returns the context of a busy message.
func (m *Message) Context() context.Context { return m.ctx }

// Err returns the error of the context that ended the message, or nil. It is a
// ContextError if that closed the stream. The message must have ended.
func (m *Message) Err() error { return m.err }

// Enter makes the message busy. If it returns ErrBusy or ErrOver, the caller does not own
// the message; with another error it does, and must end it.
func (m *Message) Enter() error {
	for !m.use.CompareAndSwap(idle, busy) {
		switch m.use.Load() {
		case busy:
			return ErrBusy
		case ending:
			runtime.Gosched()
		case over:
			return ErrOver
		}
	}
	switch {
	case m.s.queue.Ended():
		return m.s.endedErr()
	case m.ctx.Err() != nil:
		return ErrWithdrawn
	}
	return nil
}

// Leave makes the message idle, unless it has ended.
func (m *Message) Leave() {
	done, s := m.done, m.s
	if !m.use.CompareAndSwap(busy, idle) {
		return
	}
	select {
	case <-done:
	default:
		if !s.queue.Ended() {
			return
		}
	}
	if m.use.CompareAndSwap(idle, ending) {
		s.abandon(m)
	}
}

// Cut converts an error of sending a part of the message: ErrWithdrawn becomes a
// ContextError if an earlier part was sent.
func (m *Message) Cut(err error) error {
	if err == ErrWithdrawn && m.out().begun {
		return &ContextError{m.ctx.Err()}
	}
	return err
}

// End ends a busy message, and sends posted requests that waited for its end.
func (m *Message) End() {
	if m.end() {
		m.s.sendPosted()
	}
}

// end ends the message and frees what it holds. If it returns true, the caller has the
// lead and must send posted requests.
func (m *Message) end() (leading bool) {
	s, out := m.s, m.out()
	if out.buf != nil {
		out.buf.Free()
	}
	if out.encoding == Deflated {
		s.compressor.get().Discard()
	}
	*out = outgoing{}
	m.ctx = nil // the slab keeps the Message
	s.fragments.Get().current.Store(nil)
	m.use.Store(over)
	if s.queue.Ended() {
		s.compressor.close()
	}
	return s.queue.Finish()
}

// abandonMessage ends the open message if done is the Done channel of its context.
func (s *Sender) abandonMessage(done <-chan struct{}) {
	m := s.fragments.Get().current.Load()
	if m != nil && m.done == done && m.use.CompareAndSwap(idle, ending) {
		s.abandon(m)
	}
}

// abandon ends an ending message whose context, or whose connection, has ended. If a part
// of it was sent, the stream is closed: after the message has ended, because that may block.
func (s *Sender) abandon(m *Message) {
	m.err = m.ctx.Err()
	if m.err == nil || !m.out().begun {
		m.End()
		return
	}
	m.err = &ContextError{m.err}
	leading := s.queue.Close(m.err)
	m.End()
	s.cut(leading)
}

// discardMessage ends the open message of a closed connection. If the message is busy,
// the goroutine that uses it ends it.
func (s *Sender) discardMessage() {
	if f := s.fragments.Peek(); f != nil {
		if m := f.current.Load(); m != nil {
			if !m.use.CompareAndSwap(idle, ending) {
				return
			}
			m.end()
		}
	}
	s.compressor.close()
}

// Add appends p to the message and sends frames that are full.
func (m *Message) Add(p []byte) error {
	o := m.out()
	if o.typ == frame.Text && !o.text.Write(p) {
		return ErrNotUTF8
	}
	if o.encoding == Undecided && o.n+len(p) >= m.s.compressor.params.Threshold {
		m.compress()
	}
	for len(p) > 0 {
		if o.encoding == Deflated {
			n := min(len(p), MaxFrame)
			o.fresh = true
			o.z = m.s.compressor.get().Write(o.z, p[:n])
			p = p[n:]
			if err := m.sendFull(); err != nil {
				return err
			}
			continue
		}
		if o.buf == nil {
			o.buf = bufpool.Get(MaxFrame)
		}
		if o.n == MaxFrame {
			if err := m.sendBuffer(); err != nil {
				return err
			}
		}
		n := copy(o.buf.B[o.n:MaxFrame], p)
		o.n += n
		p = p[n:]
	}
	return nil
}

// sendBuffer sends the buffer. The frames of a text message end between
// characters: some receivers need that, though RFC 6455 section 5.6 does not.
func (m *Message) sendBuffer() error {
	o := m.out()
	o.encoding = Plain // no more than a buffer is kept until the threshold is reached
	n := o.n
	if o.typ == frame.Text {
		n -= len(partialRune(o.buf.B[:n]))
	}
	if err := m.sendPart(o.buf.B[:n], 0); err != nil {
		return err
	}
	o.n = copy(o.buf.B[:], o.buf.B[n:o.n])
	return nil
}

// partialRune returns the incomplete character at the end of valid text.
func partialRune(p []byte) []byte {
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax); i-- {
		if utf8.RuneStart(p[i]) {
			if utf8.FullRune(p[i:]) {
				break
			}
			return p[i:]
		}
	}
	return nil
}

// compress starts to compress the message, with the bytes written so far.
func (m *Message) compress() {
	o := m.out()
	held, n := o.buf, o.n
	o.buf = bufpool.Get(2 * MaxFrame)
	o.z = o.buf.B[:0]
	o.encoding = Deflated
	c := m.s.compressor.get()
	c.Begin()
	if held != nil {
		o.z, o.fresh = c.Write(o.z, held.B[:n]), true
		held.Free()
	}
}

// sendFull sends compressed output, but keeps up to MaxFrame bytes for the next frame.
func (m *Message) sendFull() error {
	o := m.out()
	for len(o.z) > MaxFrame {
		if err := m.sendPart(o.z[:MaxFrame], 0); err != nil {
			return err
		}
		o.z = o.z[:copy(o.z, o.z[MaxFrame:])]
	}
	return nil
}

// Flush sends the bytes added so far, but keeps an incomplete character.
func (m *Message) Flush() error {
	o := m.out()
	switch {
	case o.encoding == Deflated && o.fresh:
		o.z, o.fresh = m.s.compressor.get().Flush(o.z), false
		if err := m.sendFull(); err != nil {
			return err
		}
		err := m.sendPart(o.z, 0)
		o.z = o.z[:0]
		return err
	case o.encoding == Deflated, o.n == 0:
		return nil
	case o.typ == frame.Text && len(partialRune(o.buf.B[:o.n])) == o.n:
		return nil
	}
	return m.sendBuffer()
}

// Finish sends the last frame.
func (m *Message) Finish() error {
	o := m.out()
	if o.typ == frame.Text && !o.text.Complete() {
		return ErrNotUTF8
	}
	if o.encoding == Deflated {
		o.z = m.s.compressor.get().End(o.z)
		if err := m.sendFull(); err != nil {
			return err
		}
		err := m.sendPart(o.z, frame.BitFin)
		if err == nil {
			o.encoding = Plain // the compressor keeps the message
		}
		return err
	}
	var last []byte
	if o.buf != nil {
		last = o.buf.B[:o.n]
	}
	return m.sendPart(last, frame.BitFin)
}

// sendPart sends a frame of the message.
func (m *Message) sendPart(payload []byte, fin frame.Byte0) error {
	o := m.out()
	f := Frame{Byte0: fin, Payload: payload}
	if !o.begun {
		f.Byte0 |= frame.Byte0(o.typ)
		if o.encoding == Deflated {
			f.Byte0 |= frame.BitRSV1
		}
	}
	err := m.s.Send(m.ctx, sendqueue.Part, &f)
	if err != ErrWithdrawn {
		o.begun = true
	}
	return err
}
