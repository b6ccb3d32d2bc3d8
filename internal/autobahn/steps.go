package autobahn

import "time"

// What the tables of cases are written with: first steps, then what comes back,
// then how connections end.

// rawFrame is a frame that is a message's first and last. Methods change it.
func rawFrame(opcode Opcode, p string) Step {
	return Step{Do: SendFrame, Opcode: opcode, Fin: true, Payload: payload(p)}
}

func textFrame(p string) Step    { return rawFrame(Text, p) }
func binaryFrame(p string) Step  { return rawFrame(Binary, p) }
func continuation(p string) Step { return rawFrame(Continuation, p) }
func pingFrame(p string) Step    { return rawFrame(Ping, p) }
func pongFrame(p string) Step    { return rawFrame(Pong, p) }

// more says that it is not the last frame of the message.
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

// sync writes the frame on its own.
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

// message is a whole message, in one frame if it is not fragmented.
func message(opcode Opcode, p string) Step {
	return Step{Do: SendMessage, Opcode: opcode, Payload: payload(p)}
}

func textMessage(p string) Step { return message(Text, p) }

// beginText is the header of a text message's first frame, of n bytes.
func beginText(n int) Step {
	return Step{Do: BeginFrame, Opcode: Text, Payload: Payload{Length: n}}
}

// frameBytes are bytes of the frame that was begun.
func frameBytes(p string) Step { return Step{Do: FrameBytes, Payload: payload(p)} }

// endMessage is an empty last frame.
func endMessage() Step { return Step{Do: EndMessage} }

// closeFrame is a close frame, right or wrong.
func closeFrame(code int, reason string) Step {
	return Step{Do: SendClose, Code: code, Reason: reason}
}

// wait lets d pass.
func wait(d time.Duration) Step { return Step{Do: Wait, After: d} }

// tagged makes an event of a wait that the connection outlives.
func (s Step) tagged(tag string) Step {
	s.Tag = tag
	return s
}

// closeAfter closes when the case is not over after d.
func closeAfter(d time.Duration) Step { return Step{Do: CloseAfter, Code: 1000, After: d} }

// dropAfter drops TCP when the case is not over after d.
func dropAfter(d time.Duration) Step { return Step{Do: DropTCPAfter, After: d} }

func gotText(p string) Event      { return Event{Kind: MessageEvent, Payload: p} }
func gotPong(p string) Event      { return Event{Kind: PongEvent, Payload: p} }
func gotTimeout(tag string) Event { return Event{Kind: TimeoutEvent, Tag: tag} }

// ok is the outcome of who does it right.
func ok(events ...Event) Outcome { return Outcome{OK, events} }

// nonStrict is the outcome of who breaks no rule, and could do better.
func nonStrict(events ...Event) Outcome { return Outcome{NonStrict, events} }

// closedBySuite is the end of a connection on which all was right.
func closedBySuite() Closing {
	return Closing{BySuite: true, Codes: []int{1000}, Clean: true}
}

// failedByPeer is the end of a connection on which the suite broke a rule. The
// peer names it, if it sends a code.
func failedByPeer(code int) Closing { return Closing{Codes: []int{code}} }

// echoed is a case of one message, a frame or more, that has to come back.
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
