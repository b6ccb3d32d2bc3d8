package autobahn

import "time"

// Constructors for the tables of cases: steps, then events, then closings.

// rawFrame returns a frame that is a whole message. Methods change it.
func rawFrame(opcode Opcode, p string) Step {
	return Step{Do: SendFrame, Opcode: opcode, Fin: true, Payload: payload(p)}
}

func textFrame(p string) Step    { return rawFrame(Text, p) }
func binaryFrame(p string) Step  { return rawFrame(Binary, p) }
func continuation(p string) Step { return rawFrame(Continuation, p) }
func pingFrame(p string) Step    { return rawFrame(Ping, p) }
func pongFrame(p string) Step    { return rawFrame(Pong, p) }

// more clears the FIN bit.
func (s Step) more() Step {
	s.Fin = false
	return s
}

// reserved sets reserved bits of the frame.
func (s Step) reserved(bits byte) Step {
	s.RSV = bits
	return s
}

// chopped writes the frame in pieces of n bytes.
func (s Step) chopped(n int) Step {
	s.Chop = n
	return s
}

// sync writes the frame separately.
func (s Step) sync() Step {
	s.Sync = true
	return s
}

// long repeats the payload until it has n bytes.
func (s Step) long(n int) Step {
	s.Payload.Length = n
	return s
}

// fragmented splits the message into frames of n bytes.
func (s Step) fragmented(n int) Step {
	s.Fragment = n
	return s
}

// message returns a whole message, in one frame unless it is fragmented.
func message(opcode Opcode, p string) Step {
	return Step{Do: SendMessage, Opcode: opcode, Payload: payload(p)}
}

func textMessage(p string) Step { return message(Text, p) }

// beginText returns the header of a text message's first frame, of n bytes.
func beginText(n int) Step {
	return Step{Do: BeginFrame, Opcode: Text, Payload: Payload{Length: n}}
}

// frameBytes returns bytes of the frame in progress.
func frameBytes(p string) Step { return Step{Do: FrameBytes, Payload: payload(p)} }

// endMessage returns an empty final frame.
func endMessage() Step { return Step{Do: EndMessage} }

// closeFrame returns a close frame, valid or not.
func closeFrame(code int, reason string) Step {
	return Step{Do: SendClose, Code: code, Reason: reason}
}

// wait waits for d.
func wait(d time.Duration) Step { return Step{Do: Wait, After: d} }

// tagged adds an event if the connection is still open after the wait.
func (s Step) tagged(tag string) Step {
	s.Tag = tag
	return s
}

// closeAfter closes the connection if the case has not ended after d.
func closeAfter(d time.Duration) Step { return Step{Do: CloseAfter, Code: 1000, After: d} }

// dropAfter closes TCP if the case has not ended after d.
func dropAfter(d time.Duration) Step { return Step{Do: DropTCPAfter, After: d} }

func gotText(p string) Event      { return Event{Kind: MessageEvent, Payload: p} }
func gotPong(p string) Event      { return Event{Kind: PongEvent, Payload: p} }
func gotTimeout(tag string) Event { return Event{Kind: TimeoutEvent, Tag: tag} }

// ok is the outcome of correct behavior.
func ok(events ...Event) Outcome { return Outcome{OK, events} }

// nonStrict is the outcome of behavior that violates no rule, but is not the best.
func nonStrict(events ...Event) Outcome { return Outcome{NonStrict, events} }

// closedBySuite is the closing of a connection without violations.
func closedBySuite() Closing {
	return Closing{BySuite: true, Codes: []int{1000}, Clean: true}
}

// failedByPeer is the closing after a violation by the suite. If the peer sends a code,
// it is this one.
func failedByPeer(code int) Closing { return Closing{Codes: []int{code}} }

// echoed returns a case of one message, in one or more frames, that must be echoed.
func echoed(id, description string, sent, timer Step) *Case {
	back := gotText(sent.Payload.String())
	back.Binary = sent.Opcode == Binary
	return &Case{
		ID:          id,
		Description: description,
		Steps:       []Step{sent, timer},
		Expect:      []Outcome{ok(back)},
		Close:       closedBySuite(),
	}
}
