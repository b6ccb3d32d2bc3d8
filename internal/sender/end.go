package sender

import (
	"errors"
	"math"

	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sendqueue"
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

// A ContextError is the error of a stream that was closed because a context ended inside a
// message.
type ContextError struct{ Err error }

func (e *ContextError) Error() string { return e.Err.Error() }

func (e *ContextError) Unwrap() error { return e.Err }

// errPanicked is the error of frames that waited for a Write that panicked.
var errPanicked = errors.New("a Write of the stream did not return")

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

// cutOverdue closes the stream because the context of r has ended while another goroutine
// sends its frame. It reports false and does nothing if that goroutine has finished in the
// meantime.
func (s *Sender) cutOverdue(r *request, err error) bool {
	ok, leading := s.queue.CloseOverdue(r, &ContextError{err})
	if ok {
		s.cut(leading)
	}
	return ok
}

// cut closes the stream after the queue was closed because a context had ended. leading is
// the result of closing the queue.
func (s *Sender) cut(leading bool) {
	s.stream.Close()
	if leading {
		s.discard()
		s.host.SendEnded()
	}
}

// abort ends the sending half after a Write that did not return. The caller keeps the lead,
// since the goroutine that has it is unwinding. Nested calls may both call abort.
func (s *Sender) abort() {
	s.host.SendPanicked()
	s.queue.Close(errPanicked)
	s.discard()
	s.host.SendEnded()
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

// drop fails the requests of the batch and frees the output.
func (s *Sender) drop() {
	s.out.closing = false
	s.queue.Settle(&s.batch, math.MaxInt64, sendqueue.Failed)
	s.out.reset()
}
