package autobahn

import "time"

// habits are what is peculiar about an echoPeer. Without any it is right, in the
// plainest way.
type habits struct {
	tolerates []rule // of the suite's, that it doesn't see broken
	checks    textCheck
	fails     failing
	closes    closing
	pongs     ponging

	// late is how long it waits before it sends a message, lateOnce before
	// its first, latePong a pong, lateClose its close frame.
	late, lateOnce, latePong, lateClose time.Duration

	// echoes returns the messages that it sends in place of an echo.
	echoes func(m echoMessage) []echoMessage

	// frames returns what it sends in place of a frame.
	frames func(f peerFrame) []peerFrame

	// greets are frames that it sends as soon as the connection is open.
	greets []peerFrame

	fragment  int  // of its echoes, in bytes; 0: one frame
	piecewise bool // it takes each frame for a message
	losesLast bool // of each message the last frame
	deaf      bool // it reads nothing but the handshake

	opening
	compressing
}

// A rule is one that the suite breaks.
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

// code is that of the close frame that tells it.
func (r rule) code() int {
	if r == ruleUTF8 || r == ruleReason {
		return 1007
	}
	return 1002
}

// textCheck says when the peer looks at text whether it is UTF-8.
type textCheck int

const (
	checksBytes    textCheck = iota // as they come
	checksFrames                    // when a frame is complete
	checksMessages                  // when the message is complete
	checksNothing
)

// failing says how the peer ends a connection when the suite breaks a rule.
type failing int

const (
	failsByFrame failing = iota // with a close frame
	failsByTCP
	failsLate
	failsNever // it just does not go on
)

// closing says what the peer does when a close frame comes.
type closing int

const (
	closesAtOnce      closing = iota // with a close frame; a server then closes TCP
	closesTCPOnly                    // without a close frame
	closesNever                      // as if there had been none
	closesWhenQuiet                  // having done first what the frames behind it ask for
	goesOnBehindClose                // doing that behind its close frame
	leavesTCPOpen                    // a server, after the close frames
	closesFirst                      // it does not wait for it: in place of its first echo
	dropsTCPFirst                    // behind its first echo
	dropsTCPInFrame                  // in its first echo
)

// ponging says when the peer answers pings.
type ponging int

const (
	pongsAtOnce ponging = iota
	pongsNever
	pongsToLast        // when nothing more comes, to the last of them
	pongsBehindMessage // when the message that has begun is back
	pongsLate          // after lateBy
)

// Times that pass between frames, which are none that the cases know.
const (
	moment = 10 * time.Millisecond
	lateBy = 1700 * time.Millisecond
)

// An echoMessage is what came back, or goes back.
type echoMessage struct {
	binary  bool
	payload []byte
}

// A peerFrame is a frame as the peer sends it.
type peerFrame struct {
	header
	payload []byte
	long    bool // the length has 8 bytes, whatever it is
}
