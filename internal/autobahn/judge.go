package autobahn

import (
	"bytes"
	"fmt"
	"slices"
)

// goal checks the peer's messages, pings and pongs for a case. It may act on them, and
// determines the verdict on the case's behavior.
type goal interface {
	begin()
	message(binary bool, p []byte) // does not retain p
	event(Event)
	verdict() (v Verdict, why string)
}

func newGoal(s *session) goal {
	switch {
	case s.cs.Exchange != nil:
		return &exchange{s: s, Exchange: s.cs.Exchange}
	case s.cs.Expect != nil:
		return &outcomes{s: s}
	}
	return &echo{s: s}
}

// outcomes is the goal of a case with a list of outcomes.
type outcomes struct{ s *session }

func (o *outcomes) begin() {}

func (o *outcomes) message(binary bool, p []byte) {
	o.event(Event{Kind: MessageEvent, Binary: binary, Payload: string(p)})
}

// event adds an event, and closes the connection when the events equal those of every
// outcome.
func (o *outcomes) event(e Event) {
	s := o.s
	s.res.Received = append(s.res.Received, e)
	for _, outcome := range s.cs.Expect {
		if !slices.Equal(outcome.Events, s.res.Received) {
			return
		}
	}
	if s.cs.Close.BySuite && !s.cs.Close.NotAutomatic {
		s.close(s.cs.Close.Codes[0], "")
	}
}

func (o *outcomes) verdict() (Verdict, string) {
	for _, outcome := range o.s.cs.Expect {
		if slices.Equal(outcome.Events, o.s.res.Received) {
			return outcome.Verdict, "the events are as expected"
		}
	}
	return Failed, "the events match no expected outcome"
}

// echo is the goal of a case whose first step is a message to be echoed.
type echo struct {
	s     *session
	wrong string
}

func (e *echo) begin() {}

func (e *echo) message(binary bool, p []byte) {
	first := e.s.cs.Steps[0]
	switch {
	case e.s.res.Echoes > 0:
		e.wrong = "the peer echoed the message twice"
	case binary != (first.Opcode == Binary):
		e.wrong = "the echo has another type"
	case len(p) != first.Payload.Length:
		e.wrong = fmt.Sprintf("the echo has %d bytes, want %d", len(p), first.Payload.Length)
	default:
		e.s.res.Echoes++
	}
	e.s.close(e.s.cs.Close.Codes[0], "")
}

// event does nothing: a peer may send pings and pongs at any time (RFC 6455 section
// 5.5).
func (e *echo) event(Event) {}

func (e *echo) verdict() (Verdict, string) {
	switch {
	case e.wrong != "":
		return Failed, e.wrong
	case e.s.res.Echoes == 0:
		return Failed, "the peer did not echo the message"
	}
	return OK, "the peer echoed the message"
}

// exchange is the goal of a case that sends messages one after another.
type exchange struct {
	s *session
	*Exchange
	corpus   []byte
	at       int // offset of the next message in corpus
	sent     []byte
	deflated []byte
	wrong    string
}

func (x *exchange) begin() {
	s := x.s
	if x.Deflate != nil && s.deflate == nil {
		s.close(s.cs.Close.Codes[0], "")
		return
	}
	if x.Unit != "" {
		x.sent = Payload{x.Unit, x.Length}.Bytes()
	} else if x.Corpus != "" {
		x.corpus = x.Corpus.Bytes()
	}
	s.after(x.Timeout, func() {
		if s.open() {
			x.fail("the peer did not echo all messages in time")
		}
	})
	x.next()
}

// next sends a message.
func (x *exchange) next() {
	if x.corpus != nil {
		x.sent = x.sent[:0]
		for len(x.sent) < x.Length {
			piece := x.corpus[x.at:min(len(x.corpus), x.at+x.Length-len(x.sent))]
			x.sent = append(x.sent, piece...)
			x.at = (x.at + len(piece)) % len(x.corpus)
		}
	}
	opcode := Text
	if x.Binary {
		opcode = Binary
	}
	if x.s.deflate == nil {
		x.s.message(0, opcode, x.sent, x.Fragment)
		return
	}
	x.deflated = x.s.deflate.deflater.message(x.deflated[:0], x.sent)
	x.s.message(rsv1, opcode, x.deflated, x.Fragment)
}

func (x *exchange) message(binary bool, p []byte) {
	s := x.s
	switch {
	case x.wrong != "" || s.sentClose:
		return
	case binary != x.Binary:
		x.fail("the echo of message %d has another type", s.res.Echoes+1)
	case len(p) != len(x.sent):
		x.fail("the echo of message %d has %d bytes, want %d", s.res.Echoes+1, len(p), len(x.sent))
	case x.Deflate != nil && !bytes.Equal(p, x.sent):
		x.fail("the echo of message %d has other bytes", s.res.Echoes+1)
	default:
		s.res.Echoes++
		if s.res.Echoes < s.opts.messages(x.Exchange) {
			x.next()
			return
		}
		s.close(s.cs.Close.Codes[0], "")
	}
}

// event does nothing: a peer may send pings and pongs at any time (RFC 6455 section
// 5.5).
func (x *exchange) event(Event) {}

func (x *exchange) fail(format string, args ...any) {
	x.wrong = fmt.Sprintf(format, args...)
	x.s.log.note("%s: closing", x.wrong)
	x.s.close(x.s.cs.Close.Codes[0], "")
}

func (x *exchange) verdict() (Verdict, string) {
	want := x.s.opts.messages(x.Exchange)
	switch {
	case x.Deflate != nil && x.s.deflate == nil:
		return Unimplemented, "the peer did not agree to permessage-deflate"
	case x.wrong != "":
		return Failed, x.wrong
	case x.s.res.Echoes < want:
		return Failed, fmt.Sprintf("the peer echoed %d of %d messages", x.s.res.Echoes, want)
	}
	return OK, fmt.Sprintf("the peer echoed %d messages", want)
}

// judge sets the verdicts at the end of the connection.
func (s *session) judge() {
	r, want := s.res, s.cs.Close
	codeWrong := r.RemoteCode != NoCode && !slices.Contains(want.Codes, r.RemoteCode)
	sideWrong := s.wrongSide()

	r.Behavior, r.Why = s.goal.verdict()
	switch {
	case r.Behavior == Unimplemented:
	case s.violation != nil:
		r.Behavior, r.Why = Failed, s.violation.Error()
	case want.WrongCodeFails && codeWrong:
		r.Behavior, r.Why = Failed, fmt.Sprintf("the peer's close frame has code %d", r.RemoteCode)
	case want.WrongSideFails && sideWrong:
		r.Behavior, r.Why = Failed, "the wrong side ended the connection"
	case s.cs.FramesSent != 0 && s.frames != s.cs.FramesSent && r.Behavior == OK:
		r.Behavior, r.Why = Failed, fmt.Sprintf("the suite sent %d frames, want %d", s.frames, s.cs.FramesSent)
	}

	switch {
	case sideWrong:
		r.BehaviorClose, r.WhyClose = Failed, "the wrong side ended the connection"
	case want.Clean && !r.Clean:
		r.BehaviorClose, r.WhyClose = Unclean, "the closing handshake was not completed"
	case codeWrong:
		r.BehaviorClose, r.WhyClose = WrongCode, fmt.Sprintf("the peer's close frame has code %d", r.RemoteCode)
	case r.Role == ServerRole && r.DroppedBySuite:
		r.BehaviorClose, r.WhyClose = FailedByClient, "the server did not close TCP"
	default:
		r.BehaviorClose, r.WhyClose = OK, "the connection ended as expected"
	}
	if s.cs.Informational {
		r.Why += " (" + string(r.Behavior) + " if it were judged)"
		r.Behavior, r.BehaviorClose = Informational, Informational
	}
}

// wrongSide reports whether the suite ended the connection in place of the peer, or the
// reverse. A side that closes TCP because no close frame was sent counts as having
// ended the connection.
func (s *session) wrongSide() bool {
	r := s.res
	if r.ClosedBySuite != s.cs.Close.BySuite {
		return true
	}
	return r.DroppedBySuite && !s.sentClose && !s.gotClose
}
