package autobahn

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"
	"unicode/utf8"
)

// echoPeer is the implementation under test in the suite's own tests: a peer with the
// deviations of its habits. It serves one connection.
type echoPeer struct {
	habits
	role Role
	conn net.Conn
	r    *bufio.Reader

	deflater *squeezer // nil: compression was not negotiated
	inflater messageInflater

	// The message being received.
	begun      bool // and not complete
	binary     bool
	compressed bool
	message    []byte
	lastFrame  int // bytes in its last frame
	checked    int // bytes known to be valid UTF-8

	echoed bool     // a message was echoed
	due    [][]byte // payloads of pending pongs
	ended  bool     // its close frame was sent
	done   bool     // TCP is to be closed

	at time.Time // when to call do, unless zero
	do func()
}

// serve serves the connection until it ends.
func (p *echoPeer) serve() {
	defer p.conn.Close()
	p.r = bufio.NewReader(p.conn)
	if err := p.open(); err != nil {
		return
	}
	if p.deaf {
		p.pause(time.Hour)
		return
	}
	for _, f := range p.greets {
		p.send(f)
	}
	for !p.done {
		var broken rule
		switch err := p.next(); {
		case errors.As(err, &broken):
			p.fail(broken)
		case err != nil:
			return
		}
	}
}

func (p *echoPeer) ignores(r rule) bool { return slices.Contains(p.tolerates, r) }

// next reads and handles one frame.
func (p *echoPeer) next() error {
	if err := p.waitForFrame(); err != nil {
		return err
	}
	h, err := readHeader(p.r)
	if err != nil {
		return err
	}
	if err := p.check(h); err != nil {
		return err
	}
	if !h.opcode.control() {
		return p.takeData(h)
	}
	payload, err := appendFrom(nil, p.r, int(h.length))
	if err != nil {
		return err
	}
	if h.masked {
		applyMask(payload, h.key, 0)
	}
	switch h.opcode {
	case Ping:
		p.takePing(payload)
	case Close:
		return p.takeClose(payload)
	}
	return nil
}

// waitForFrame waits for the next byte, and calls do when it is due.
func (p *echoPeer) waitForFrame() error {
	for {
		p.conn.SetReadDeadline(p.at)
		_, err := p.r.Peek(1)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		p.at = time.Time{}
		if p.do(); p.done {
			return io.EOF
		}
	}
}

// in schedules do after d, in place of an earlier one.
func (p *echoPeer) in(d time.Duration, do func()) { p.at, p.do = time.Now().Add(d), do }

// check applies the rules for headers that are not tolerated.
func (p *echoPeer) check(h header) error {
	var allowed byte
	if p.deflater != nil && (h.opcode == Text || h.opcode == Binary) {
		allowed = rsv1
	}
	_, known := opcodeNames[h.opcode]
	data := h.opcode == Text || h.opcode == Binary
	for _, c := range []struct {
		rule   rule
		broken bool
	}{
		{ruleRSV, h.rsv&^allowed != 0},
		{ruleOpcode, !known},
		{ruleMask, h.masked != (p.role == ServerRole)},
		{ruleControlFin, h.opcode.control() && !h.fin},
		{ruleControlLength, h.opcode.control() && h.length > maxControlPayload},
		{ruleContinuation, h.opcode == Continuation && !p.begun},
		{ruleNested, data && p.begun},
	} {
		if c.broken && !p.ignores(c.rule) {
			return c.rule
		}
	}
	return nil
}

// takeData reads the payload of a data frame, and echoes the message when it is
// complete.
func (p *echoPeer) takeData(h header) error {
	switch {
	case h.opcode == Text || h.opcode == Binary:
		p.begun, p.binary, p.compressed = true, h.opcode == Binary, h.rsv&rsv1 != 0 && p.deflater != nil
		p.message, p.checked = p.message[:0], 0
	case h.opcode != Continuation || !p.begun: // tolerated by the peer
		_, err := io.CopyN(io.Discard, p.r, int64(h.length))
		return err
	}
	p.lastFrame = int(h.length)
	for left := int(h.length); left > 0; {
		begin := len(p.message)
		p.message = slices.Grow(p.message, min(left, 16<<10))
		n, err := p.r.Read(p.message[begin : begin+min(left, cap(p.message)-begin)])
		if err != nil {
			return err
		}
		p.message = p.message[:begin+n]
		if h.masked {
			applyMask(p.message[begin:], h.key, int(h.length)-left)
		}
		left -= n
		if err := p.checkText(checksBytes); err != nil {
			return err
		}
	}
	if err := p.checkText(checksFrames); err != nil {
		return err
	}
	if h.fin || p.piecewise {
		return p.takeMessage(h.fin)
	}
	return nil
}

// checkText checks the message received so far, if now is the time of this peer's
// check.
func (p *echoPeer) checkText(now textCheck) error {
	if p.checks != now || p.binary || p.compressed {
		return nil
	}
	rest := p.message[p.checked:]
	whole := len(rest) - unfinished(rest)
	if !utf8.Valid(rest[:whole]) {
		return ruleUTF8
	}
	p.checked += whole
	return nil
}

// unfinished returns the number of bytes of an incomplete character at the end.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if end := p[len(p)-n:]; utf8.RuneStart(end[0]) {
			if utf8.FullRune(end) {
				return 0
			}
			return n
		}
	}
	return 0
}

// takeMessage echoes a complete message.
func (p *echoPeer) takeMessage(last bool) error {
	p.begun = !last
	m := echoMessage{p.binary, p.message}
	if p.losesLast && p.lastFrame < len(m.payload) {
		m.payload = m.payload[:len(m.payload)-p.lastFrame]
	}
	if p.compressed {
		var err error
		if m.payload, err = p.inflater.message(nil, m.payload, maxPayload); err != nil {
			return err
		}
	}
	if !p.binary && p.checks != checksNothing && !utf8.Valid(m.payload) {
		return ruleUTF8
	}
	if p.closes == closesFirst {
		p.sendClose(1000, "")
		return nil
	}
	late := p.late
	if !p.echoed {
		late += p.lateOnce
	}
	p.pause(late)
	all := []echoMessage{m}
	if p.echoes != nil {
		all = p.echoes(m)
	}
	for _, m := range all {
		p.sendMessage(m)
	}
	p.echoed = true
	p.message, p.checked = p.message[:0], 0
	if p.pongs == pongsBehindMessage {
		p.sendPongs()
	}
	if p.closes == dropsTCPFirst {
		p.done = true
	}
	return nil
}

// pause sleeps, in the bubble's time.
func (p *echoPeer) pause(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// takePing answers a ping, or queues the pong.
func (p *echoPeer) takePing(payload []byte) {
	p.due = append(p.due, payload[:min(len(payload), maxControlPayload)])
	switch p.pongs {
	case pongsAtOnce:
		p.pause(p.latePong)
		p.sendPongs()
	case pongsNever:
		p.due = nil
	case pongsToLast:
		p.due = p.due[len(p.due)-1:]
		p.in(moment, p.sendPongs)
	case pongsBehindMessage:
		if !p.begun {
			p.sendPongs()
		}
	case pongsLate:
		if len(p.due) == 1 {
			p.in(lateBy, p.sendPongs)
		}
	}
}

func (p *echoPeer) sendPongs() {
	for _, payload := range p.due {
		p.send(peerFrame{header: header{fin: true, opcode: Pong}, payload: payload})
	}
	p.due = nil
}
