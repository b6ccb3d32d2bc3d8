package sender

import (
	"context"
	"math"

	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sendqueue"
)

// span is the place of a leader's own frame among the encoded bytes.
type span struct {
	start, end int64
	frame      *Frame
}

// notEncoded is the start and the end of a frame that was not encoded yet.
const notEncoded = math.MaxInt64

// noFrame is the span of a leader without a frame.
var noFrame = span{notEncoded, notEncoded, new(Frame)}

// flush sends the encoded bytes. If ctx ends, it may return when the caller's own frame
// was sent.
func (s *Sender) flush(ctx context.Context, own span) error {
	for !s.out.isSent() {
		p, rest := s.out.next()
		n, err := s.write(ctx, p, rest)
		s.advance(n)
		if err != nil {
			if stop, err := s.interrupted(ctx, own, err); stop {
				return err
			}
		}
	}
	s.out.reset()
	return nil
}

// resume is flush after a write of a part, which may have returned an error.
func (s *Sender) resume(ctx context.Context, own span, err error) error {
	if err != nil {
		if stop, err := s.interrupted(ctx, own, err); stop {
			return err
		}
	}
	return s.flush(ctx, own)
}

// interrupted handles an error of a write. It reports whether flush must stop, and the
// error that flush returns.
func (s *Sender) interrupted(ctx context.Context, own span, err error) (stop bool, _ error) {
	out := s.out.sent() >= own.end
	switch {
	case err != netstream.ErrInterrupted && err != netstream.ErrCutOff:
		err = s.fail(err)
		if out {
			s.host.SendFailed(err) // a later frame of the batch was cut
			err = nil
		}
		return true, err
	case ctx.Err() == nil:
		return false, nil // caused by the context of an earlier call
	case out:
		return true, nil
	case err == netstream.ErrInterrupted && s.out.sent() <= own.start:
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
	for !s.out.isSent() {
		p, _ := s.out.next()
		n, err := s.stream.WriteNow(p)
		s.advance(n)
		if err != nil {
			s.host.SendFailed(s.fail(err))
			return
		}
		if n < len(p) {
			return
		}
	}
	s.out.reset()
}

// write writes the beginning of p and rest to the stream once. If the writes are watched, it
// is short, so that a peer that takes them slowly shows progress. If a Write of the stream
// panics or calls runtime.Goexit, the Sender ends: the caller can't give up the lead.
func (s *Sender) write(ctx context.Context, p, rest []byte) (n int, err error) {
	returned := false
	defer func() {
		if !returned {
			s.abort()
		}
	}()
	if s.watched {
		a := s.host.Writes()
		a.Begin()
		n, err = s.writePiece(ctx, p, rest, MaxFrame)
		a.End(n, err)
	} else if s.out.socket {
		n, err = s.writePiece(ctx, p, rest, socketPiece)
	} else {
		n, err = s.writePiece(ctx, p, rest, len(p)+len(rest))
	}
	returned = true
	return n, err
}

// writePiece writes the first most bytes of p and rest.
func (s *Sender) writePiece(ctx context.Context, p, rest []byte, most int) (int, error) {
	if len(p) < most && len(rest) > 0 {
		return s.stream.WriteBoth(ctx, p, rest[:min(len(rest), most-len(p))])
	}
	return s.stream.Write(ctx, p[:min(len(p), most)])
}

// advance removes n bytes that were sent from the output, and completes the requests of
// the batch that were sent with them.
func (s *Sender) advance(n int) {
	s.out.advance(n)
	s.queue.Settle(&s.batch, s.out.sent(), sendqueue.Sent)
}

// withdraw removes a frame of which no byte was sent from the batch.
func (s *Sender) withdraw(own span) {
	if own.start == notEncoded {
		return
	}
	s.out.remove(own.start, own.end)
	s.batch.Withdraw(own.start, own.end-own.start)
	s.compressor.noteUnsent(own.frame)
}
