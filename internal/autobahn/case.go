package autobahn

import "time"

// A Case is one test: what the suite sends, and what has to come back.
type Case struct {
	ID          string // as "6.4.1"
	Description string // what is sent, and what is right

	// Steps are what the suite does once the connection is open.
	Steps []Step

	// Expect has the outcomes that are known, best first. What came equals
	// one of them, or the case has failed. Without outcomes and without
	// Exchange, the first step is a message that has to come back once, with
	// the same type and length.
	Expect []Outcome

	// Exchange takes the place of Steps and Expect.
	Exchange *Exchange

	// Close is how the connection has to end.
	Close Closing

	// Informational cases are run, and not judged: RFC 6455 leaves open what
	// is right.
	Informational bool

	// FramesSent is how many frames the suite has to have sent when the case
	// is over, with its close frame. It checks the suite. Zero: not checked.
	FramesSent int
}

// An Outcome is what came back when an implementation behaves in one way.
type Outcome struct {
	Verdict Verdict // OK or NonStrict
	Events  []Event // in this order, and no others
}

// An Event is something that the suite saw happen.
type Event struct {
	Kind    EventKind
	Binary  bool   // of a message
	Payload string // of a message, ping or pong
	Tag     string // of a timeout
}

// An EventKind says what happened.
type EventKind string

// What happens to the suite. A close frame is no event: [Closing] is about it.
const (
	MessageEvent EventKind = "message"
	PingEvent    EventKind = "ping"
	PongEvent    EventKind = "pong"
	TimeoutEvent EventKind = "timeout" // a wait was over, the connection open
)

// Closing says how a connection has to end.
type Closing struct {
	// BySuite says that the suite has to be who sends the first close frame.
	BySuite bool

	// Codes are those that the peer's close frame may have. It may always
	// have none. The suite closes with the first.
	Codes []int

	// Clean demands that both sides have sent a close frame.
	Clean bool

	// WrongSideFails makes the case fail, and not just its closing, when the
	// wrong side closed; WrongCodeFails when the code is not in Codes.
	WrongSideFails, WrongCodeFails bool

	// NotAutomatic keeps the suite from closing as soon as it has got what
	// it expects.
	NotAutomatic bool
}

// A Step is something that the suite does.
type Step struct {
	Do Action

	// Of frames and messages.
	Opcode  Opcode // Text or Binary for a message
	Fin     bool
	RSV     byte // rsv1, rsv2, rsv3
	Payload Payload

	// Chop writes a frame in pieces of this many bytes. Sync makes sure that
	// the frame is written on its own.
	Chop int
	Sync bool

	// Fragment splits a message into frames of this many bytes. As in the
	// original suite, one that divides without rest ends with an empty frame,
	// unless it fits into one frame.
	Fragment int

	// Of close frames. NoCode leaves the code out.
	Code   int
	Reason string

	// Of waits and timers.
	After time.Duration
	Tag   string
}

// NoCode is the code of a close frame that has none.
const NoCode = -1

// An Action is what a [Step] does.
type Action int

// Actions. SendFrame, SendMessage and the parts of a frame do not wait for the
// peer.
const (
	SendFrame    Action = iota // one frame, right or wrong
	SendMessage                // a message, in one or more frames
	BeginFrame                 // the header of a first frame of len(Payload) bytes
	FrameBytes                 // bytes of the frame that was begun
	EndMessage                 // an empty last frame
	SendClose                  // a close frame, right or wrong
	Wait                       // what follows happens After, if the connection is still open
	CloseAfter                 // a timer: close, unless the case is over
	DropTCPAfter               // a timer: drop TCP, unless the case is over
)

// A Payload is a unit repeated, and cut, to a length. Long ones are made when
// they are sent.
type Payload struct {
	Unit   string
	Length int
}

// payload returns a Payload of just s.
func payload(s string) Payload { return Payload{s, len(s)} }

// Bytes returns the payload. It is the caller's.
func (p Payload) Bytes() []byte {
	b := make([]byte, 0, p.Length)
	for len(b) < p.Length {
		b = append(b, p.Unit[:min(len(p.Unit), p.Length-len(b))]...)
	}
	return b
}

// String returns the payload.
func (p Payload) String() string {
	if p.Length == len(p.Unit) {
		return p.Unit
	}
	return string(p.Bytes())
}

// An Exchange sends a message, waits until it is back, and sends the next.
type Exchange struct {
	Binary   bool
	Length   int // bytes of a message
	Fragment int // as Step.Fragment
	Messages int
	Timeout  time.Duration // for all of it

	// Unit, repeated, is every message's content. When it is "", messages are
	// successive pieces of Corpus, which begins again behind its end.
	Unit   string
	Corpus Corpus

	// Deflate compresses the messages. An implementation that does not agree
	// on permessage-deflate has not implemented the case.
	Deflate *Deflate
}

// Deflate is what the suite asks of permessage-deflate (RFC 7692).
type Deflate struct {
	// Offers are what it offers as a client, best first.
	Offers []Offer

	// Accepts are what it asks of a client when it is the server. It takes the
	// first that the client's offers allow.
	Accepts []Accept

	// Named demands of a server's answer that it names what it was asked for,
	// or less (RFC 7692 sections 7.1.1.1 and 7.1.2.1). The original suite takes
	// any answer for consent.
	Named bool
}

// An Offer is one that the suite makes as a client, always with a
// client_max_window_bits that leaves the size to the server, and with
// client_no_context_takeover, which tells the server that it may ask for that.
type Offer struct {
	ServerMaxWindowBits     int // zero: not in the offer
	ServerNoContextTakeover bool
}

// An Accept is what the suite, as a server, asks of a client.
type Accept struct {
	ClientMaxWindowBits     int // zero: not in the answer
	ClientNoContextTakeover bool

	// What the suite promises of its own messages, beyond what it was asked
	// for (RFC 7692 sections 7.1.1.1 and 7.1.2.1).
	ServerMaxWindowBits     int // zero: nothing
	ServerNoContextTakeover bool
}

// A Verdict is the suite's judgement of a case, or of its closing.
type Verdict string

// Verdicts, with the names that the original suite's reports have for them.
const (
	OK            Verdict = "OK"
	NonStrict     Verdict = "NON-STRICT"
	Informational Verdict = "INFORMATIONAL"
	Unimplemented Verdict = "UNIMPLEMENTED"
	Failed        Verdict = "FAILED"

	// Of closings only.
	Unclean        Verdict = "UNCLEAN"
	WrongCode      Verdict = "WRONG CODE"
	FailedByClient Verdict = "FAILED BY CLIENT"
)
