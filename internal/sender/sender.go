// Package sender is the sending half of a connection. It encodes frames and sends them in
// the order of package sendqueue. It refers neither to the receiving half nor to the
// state of the connection, and returns errors for its caller to handle.
package sender

import (
	"context"
	"sync/atomic"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/lazy"
	"github.com/bhojpur/api/internal/liveness"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sendqueue"
)

// Sender is the sending half of a connection. Init and Begin must be called first.
//
// The queue decides which goroutine has the lead, the right to write to the stream. The
// leader encodes its own frame and those of waiting goroutines into out, and sends them
// as one batch.
type Sender struct {
	stream  *netstream.Stream
	host    Host
	watched bool // the host watches the writes

	draining atomic.Bool // a goroutine runs drain
	queue    sendqueue.Queue[Frame]

	// Guarded by the lead.
	small [smallFrame]byte       // a short frame that is sent alone
	out   output                 // encoded frames
	batch sendqueue.Batch[Frame] // requests whose frames are in out

	// Guarded by the lead while no message is open, then by the open message.
	compressor lazyCompressor

	fragments lazy.Value[fragmenter]
}

// Host is notified by a Sender.
type Host interface {
	// NumberPing sets the payload of a ping when its place among the frames is fixed.
	NumberPing(payload []byte) []byte
	// SendEnded is called when the close frame was sent or will not be sent.
	SendEnded()
	// SendFailed is called with the reason if a frame that no call waits for can't be
	// sent. Nothing more is sent then.
	SendFailed(err error)
	// SendPanicked is called if a Write of the stream panics or calls runtime.Goexit.
	// It must close the connection.
	SendPanicked()
	// Writes returns the record of the calls that write to the stream, after Watch.
	Writes() *liveness.Activity
}

type request = sendqueue.Request[Frame]

// Init sets the role, the compression, which is nil if none was negotiated, and the host.
func (s *Sender) Init(r Role, c *Compression, host Host) {
	s.out.role, s.compressor.params, s.host = r, c, host
}

// Watch makes the Sender note its writes in the record of the host.
func (s *Sender) Watch() { s.watched = true }

// Begin sets the stream.
func (s *Sender) Begin(stream *netstream.Stream) { s.stream, s.out.socket = stream, stream.IsSocket() }

// Compression returns the compression that Init set.
func (s *Sender) Compression() *Compression { return s.compressor.params }

// Busy reports whether a goroutine has the lead.
func (s *Sender) Busy() bool { return s.queue.Held() }

// Send queues a frame if needed and returns when it was sent. (The frame is passed by
// reference because a copy of fields that were just written one by one stalls the
// processor.)
func (s *Sender) Send(ctx context.Context, c sendqueue.Class, f *Frame) error {
	if s.queue.ShouldYield() || !s.queue.TryLead(c) {
		return s.sendQueued(ctx, c, f)
	}
	if s.out.added == 0 && f.single(s.out.role) && (f.Pre == nil || s.compressor.made.Load() == nil) {
		unwound := true
		defer func() { // as in write, without one more call
			if unwound {
				s.abort()
			}
		}()
		err := s.sendSingle(ctx, f)
		unwound = false
		return err
	}
	err := s.sendLeading(ctx, f)
	s.release()
	return err
}

// sendSingle sends a frame alone and gives up the lead. It is the fast path of Send
// and makes few calls. It does not copy a long payload. The caller has the lead, and out
// is empty.
func (s *Sender) sendSingle(ctx context.Context, f *Frame) error {
	if f.Op() == frame.Ping {
		f.Payload = s.host.NumberPing(f.Payload)
	}
	b, rest := s.small[:0], []byte(nil)
	var block *bufpool.Block // of b
	switch {
	case f.Pre != nil:
		rest = f.Pre.Bytes
	case len(f.Payload) > maxCopied && s.out.role == Server:
		b = frame.AppendHeader(b, frame.Header{Byte0: f.Byte0, Length: int64(len(f.Payload))})
		rest = f.Payload
	default:
		if shortHeader+len(f.Payload) > smallFrame {
			at := payloadAt(len(f.Payload))
			block = bufpool.Get(at + len(f.Payload))
			s.out.block = block
			b = block.B[at-longHeader : at-longHeader]
		}
		b = s.out.appendFrame(b, f)
	}
	var n int
	var err error
	if s.watched || len(rest) > 0 {
		n, err = s.write(ctx, b, rest)
	} else {
		n, err = s.stream.Write(ctx, b)
	}
	if err != nil || n < len(b)+len(rest) {
		s.out.keep(b, rest, n)
		err = s.resume(ctx, span{0, s.out.added, f}, err)
		s.release()
		return err
	}
	if block != nil {
		s.out.block = nil
		block.Free()
	}
	if !s.queue.TryRelease() {
		s.release()
	} else if s.stream.WriteDisturbed() {
		s.mend()
	}
	return nil
}

// sendLeading sends a frame after the rest of earlier ones. The caller has the lead.
func (s *Sender) sendLeading(ctx context.Context, f *Frame) error {
	if s.out.full {
		if err := s.flush(ctx, noFrame); err != nil {
			return err
		}
	}
	start := s.out.added
	s.encode(f)
	return s.flush(ctx, span{start, s.out.added, f})
}

// sendQueued queues a frame, and waits until another leader has sent it or the caller
// becomes the leader.
func (s *Sender) sendQueued(ctx context.Context, c sendqueue.Class, f *Frame) error {
	r := s.queue.Enqueue(c, *f)
	if r == nil {
		return s.endedErr()
	}
	if s.queue.ShouldYield() {
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
			} else if s.cutOverdue(r, ctx.Err()) {
				ctx = context.Background()
			}
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
		if s.out.added == 0 {
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
	limit := maxBatch
	if own != nil && own.Frame.OnCancel == KeepFrame {
		limit = maxKeptBatch // the other frames of a NetConn are of that kind
	}
	for !s.out.full && s.out.to < limit {
		r := s.queue.Next(own)
		if r == nil {
			return
		}
		r.Start = s.out.added
		s.encode(&r.Frame)
		r.End = s.out.added
		s.batch.Add(r)
		s.out.closing = r.Frame.Op() == frame.Close
	}
}
