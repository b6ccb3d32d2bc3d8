package autobahn

import "time"

// A Case is one test: the frames that the suite sends, and the expected response.
type Case struct {
	ID          string // for example "6.4.1"
	Description string // the frames sent, and the correct response

	// Steps are performed after the opening handshake.
	Steps []Step

	// Expect has the accepted outcomes, best first. A case fails if the events equal
	// none of them. Without outcomes and without Exchange, the first step is a message
	// that must be echoed once, with the same type and length.
	Expect []Outcome

	// Exchange replaces Steps and Expect.
	Exchange *Exchange

	// Close is the required end of the connection.
	Close Closing

	// Informational cases are run, but not judged: RFC 6455 does not define the correct
	// response.
	Informational bool

	// FramesSent is the number of frames that the suite must have sent at the end of
	// the case, including the close frame. It checks the suite itself. Zero: not
	// checked.
	FramesSent int
}

// An Outcome is the list of events for one behavior of an implementation.
type Outcome struct {
	Verdict Verdict // OK or NonStrict
	Events  []Event // all of them, in this order
}

// An Event is an observation of the suite.
type Event struct {
	Kind    EventKind
	Binary  bool   // of a message
	Payload string // of a message, ping or pong
	Tag     string // of a timeout
}

// An EventKind is the kind of an [Event].
type EventKind string

// Kinds of events. A close frame is not an event; [Closing] describes it.
const (
	MessageEvent EventKind = "message"
	PingEvent    EventKind = "ping"
	PongEvent    EventKind = "pong"
	TimeoutEvent EventKind = "timeout" // a wait ended with the connection open
)

// Closing is the required end of a connection.
type Closing struct {
	// BySuite requires the suite to send the first close frame.
	BySuite bool

	// Codes are the accepted codes of the peer's close frame. It may always have none.
	// The suite sends the first one.
	Codes []int

	// Clean requires a close frame from both sides.
	Clean bool

	// WrongSideFails makes the case fail, and not only its closing, if the wrong side
	// closed; WrongCodeFails if the code is not in Codes.
	WrongSideFails, WrongCodeFails bool

	// NotAutomatic prevents the suite from closing as soon as it has received the
	// expected events.
	NotAutomatic bool
}

// A Step is one action of the suite.
type Step struct {
	Do Action

	// For frames and messages.
	Opcode  Opcode // Text or Binary for a message
	Fin     bool
	RSV     byte // rsv1, rsv2, rsv3
	Payload Payload

	// Chop writes a frame in pieces of this many bytes. Sync writes the frame
	// separately from others.
	Chop int
	Sync bool

	// Fragment splits a message into frames of this many bytes. As in the original
	// suite, a message of a multiple of Fragment bytes ends with an empty frame, unless
	// it fits into one frame.
	Fragment int

	// For close frames. NoCode omits the code.
	Code   int
	Reason string

	// For waits and timers.
	After time.Duration
	Tag   string
}

// NoCode is the code of a close frame without one.
const NoCode = -1

// An Action is the kind of a [Step].
type Action int

// Actions. SendFrame, SendMessage and the parts of a frame do not wait for the peer.
const (
	SendFrame    Action = iota // one frame, valid or not
	SendMessage                // a message, in one or more frames
	BeginFrame                 // the header of a first frame with len(Payload) bytes
	FrameBytes                 // bytes of the frame in progress
	EndMessage                 // an empty final frame
	SendClose                  // a close frame, valid or not
	Wait                       // continue After this time, if the connection is still open
	CloseAfter                 // a timer: close, unless the case has ended
	DropTCPAfter               // a timer: close TCP, unless the case has ended
)

// A Payload is a unit repeated, and cut, to a length. Long payloads are built when they
// are sent.
type Payload struct {
	Unit   string
	Length int
}

// payload returns the Payload s.
func payload(s string) Payload { return Payload{s, len(s)} }

// Bytes returns a new slice with the payload.
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

// An Exchange sends a message, waits for its echo, and sends the next one.
type Exchange struct {
	Binary   bool
	Length   int // bytes per message
	Fragment int // as Step.Fragment
	Messages int
	Timeout  time.Duration // for the whole exchange

	// Unit, repeated, is the content of every message. If it is "", messages are
	// successive pieces of Corpus, repeated.
	Unit   string
	Corpus Corpus

	// Deflate compresses the messages. If an implementation does not negotiate
	// permessage-deflate, the verdict is UNIMPLEMENTED.
	Deflate *Deflate
}

// Deflate is the suite's negotiation of permessage-deflate (RFC 7692).
type Deflate struct {
	// Offers are sent by the suite as a client, in order of preference.
	Offers []Offer

	// Accepts are the suite's choices as a server. It uses the first one that the
	// client's offers allow.
	Accepts []Accept

	// Named requires that a server's response has the offered server parameters, with
	// values not above the offered ones (RFC 7692 sections 7.1.1.1 and 7.1.2.1). The
	// original suite accepts any response.
	Named bool
}

// An Offer is an offer of the suite as a client. It always has client_max_window_bits
// without a value and client_no_context_takeover, so the server may set both in its
// response.
type Offer struct {
	ServerMaxWindowBits     int // zero: not offered
	ServerNoContextTakeover bool
}

// An Accept is a response of the suite as a server.
type Accept struct {
	ClientMaxWindowBits     int // zero: not in the response
	ClientNoContextTakeover bool

	// Limits that the suite declares for its own messages (RFC 7692 sections 7.1.1.1
	// and 7.1.2.1).
	ServerMaxWindowBits     int // zero: not in the response
	ServerNoContextTakeover bool
}

// A Verdict is the judgement of a case, or of its closing.
type Verdict string

// Verdicts, with their names in the original suite's reports.
const (
	OK            Verdict = "OK"
	NonStrict     Verdict = "NON-STRICT"
	Informational Verdict = "INFORMATIONAL"
	Unimplemented Verdict = "UNIMPLEMENTED"
	Failed        Verdict = "FAILED"

	// For closings only.
	Unclean        Verdict = "UNCLEAN"
	WrongCode      Verdict = "WRONG CODE"
	FailedByClient Verdict = "FAILED BY CLIENT"
)
