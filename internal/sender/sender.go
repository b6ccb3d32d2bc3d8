// Package sender is the sending half of a connection. It encodes frames and sends them in
// the order of package sendqueue. It knows neither the receiving half nor the state of
// the connection, and returns errors for its caller to handle.
package sender

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/deflate"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/lazy"
	"github.com/bhojpur/api/internal/liveness"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sendqueue"
)

// Role is the side of the connection that sends. A client masks its frames.
type Role uint8

const (
	Server Role = iota
	Client
)

// Compression are the compression parameters of outgoing messages.
type Compression struct {
	Bits      int  // the base-2 logarithm of the window
	Level     int  // of the compressor
	Threshold int  // the minimum size of a message to be compressed
	Takeover  bool // a message may refer to earlier ones
}

// Frame is a frame to be sent. Its payload is not masked yet.
type Frame struct {
	frame.Byte0
	Encoding Encoding
	OnCancel OnCancel
	Payload  []byte
	Pre      *Preframed // the encoded frame of a prepared message, or nil
}

// Encoding says how the payload of a message is sent.
type Encoding uint8

const (
	Plain     Encoding = iota
	Deflated           // compressed by the leader that sends it
	Undecided          // a Message that has not reached the compression threshold
)

// OnCancel says what happens to a frame whose context ends after a part of it was sent.
type OnCancel uint8

const (
	FailConn  OnCancel = iota // the connection fails
	KeepFrame                 // the rest is sent ahead of other frames
)

// Preframed is the encoded frame of a whole message.
type Preframed struct {
	Bytes   []byte // the frame as a server sends it
	Payload []byte // the end of Bytes

	// Text is the end of a receiver's window after the message, which has Size
	// bytes. It is nil if the frame is not compressed.
	Text []byte
	Size int
}

// Preframe encodes a frame. It copies p.
func Preframe(b frame.Byte0, p []byte) Preframed {
	h := frame.Header{Byte0: b, Length: int64(len(p))}
	f := frame.AppendHeader(make([]byte, 0, frame.MaxHeader+len(p)), h)
	n := len(f)
	f = append(f, p...)
	return Preframed{Bytes: f, Payload: f[n:]}
}

// Sender is the sending half of a connection. Init and Begin must be called first.
//
// The queue decides which goroutine has the lead, the right to write to the stream. The
// leader encodes its own frame and those of waiting goroutines into out, and sends them
// as one batch.
type Sender struct {
	stream  *netstream.Stream
	host    Host
	deflate *Compression // nil without compression
	role    Role
	watched bool // the host watches the writes

	draining atomic.Bool // a goroutine runs drain
	queue    sendqueue.Queue[Frame]

	// Guarded by the lead.
	small    [smallFrame]byte       // a short frame that is sent alone
	out      *bufpool.Block         // frames to be sent; nil when there are none
	from, to int                    // out.B[from:to] was not sent yet
	rest     []byte                 // sent after out: by a server directly, by a client masked into out
	key      uint32                 // for rest
	full     bool                   // no further frame can be encoded before out and rest are sent
	closing  bool                   // the close frame was encoded, and SendEnded was not called for it
	encoded  int64                  // bytes encoded since out was empty
	sent     int64                  // bytes of these that were sent
	batch    sendqueue.Batch[Frame] // requests whose frames are in out or rest

	// Guarded by the lead while no message is open, then by the open message.
	deflater atomic.Pointer[deflate.Compressor]

	fragments lazy.Value[fragmenter]
}

// Host is notified by a Sender.
type Host interface {
	// NumberPing sets the payload of a ping when its place among the frames is fixed.
	NumberPing(payload []byte) []byte
	// SendEnded is called when the close frame was sent or will not be sent.
	SendEnded()
	// Writes returns the record of the calls that write to the stream, after Watch.
	Writes() *liveness.Activity
}

type request = sendqueue.Request[Frame]

const (
	// smallFrame is the size up to which a frame is encoded without a block from
	// the pool.
	smallFrame = 128
	// shortHeader is the size of a header with a 7-bit length and a masking key.
	shortHeader = 2 + 4
	// maxCopied is the size up to which a payload is copied behind its header, so
	// that other frames can follow in the same batch.
	maxCopied = 4 << 10
	// MaxFrame is the payload of the frames that a Writer sends.
	MaxFrame = 16 << 10
	// maxBatch is the size at which a batch takes no further frames. One more copied
	// frame fits into the same block of 64 KiB; the next size of the pool is 256 KiB.
	maxBatch = 64<<10 - maxCopied - frame.MaxHeader
	// maxPongs is the maximum number of queued pongs. A further one replaces the
	// last: only the most recent ping must be answered (RFC 6455 section 5.5.3).
	maxPongs = 16
)

// The results of sending a frame, beside success and errors of the stream.
var (
	// ErrWithdrawn: the context ended, and nothing of the frame was sent.
	ErrWithdrawn = errors.New("withdrawn by its context")
	// ErrBehindWriter is ErrWithdrawn for a message that waited for the end of an open
	// message.
	ErrBehindWriter = errors.New("withdrawn by its context, behind a Writer")
	// ErrCommitted: the context ended, and the frame will be sent to its end.
	ErrCommitted = errors.New("sent after its context ended")
	// ErrCutInside: the context ended inside a frame that was to be sent to its end,
	// and the stream can't go on.
	ErrCutInside = errors.New("cut off by its context")
	// ErrEnded: the queue accepts no frame.
	ErrEnded = errors.New("nothing can be sent")
)

// ContextError is the error of a stream that was closed because a context ended inside a
// message.
type ContextError struct{ Err error }

func (e *ContextError) Error() string { return e.Err.Error() }
func (e *ContextError) Unwrap() error { return e.Err }

// span is the place of a leader's own frame among the encoded bytes.
type span struct {
	start, end int64
	frame      *Frame
}

// notEncoded is the start and the end of a frame that was not encoded yet.
const notEncoded = math.MaxInt64

// noFrame is the span of a leader without a frame.
var noFrame = span{notEncoded, notEncoded, new(Frame)}

// Init sets the role, the compression, which is nil if none was negotiated, and the host.
func (s *Sender) Init(r Role, c *Compression, host Host) { s.role, s.deflate, s.host = r, c, host }

// Watch makes the Sender tell of the calls of the stream that may wait.
func (s *Sender) Watch() { s.watched = true }

// Begin sets the stream.
func (s *Sender) Begin(stream *netstream.Stream) { s.stream = stream }

// Compression returns the compression that Init set.
func (s *Sender) Compression() *Compression { return s.deflate }

// Busy reports whether a goroutine has the lead.
func (s *Sender) Busy() bool { return s.queue.Held() }

// Send queues a frame if needed and returns when it was sent. (The frame comes by reference because a copy
// of fields that were just written one by one stalls the processor.)
func (s *Sender) Send(ctx context.Context, c sendqueue.Class, f *Frame) error {
	if s.queue.Expects() || !s.queue.TryLead(c) {
		return s.sendQueued(ctx, c, f)
	}
	if len(f.Payload) <= maxCopied && f.Encoding == Plain && f.Pre == nil && s.encoded == 0 {
		return s.sendSingle(ctx, f)
	}
	err := s.sendLeading(ctx, f)
	s.release()
	return err
}

// sendSingle sends a short frame alone and gives up the lead. It is the fast path of Send
// and makes few calls. The caller has the lead, and out is empty.
func (s *Sender) sendSingle(ctx context.Context, f *Frame) error {
	if f.Op() == frame.Ping {
		f.Payload = s.host.NumberPing(f.Payload)
	}
	b := s.small[:0]
	if shortHeader+len(f.Payload) > smallFrame {
		s.out = bufpool.Get(frame.MaxHeader + len(f.Payload))
		b = s.out.B[:0]
	}
	b = appendFrame(b, f, s.role)
	var n int
	var err error
	if s.watched {
		n, err = s.writeWatched(ctx, b, nil)
	} else {
		n, err = s.stream.Write(ctx, b)
	}
	if err != nil {
		s.keep(b, n)
		err = s.resume(ctx, span{0, s.encoded, f}, err)
		s.release()
		return err
	}
	if s.out != nil {
		s.out.Free()
		s.out = nil
	}
	if !s.queue.TryRelease() {
		s.release()
	} else if s.stream.WriteDisturbed() {
		s.mend()
	}
	return nil
}

// keep makes b, of which n bytes were sent, the content of out. b is in small or in out.
func (s *Sender) keep(b []byte, n int) {
	if s.out == nil {
		s.out = bufpool.Get(len(b))
		copy(s.out.B, b)
	}
	s.from, s.to = n, len(b)
	s.sent, s.encoded = int64(n), int64(len(b))
}

// sendLeading sends a frame after the rest of earlier ones. The caller has the lead.
func (s *Sender) sendLeading(ctx context.Context, f *Frame) error {
	if s.full {
		if err := s.flush(ctx, noFrame); err != nil {
			return err
		}
	}
	start := s.encoded
	s.encode(f)
	return s.flush(ctx, span{start, s.encoded, f})
}

// sendQueued queues a frame, and waits until another leader has sent it or the caller
// becomes the leader.
func (s *Sender) sendQueued(ctx context.Context, c sendqueue.Class, f *Frame) error {
	r := s.queue.Enqueue(c, *f)
	if r == nil {
		return s.endedErr()
	}
	if s.queue.Expects() {
		s.queue.Yield()
	}
	for {
		switch s.queue.Wait(ctx, r, s.abandonMessage) {
		case sendqueue.Sent:
			return nil
		case sendqueue.Failed:
			return s.endedErr()
		case sendqueue.Withdrawn:
			return s.withdrawnErr(c)
		case sendqueue.WithdrawnLeading:
			s.sendPosted()
			return ErrWithdrawn
		case sendqueue.Overdue:
			if f.OnCancel == KeepFrame {
				if ok, leading := s.queue.Abandon(r); ok {
					if leading {
						s.release()
					}
					return ErrCommitted
				}
			} else {
				s.cut(ctx.Err())
			}
			ctx = context.Background()
		case sendqueue.Leading:
			done, err := s.lead(ctx, r)
			s.release()
			if done {
				return err
			}
		}
	}
}

// withdrawnErr returns the error of a withdrawn request of class c.
func (s *Sender) withdrawnErr(c sendqueue.Class) error {
	if c == sendqueue.Message && s.queue.Open() {
		return ErrBehindWriter
	}
	return ErrWithdrawn
}

// endedErr returns the reason why the queue accepts no frame.
func (s *Sender) endedErr() error {
	if err := s.queue.Err(); err != nil {
		return err
	}
	return ErrEnded
}

// lead sends batches until the frame of r was sent. It reports false if r must wait
// again, behind a message that is about to open.
func (s *Sender) lead(ctx context.Context, r *request) (done bool, err error) {
	for {
		s.take(r)
		if s.encoded == 0 {
			return false, nil
		}
		own := span{notEncoded, notEncoded, &r.Frame}
		if r.End > 0 {
			own.start, own.end = r.Start, r.End
		}
		if err = s.flush(ctx, own); err != nil || r.End > 0 {
			break
		}
	}
	if err == ErrCommitted {
		s.queue.Abandon(r)
	} else {
		s.queue.Recycle(r)
	}
	return true, err
}

// take encodes queued frames as one batch. own is the caller's request, or nil.
func (s *Sender) take(own *request) {
	for !s.full && s.to < maxBatch {
		r := s.queue.Next(own)
		if r == nil {
			return
		}
		r.Start = s.encoded
		s.encode(&r.Frame)
		r.End = s.encoded
		s.batch.Add(r)
		s.closing = r.Frame.Op() == frame.Close
	}
}

// flush sends the encoded bytes. If ctx ends, it may return when the caller's own frame
// was sent.
func (s *Sender) flush(ctx context.Context, own span) error {
	for s.sent < s.encoded {
		n, err := s.write(ctx)
		s.advance(n)
		if err != nil {
			if stop, err := s.interrupted(ctx, own, err); stop {
				return err
			}
		}
	}
	s.reset()
	return nil
}

// resume is flush after a write that returned err.
func (s *Sender) resume(ctx context.Context, own span, err error) error {
	if stop, err := s.interrupted(ctx, own, err); stop {
		return err
	}
	return s.flush(ctx, own)
}

// interrupted handles an error of a write. It reports whether flush must stop, and the
// error that flush returns.
func (s *Sender) interrupted(ctx context.Context, own span, err error) (stop bool, _ error) {
	out := s.sent >= own.end
	switch {
	case err != netstream.ErrInterrupted && err != netstream.ErrCutOff:
		err = s.fail(err)
		if out {
			err = nil
		}
		return true, err
	case ctx.Err() == nil:
		return false, nil // caused by the context of an earlier call
	case out:
		return true, nil
	case err == netstream.ErrInterrupted && s.sent <= own.start:
		s.withdraw(own)
		return true, ErrWithdrawn
	case own.frame.OnCancel == KeepFrame && err == netstream.ErrInterrupted:
		return true, ErrCommitted
	case own.frame.OnCancel == KeepFrame:
		s.fail(ctx.Err())
		return true, ErrCutInside
	}
	return true, s.fail(&ContextError{ctx.Err()})
}

// flushNow sends what the stream takes without blocking.
func (s *Sender) flushNow() {
	for s.sent < s.encoded {
		p := s.next()
		n, err := s.stream.WriteNow(p)
		s.advance(n)
		if err != nil {
			s.fail(err)
			return
		}
		if n < len(p) {
			return
		}
	}
	s.reset()
}

// release sends posted requests that no waiter would send, and gives up the lead. If the
// stream would block, a new goroutine sends the rest.
func (s *Sender) release() {
	if s.sent == s.encoded && !s.closing {
		s.reset()
		if s.queue.TryRelease() {
			if s.stream.WriteDisturbed() {
				s.mend()
			}
			return
		}
	}
	if !s.tryRelease() {
		s.draining.Store(true)
		go s.drain()
	}
}

// mend resumes the stream if a context interrupted it between two writes.
func (s *Sender) mend() {
	if s.queue.Take() {
		s.stream.MendWrite()
		if !s.tryRelease() {
			go s.drain()
		}
	}
}

// drain sends the rest of out. The caller has the lead.
func (s *Sender) drain() {
	for ok := false; !ok; ok = s.tryRelease() {
		s.flush(context.Background(), noFrame)
		s.draining.Store(false)
	}
}

// tryRelease gives up the lead. It reports false if the caller must send the rest of out
// first.
func (s *Sender) tryRelease() bool {
	ended := false
	for {
		unfinished := s.batch.First()
		switch {
		case s.sent == s.encoded:
			s.reset()
			ended, s.closing = ended || s.closing, false
		case unfinished == nil:
			return false
		}
		switch s.queue.Release(unfinished) {
		case sendqueue.Released:
			if s.stream.WriteDisturbed() && s.queue.Take() {
				s.stream.MendWrite()
				continue
			}
		case sendqueue.Discard:
			s.discard()
			ended = true
		case sendqueue.Drain:
			return false
		case sendqueue.SendPosted:
			s.take(nil)
			s.flushNow()
			continue
		}
		if ended {
			s.host.SendEnded()
		}
		return true
	}
}

// sendPosted sends posted requests as far as the stream takes them, and gives up
// the lead.
func (s *Sender) sendPosted() {
	s.take(nil)
	s.flushNow()
	s.release()
}

// PostPong sends a pong, or queues it if a goroutine has the lead. It does not
// block.
func (s *Sender) PostPong(payload []byte) {
	f := Frame{Byte0: frame.Final(frame.Pong), Payload: payload}
	if s.queue.TryLead(sendqueue.Control) {
		if !s.full {
			s.encode(&f)
			s.flushNow()
			s.release()
			return
		}
		s.release()
	}
	f.Payload = bytes.Clone(payload)
	if _, leading := s.queue.PostControl(f, maxPongs); leading {
		s.sendPosted()
	}
}

// maxPingPayload is the length of the longest number of a ping.
const maxPingPayload = 20

// PostPing sends a ping, or queues it if a goroutine has the lead. It does not block.
func (s *Sender) PostPing() {
	f := Frame{Byte0: frame.Final(frame.Ping), Payload: make([]byte, maxPingPayload)}
	if _, leading := s.queue.PostControl(f, maxPongs+1); leading {
		s.sendPosted()
	}
}

// PostMessage queues a message, and sends it if no other goroutine has the lead. It
// does not block. It reports false, and queues nothing, if posted messages that are
// not sent would have more than limit bytes together with it; a negative limit is
// none.
func (s *Sender) PostMessage(f Frame, limit int64) (ok bool, err error) {
	ok, leading := s.queue.PostMessage(f, int64(len(f.Payload)), limit)
	if leading {
		s.sendPosted()
	}
	if !ok && s.queue.Ended() {
		return false, s.endedErr()
	}
	return ok, nil
}

// PostClose queues the close frame with the given payload, after which nothing is
// sent, and sends it if no other goroutine has the lead. It does not block. It reports
// whether the frame is being sent, and not waiting for a write that may take long.
func (s *Sender) PostClose(payload []byte) (sending bool) {
	f := Frame{Byte0: frame.Final(frame.Close), Payload: payload}
	_, leading := s.queue.End(f)
	if leading {
		s.sendPosted()
	}
	return leading || s.draining.Load()
}

// fail ends the sending half with the error err: waiting requests fail, and nothing more
// is sent. It returns the error of the first failure. The caller has the lead.
func (s *Sender) fail(err error) error {
	if c, ok := errors.AsType[*netstream.ClosedError](err); ok {
		err = &ContextError{c.Cause}
	}
	s.queue.Close(err)
	s.drop()
	return s.endedErr()
}

// cut closes the stream because the context of a frame ended while another goroutine
// sends it.
func (s *Sender) cut(err error) {
	leading := s.queue.Close(&ContextError{err})
	s.stream.Close()
	if leading {
		s.discard()
		s.host.SendEnded()
	}
}

// Close ends the sending half of a closed connection.
func (s *Sender) Close() {
	if s.queue.Close(nil) {
		s.discard()
	}
}

// discard frees what the Sender holds. The caller keeps the lead.
func (s *Sender) discard() {
	s.drop()
	s.discardMessage()
	s.stream.ForgetWrite()
}

// drop fails the requests of the batch and frees out.
func (s *Sender) drop() {
	s.closing = false
	s.queue.Settle(&s.batch, math.MaxInt64, sendqueue.Failed)
	s.reset()
}
