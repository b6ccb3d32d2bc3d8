package autobahn

import "time"

// habits are the deviations of an echoPeer. Without any, it is a correct and simple
// implementation.
type habits struct {
	tolerates []rule // rules whose violation it does not detect
	checks    textCheck
	fails     failing
	closes    closing
	pongs     ponging

	// late is the delay before it sends a message, lateOnce before its first message,
	// latePong before a pong, lateClose before its close frame.
	late, lateOnce, latePong, lateClose time.Duration

	// echoes returns the messages to send in place of an echo.
	echoes func(m echoMessage) []echoMessage

	// frames returns the frames to send in place of a frame.
	frames func(f peerFrame) []peerFrame

	// greets are frames sent as soon as the connection is open.
	greets []peerFrame

	fragment  int  // of its echoes, in bytes; 0: one frame
	piecewise bool // treats each frame as a message
	losesLast bool // omits the last frame of each message
	deaf      bool // reads nothing after the handshake

	opening
	compressing
}

// A rule is a protocol rule that the suite violates.
type rule int

const (
	ruleRSV rule = iota
	ruleOpcode
	ruleMask
	ruleControlFin
	ruleControlLength
	ruleContinuation
	ruleNested
	ruleHalfCode
	ruleCode
	ruleReason
	ruleUTF8
)

func (r rule) Error() string { return "the suite breaks a rule" }

// code returns the close code for a violation of r.
func (r rule) code() int {
	if r == ruleUTF8 || r == ruleReason {
		return 1007
	}
	return 1002
}

// textCheck is when the peer checks text for valid UTF-8.
type textCheck int

const (
	checksBytes    textCheck = iota // as bytes arrive
	checksFrames                    // at the end of each frame
	checksMessages                  // at the end of the message
	checksNothing
)

// failing is how the peer ends a connection after a violation.
type failing int

const (
	failsByFrame failing = iota // with a close frame
	failsByTCP
	failsLate
	failsNever // stops without ending the connection
)

// closing is the peer's reaction to a close frame.
type closing int

const (
	closesAtOnce      closing = iota // a close frame; a server then closes TCP
	closesTCPOnly                    // no close frame
	closesNever                      // no reaction
	closesWhenQuiet                  // a close frame after it has handled the frames after the received one
	goesOnBehindClose                // handles these frames after its own close frame
	leavesTCPOpen                    // a server that does not close TCP after the close frames
	closesFirst                      // closes by itself: in place of its first echo
	dropsTCPFirst                    // after its first echo
	dropsTCPInFrame                  // inside its first echo
)

// ponging is when the peer answers pings.
type ponging int

const (
	pongsAtOnce ponging = iota
	pongsNever
	pongsToLast        // only the last ping, when nothing more arrives
	pongsBehindMessage // after the echo of the message in progress
	pongsLate          // after lateBy
)

// Delays between frames, different from those in the cases.
const (
	moment = 10 * time.Millisecond
	lateBy = 1700 * time.Millisecond
)

// An echoMessage is a received message, or its echo.
type echoMessage struct {
	binary  bool
	payload []byte
}

// A peerFrame is a frame that the peer sends.
type peerFrame struct {
	header
	payload []byte
	long    bool // the length has 8 bytes
}
