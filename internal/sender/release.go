package sender

import (
	"context"

	"github.com/bhojpur/api/internal/sendqueue"
)

// release sends posted requests that no waiter would send, and gives up the lead. If the
// stream would block, a new goroutine sends the rest.
func (s *Sender) release() {
	if s.out.isSent() && !s.out.closing {
		s.out.reset()
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

// tryRelease gives up the lead. It reports false if the caller must send the rest of out
// first.
func (s *Sender) tryRelease() bool {
	ended := false
	for {
		unfinished := s.batch.First()
		switch {
		case s.out.isSent():
			s.out.reset()
			ended, s.out.closing = ended || s.out.closing, false
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

// drain sends the rest of out. The caller has the lead.
func (s *Sender) drain() {
	for ok := false; !ok; ok = s.tryRelease() {
		if err := s.flush(context.Background(), noFrame); err != nil {
			s.host.SendFailed(err)
		}
		s.draining.Store(false)
	}
}

// mend resumes the stream if a context interrupted it between two writes.
func (s *Sender) mend() {
	if s.queue.Take() {
		s.stream.MendWrite()
		if !s.tryRelease() {
			s.draining.Store(true)
			go s.drain()
		}
	}
}

// sendPosted sends posted requests as far as the stream takes them, and gives up
// the lead.
func (s *Sender) sendPosted() {
	s.take(nil)
	s.flushNow()
	s.release()
}
