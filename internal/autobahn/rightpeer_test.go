package autobahn

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A rightPeer is a short model of RFC 6455: it processes a case's steps and returns the
// correct response. The agreement of the tables with the model tests both.
type rightPeer struct {
	events []Event
	fails  int  // the close code with which it fails the connection
	closed bool // after a valid close frame of the suite

	opcode  Opcode // of the message in progress, or 0
	message []byte
}

// TestRightPeer checks the expected events of cases, and their closings.
func TestRightPeer(t *testing.T) {
	for _, c := range Cases() {
		if c.Expect == nil || c.Informational {
			continue
		}
		var p rightPeer
		for _, step := range c.Steps {
			if p.fails != 0 || p.closed {
				break
			}
			p.take(step)
		}
		if !slices.Equal(c.Expect[0].Events, p.events) {
			t.Errorf("%s expects %s\nand right is %s", c.ID, FormatEvents(c.Expect[0].Events), FormatEvents(p.events))
		}
		checkClosing(t, c, p)
		checkNonStrict(t, c, p)
	}
}

func checkClosing(t *testing.T, c *Case, p rightPeer) {
	t.Helper()
	bySuite := p.fails == 0 || slices.ContainsFunc(c.Steps, func(s Step) bool { return s.Do == SendClose })
	code := p.fails
	if code == 0 {
		code = 1000
	}
	if c.Close.BySuite != bySuite || c.Close.Clean != (p.fails == 0) || !slices.Contains(c.Close.Codes, code) {
		t.Errorf("%s ends with %+v\nand right is code %d, by the suite %t", c.ID, c.Close, code, bySuite)
	}
}

// checkNonStrict checks that a case has a second outcome if the connection fails after
// an event. A peer that checks the following frames early sends fewer responses, and
// one that checks them late sends more.
func checkNonStrict(t *testing.T, c *Case, p rightPeer) {
	t.Helper()
	if c.Expect[0].Verdict != OK {
		t.Errorf("the first outcome of %s is %s", c.ID, c.Expect[0].Verdict)
	}
	var want []Outcome
	if p.fails != 0 && len(p.events) > 0 {
		want = []Outcome{{Verdict: NonStrict}}
		if p.events[0].Kind == TimeoutEvent {
			want[0].Events = append(p.events[:1:1], Event{Kind: TimeoutEvent, Tag: "B"})
		}
	}
	if !slices.EqualFunc(c.Expect[1:], want, func(a, b Outcome) bool {
		return a.Verdict == b.Verdict && slices.Equal(a.Events, b.Events)
	}) {
		t.Errorf("%s has the other outcomes %v, want %v", c.ID, c.Expect[1:], want)
	}
}

func (p *rightPeer) take(s Step) {
	switch s.Do {
	case SendFrame:
		p.frame(s)
	case SendMessage:
		p.begin(s.Opcode)
		p.bytes(s.Payload.Bytes())
		p.end()
	case BeginFrame:
		p.begin(s.Opcode)
	case FrameBytes:
		p.bytes(s.Payload.Bytes())
	case EndMessage:
		p.end()
	case SendClose:
		p.close(s)
	case Wait:
		if s.Tag != "" {
			p.events = append(p.events, Event{Kind: TimeoutEvent, Tag: s.Tag})
		}
	}
}

// frame implements RFC 6455 sections 5.2 to 5.5.
func (p *rightPeer) frame(s Step) {
	switch {
	case s.RSV != 0:
		p.fails = 1002
	case s.Opcode >= Close && (!s.Fin || s.Payload.Length > 125):
		p.fails = 1002
	case s.Opcode == Ping:
		p.events = append(p.events, Event{Kind: PongEvent, Payload: s.Payload.String()})
	case s.Opcode == Pong:
	case s.Opcode > Binary:
		p.fails = 1002
	case (s.Opcode == Continuation) != (p.opcode != 0):
		p.fails = 1002
	default:
		if s.Opcode != Continuation {
			p.begin(s.Opcode)
		}
		p.bytes(s.Payload.Bytes())
		if s.Fin {
			p.end()
		}
	}
}

func (p *rightPeer) begin(o Opcode) { p.opcode, p.message = o, nil }

// bytes processes a part of a message. Text that cannot become valid UTF-8 fails at
// once.
func (p *rightPeer) bytes(b []byte) {
	p.message = append(p.message, b...)
	if p.opcode == Text && !mayBecomeUTF8(p.message) {
		p.fails = 1007
	}
}

func (p *rightPeer) end() {
	switch {
	case p.fails != 0:
	case p.opcode == Text && !utf8.Valid(p.message):
		p.fails = 1007
	default:
		p.events = append(p.events, Event{Kind: MessageEvent, Binary: p.opcode == Binary, Payload: string(p.message)})
	}
	p.opcode = 0
}

// close implements RFC 6455 sections 5.5.1 and 7.4.
func (p *rightPeer) close(s Step) {
	switch {
	case s.Code == NoCode && s.Reason != "":
		p.fails = 1002
	case s.Code != NoCode && (!maySend(s.Code) || 2+len(s.Reason) > 125):
		p.fails = 1002
	case !utf8.ValidString(s.Reason):
		p.fails = 1007
	default:
		p.closed = true
	}
}

// maySend reports whether an endpoint may send a close code (RFC 6455 section 7.4).
func maySend(code int) bool {
	switch code {
	case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011:
		return true
	}
	return code >= 3000 && code <= 4999
}

// mayBecomeUTF8 reports whether p is a prefix of valid UTF-8.
func mayBecomeUTF8(p []byte) bool {
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(p)
		}
		p = p[n:]
	}
	return true
}

// TestCloseCodes checks the codes in the cases of group 7: the reply to a valid one has
// the same code.
func TestCloseCodes(t *testing.T) {
	for _, c := range Cases() {
		group := c.Group()
		if !slices.Contains([]string{"7.7", "7.9", "7.13"}, group) {
			continue
		}
		code := c.Steps[0].Code
		if maySend(code) != (group == "7.7") {
			t.Errorf("%s sends code %d", c.ID, code)
		}
		if slices.Contains(c.Close.Codes, code) != (group != "7.9") {
			t.Errorf("%s sends code %d and accepts %v", c.ID, code, c.Close.Codes)
		}
		if c.Informational != (code >= 5000) {
			t.Errorf("%s sends code %d and is informational: %t", c.ID, code, c.Informational)
		}
	}
}

func TestClosingOfGroup7(t *testing.T) {
	for _, c := range Cases() {
		in7 := strings.HasPrefix(c.ID, "7.")
		if c.Close.WrongCodeFails != (in7 && !c.Informational) {
			t.Errorf("%s: a wrong code fails the case: %t", c.ID, c.Close.WrongCodeFails)
		}
		if c.Informational && c.ID != "7.1.6" && c.Group() != "7.13" {
			t.Errorf("%s is informational", c.ID)
		}
	}
}
