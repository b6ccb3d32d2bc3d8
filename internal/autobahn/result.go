package autobahn

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// A Role is the role of the implementation under test. The suite has the other one.
type Role string

// Roles.
const (
	ServerRole Role = "server"
	ClientRole Role = "client"
)

// A Result is the result of a case.
type Result struct {
	Case  *Case
	Agent string // a name for the implementation under test
	Role  Role   // its role

	Behavior      Verdict
	BehaviorClose Verdict
	Why, WhyClose string // for readers of reports

	Started  time.Time
	Duration time.Duration

	// Request and Response are the opening handshake, "" if it did not get that far.
	Request, Response string

	Received []Event // the events, in cases with Case.Expect
	Echoes   int     // correct echoes, in other cases

	ClosedBySuite  bool // the suite sent the first close frame
	DroppedBySuite bool // the suite closed TCP in place of the peer
	FailedBySuite  bool // the suite detected a violation by the peer
	Clean          bool // both sent a close frame
	CloseTimeout   bool // no close frame arrived in time
	DropTimeout    bool // the server did not close TCP in time
	OpenTimeout    bool // the opening handshake timed out

	LocalCode    int // of the suite's close frame; NoCode if none
	LocalReason  string
	RemoteCode   int // of the peer's close frame
	RemoteReason string

	Log []Entry // from the open connection on

	// Frames and payload bytes sent and received, by opcode.
	Sent, Got map[Opcode]Traffic
}

// Traffic counts frames.
type Traffic struct {
	Frames int
	Bytes  int64 // of payload
}

// An Entry is a line of a case's wire log.
type Entry struct {
	At   time.Duration // since Result.Started
	Kind EntryKind

	// For frames sent or received.
	Fin    bool
	RSV    byte
	Opcode Opcode
	Masked bool
	Key    [4]byte
	Length int    // of the payload
	Head   []byte // the logged part of the unmasked payload
	Chop   int    // bytes per write; 0: all
	Sync   bool

	Text string // for notes
}

// An EntryKind is the kind of an [Entry].
type EntryKind int

// Kinds of entries.
const (
	SentFrame EntryKind = iota
	ReceivedFrame
	SentPart // bytes of a frame in progress
	Note     // a timer, the end of TCP, or a violation
)

// Limits of the log.
const (
	maxLogHead    = 200 // first entries
	maxLogTail    = 50  // last entries
	maxLogPayload = 256 // bytes of a payload
)

// Passed reports whether both verdicts are OK, or the case is informational. NON-STRICT
// and UNIMPLEMENTED have not passed.
func (r *Result) Passed() bool {
	return r.Behavior == OK && r.BehaviorClose == OK || r.Behavior == Informational
}

// String returns all data of the result, to find the cause of a failure: the sent frames,
// expected and received, frame by frame.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "case %s, %s as %s: %s, closing %s\n", r.Case.ID, r.Agent, r.Role, r.Behavior, r.BehaviorClose)
	fmt.Fprintf(&b, "  %s\n", r.Case.Description)
	for _, why := range []string{r.Why, r.WhyClose} {
		if why != "" {
			fmt.Fprintf(&b, "  %s\n", why)
		}
	}
	for _, outcome := range r.Case.Expect {
		fmt.Fprintf(&b, "expected, %s: %s\n", outcome.Verdict, FormatEvents(outcome.Events))
	}
	if len(r.Case.Expect) > 0 {
		fmt.Fprintf(&b, "received: %s\n", FormatEvents(r.Received))
	} else {
		fmt.Fprintf(&b, "right echoes: %d\n", r.Echoes)
	}
	closer := "the peer"
	if r.Case.Close.BySuite {
		closer = "the suite"
	}
	fmt.Fprintf(&b, "closing expected: by %s, peer's code one of %v or none, clean %t\n", closer, r.Case.Close.Codes, r.Case.Close.Clean)
	fmt.Fprintf(&b, "closing seen: by suite %t, peer's code %s, clean %t, TCP dropped by suite %t\n", r.ClosedBySuite, codeString(r.RemoteCode), r.Clean, r.DroppedBySuite)
	for _, e := range r.Log {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	return b.String()
}

func codeString(code int) string {
	if code == NoCode {
		return "none"
	}
	return fmt.Sprint(code)
}

// FormatEvents describes events in one line.
func FormatEvents(events []Event) string {
	if len(events) == 0 {
		return "nothing"
	}
	var s []string
	for _, e := range events {
		s = append(s, e.String())
	}
	return strings.Join(s, ", ")
}

// String describes the event in a few words.
func (e Event) String() string {
	switch e.Kind {
	case MessageEvent:
		typ := "text"
		if e.Binary {
			typ = "binary"
		}
		return fmt.Sprintf("%s message %s", typ, excerpt([]byte(e.Payload), len(e.Payload)))
	case TimeoutEvent:
		return "timeout " + e.Tag
	}
	return fmt.Sprintf("%s %s", e.Kind, excerpt([]byte(e.Payload), len(e.Payload)))
}

// String describes the entry in one line.
func (e Entry) String() string {
	at := fmt.Sprintf("%9.3f ms ", float64(e.At)/float64(time.Millisecond))
	switch e.Kind {
	case Note:
		return at + "     " + e.Text
	case SentPart:
		return at + "sent part of a frame " + excerpt(e.Head, e.Length)
	}
	var b strings.Builder
	b.WriteString(at)
	if e.Kind == SentFrame {
		b.WriteString("sent ")
	} else {
		b.WriteString("got  ")
	}
	b.WriteString(e.Opcode.String())
	if e.Fin {
		b.WriteString(" fin")
	}
	if e.RSV != 0 {
		fmt.Fprintf(&b, " rsv %03b", e.RSV)
	}
	if e.Masked {
		fmt.Fprintf(&b, " mask %x", e.Key)
	}
	if e.Chop > 0 {
		fmt.Fprintf(&b, " in pieces of %d", e.Chop)
	}
	fmt.Fprintf(&b, " %s", excerpt(e.Head, e.Length))
	return b.String()
}

// excerpt describes a payload of n bytes that begins with head: as text if it is text,
// in hex otherwise.
func excerpt(head []byte, n int) string {
	const longest = 60
	cut := head[:min(len(head), longest)]
	more := ""
	if len(cut) < n {
		more = "…"
	}
	if n == 0 {
		return "[0]"
	}
	if utf8.Valid(cut) && !strings.ContainsFunc(string(cut), func(r rune) bool { return r < ' ' }) {
		return fmt.Sprintf("[%d] %q%s", n, cut, more)
	}
	return fmt.Sprintf("[%d] %x%s", n, cut, more)
}
