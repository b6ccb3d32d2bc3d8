package sender

import (
	"bytes"

	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/sendqueue"
)

const (
	// maxPongs is the maximum number of queued pongs. A further one replaces the
	// last: only the most recent ping must be answered (RFC 6455 section 5.5.3).
	maxPongs = 16
	// maxPings is the maximum number of queued pings.
	maxPings = 1
	// maxPingPayload is the length of the longest number of a ping.
	maxPingPayload = 20
)

// PostPong sends a pong, or queues it if a goroutine has the lead. It does not
// block.
func (s *Sender) PostPong(payload []byte) {
	f := Frame{Byte0: frame.Final(frame.Pong), Payload: payload}
	if s.queue.TryLead(sendqueue.Control) {
		if !s.out.full {
			s.encode(&f)
			s.flushNow()
			s.release()
			return
		}
		s.release()
	}
	f.Payload = bytes.Clone(payload)
	if _, leading := s.queue.PostControl(f, sendqueue.Pong, maxPongs); leading {
		s.sendPosted()
	}
}

// PostPing sends a ping, or queues it if a goroutine has the lead. It does not block.
func (s *Sender) PostPing() {
	f := Frame{Byte0: frame.Final(frame.Ping), Payload: make([]byte, maxPingPayload)}
	if _, leading := s.queue.PostControl(f, sendqueue.Ping, maxPings); leading {
		s.sendPosted()
	}
}

// PostMessage queues a message, and sends it if no other goroutine has the lead. It
// does not block. It reports false, and queues nothing, if posted messages that are
// not sent would have more than limit bytes together with it. An empty message counts as
// one byte; a negative limit is none.
func (s *Sender) PostMessage(f Frame, limit int64) (ok bool, err error) {
	size := max(int64(len(f.Payload)), 1) // empty messages take memory, too
	ok, leading := s.queue.PostMessage(f, size, limit)
	if leading {
		s.sendPosted()
	}
	if !ok && s.queue.Ended() {
		return false, s.endedErr()
	}
	return ok, nil
}

// PostPart queues a frame of the open message, and sends it if no other goroutine
// has the lead. It does not block.
func (s *Sender) PostPart(f Frame) {
	if s.queue.PostPart(f) {
		s.sendPosted()
	}
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
