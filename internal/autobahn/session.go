package autobahn

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"
	"unicode/utf8"
)

// Options are common to a [Client] and a [Server].
type Options struct {
	// Messages is the number of messages in an exchange with compression (groups 12 and
	// 13). Zero: the number in the case, 1,000.
	Messages int

	// Patience multiplies the timeouts after which the suite ends a connection. It does
	// not affect a correct implementation. Zero: 1.
	Patience float64
}

// Timeouts that the cases do not define, before [Options.Patience] is applied.
const (
	openTimeout  = 5 * time.Second  // for the opening handshake
	closeTimeout = time.Second      // for the peer's close frame, after the suite's
	dropTimeout  = time.Second      // for the server to close TCP, after both close frames
	stallTimeout = 10 * time.Second // for the peer to read
)

func (o Options) patient(d time.Duration) time.Duration {
	if o.Patience == 0 {
		return d
	}
	return time.Duration(o.Patience * float64(d))
}

func (o Options) messages(x *Exchange) int {
	if o.Messages > 0 && x.Deflate != nil {
		return o.Messages
	}
	return x.Messages
}

// session is the suite's side of one case. Its goroutine writes, handles timers and
// judges; a second one reads.
type session struct {
	cs      *Case
	opts    Options
	conn    net.Conn
	r       *bufio.Reader
	log     *wireLog
	in      inbox
	deflate *deflation // nil: not negotiated

	res  *Result
	goal goal

	frames    int     // number of frames sent
	out       []byte  // write buffer
	inflated  []byte  // buffer for inflated messages
	key       [4]byte // of the frame in progress
	keyOffset int

	timers    []timer
	sentClose bool
	gotClose  bool
	over      bool // TCP has ended
	violation error
}

// timer calls a function later, unless the case has ended.
type timer struct {
	at time.Time
	do func()
}

// deflation is the state of permessage-deflate.
type deflation struct {
	deflater *deflater // of the suite's messages
	inflater *inflater // of the peer's messages
}

// play runs the case on an open connection, and fills res. It returns when the
// connection has ended and all its resources are released.
func (s *session) play(ctx context.Context) {
	s.in.wake = make(chan struct{}, 1)
	s.goal = newGoal(s)
	s.conn.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()

	done := make(chan struct{})
	go func() {
		defer close(done)
		(&receiver{r: s.r, log: s.log, masked: s.res.Role == ClientRole, deflate: s.deflate != nil}).run(&s.in)
	}()
	s.goal.begin()
	s.steps()
	s.pump(time.Time{})
	s.conn.Close()
	<-done
	if s.deflate != nil {
		s.deflate.deflater.release()
	}

	s.res.Duration = time.Since(s.res.Started)
	s.res.Log = s.log.entries()
	s.res.Sent, s.res.Got = s.log.sent, s.log.got
	s.judge()
}

// open reports whether neither side has started the closing handshake.
func (s *session) open() bool { return !s.sentClose && !s.gotClose && !s.over }

// steps performs the steps of the case.
func (s *session) steps() {
	for _, step := range s.cs.Steps {
		if s.over {
			return
		}
		switch step.Do {
		case SendFrame:
			s.frame(header{fin: step.Fin, rsv: step.RSV, opcode: step.Opcode}, step.Payload.Bytes(), step)
		case SendMessage:
			s.message(0, step.Opcode, step.Payload.Bytes(), step.Fragment)
		case BeginFrame:
			h := s.begin(header{fin: step.Fin, opcode: step.Opcode, length: uint64(step.Payload.Length)})
			s.log.frame(SentFrame, h, nil, step)
			s.write(appendHeader(nil, h))
		case FrameBytes:
			p := step.Payload.Bytes()
			s.log.part(p)
			s.write(s.appendMasked(nil, p))
		case EndMessage:
			s.frame(header{fin: true, opcode: Continuation}, nil, step)
		case SendClose:
			s.close(step.Code, step.Reason)
		case Wait:
			s.pump(time.Now().Add(step.After))
			if !s.open() {
				return
			}
			if step.Tag != "" {
				s.log.note("the pause %s has ended", step.Tag)
				s.goal.event(Event{Kind: TimeoutEvent, Tag: step.Tag})
			}
		case CloseAfter:
			s.after(step.After, func() {
				if s.open() {
					s.log.note("the time limit of the case has passed: closing")
					s.close(step.Code, step.Reason)
				}
			})
		case DropTCPAfter:
			s.after(step.After, func() { s.drop("the time limit of the case has passed") })
		}
	}
}

// pump handles arrivals and timers until a time, or the end of TCP. The zero time means
// no limit.
func (s *session) pump(until time.Time) {
	for !s.over {
		for _, a := range s.in.take() {
			if !s.over {
				s.arrived(a)
			}
		}
		next := until
		now := time.Now()
		for i := 0; i < len(s.timers) && !s.over; i++ {
			switch t := s.timers[i]; {
			case t.do == nil:
			case !t.at.After(now):
				s.timers[i].do = nil
				t.do()
			case next.IsZero() || t.at.Before(next):
				next = t.at
			}
		}
		if s.over || !until.IsZero() && !until.After(now) {
			return
		}
		s.sleep(next)
	}
}

// sleep waits for an arrival, or until a time.
func (s *session) sleep(until time.Time) {
	if until.IsZero() {
		<-s.in.wake
		return
	}
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-s.in.wake:
	case <-t.C:
	}
}

// after calls do after d, unless TCP has ended.
func (s *session) after(d time.Duration, do func()) {
	s.timers = append(s.timers, timer{time.Now().Add(s.opts.patient(d)), do})
}

// arrived handles an arrival.
func (s *session) arrived(a arrival) {
	switch {
	case a.end != nil:
		s.over = true
		s.log.note("TCP ended: %v", a.end)
	case a.violation != nil:
		s.violated(1002, a.violation)
	case a.opcode == Close:
		s.closed(a.payload)
	case s.violation != nil:
		// Frames after a violation are ignored.
	case a.opcode == Ping:
		if !s.gotClose && !s.sentClose {
			s.frame(header{fin: true, opcode: Pong}, a.payload, Step{})
		}
		s.goal.event(Event{Kind: PingEvent, Payload: string(a.payload)})
	case a.opcode == Pong:
		s.goal.event(Event{Kind: PongEvent, Payload: string(a.payload)})
	default:
		s.got(a)
	}
}

// got handles a message.
func (s *session) got(a arrival) {
	if a.compressed {
		var err error
		s.inflated, err = s.deflate.inflater.message(s.inflated[:0], a.payload, maxPayload)
		if err != nil {
			s.violated(1007, err)
			return
		}
		a.payload = s.inflated
	}
	if a.opcode == Text && !utf8.Valid(a.payload) {
		s.violated(1007, violation("a text message that is not UTF-8 (RFC 6455 section 8.1)"))
		return
	}
	s.goal.message(a.opcode == Binary, a.payload)
}

// violated fails the case and the connection after a violation by the peer.
func (s *session) violated(code int, err error) {
	if s.violation == nil {
		s.violation = err
		s.res.FailedBySuite = true
	}
	s.log.note("the connection fails: %v", err)
	s.close(code, "")
}

// close sends a close frame, unless one was sent. The peer must reply within
// closeTimeout.
func (s *session) close(code int, reason string) {
	if s.sentClose || s.over {
		return
	}
	s.sentClose = true
	s.res.ClosedBySuite = !s.gotClose
	s.res.LocalCode, s.res.LocalReason = code, reason
	var p []byte
	if code != NoCode {
		p = binary.BigEndian.AppendUint16(p, uint16(code))
	}
	s.frame(header{fin: true, opcode: Close}, append(p, reason...), Step{})
	s.after(closeTimeout, func() {
		if !s.gotClose {
			s.res.CloseTimeout = true
			s.drop("no close frame came in time")
		}
	})
}

// closed handles the peer's close frame.
func (s *session) closed(payload []byte) {
	code, reason, err := parseClose(payload, s.cs.Close.Codes)
	s.gotClose = true
	s.res.RemoteCode, s.res.RemoteReason = code, reason
	if err != nil {
		s.violated(1002, err)
	} else {
		s.close(code, "")
	}
	s.res.Clean = true
	if s.res.Role == ClientRole {
		// The server closes TCP (RFC 6455 section 7.1.1).
		s.over = true
		s.log.note("closing TCP, as the server does")
		return
	}
	s.after(dropTimeout, func() {
		s.res.DropTimeout = true
		s.drop("the server does not close TCP")
	})
}

// drop closes TCP in place of the peer.
func (s *session) drop(why string) {
	s.res.DroppedBySuite = true
	s.over = true
	s.log.note("%s: closing TCP", why)
}

// message sends a message in frames of fragment bytes, or in one frame if fragment is
// zero or the message fits. A message of a multiple of fragment bytes ends with an
// empty frame.
func (s *session) message(rsv byte, opcode Opcode, p []byte, fragment int) {
	if fragment <= 0 || len(p) <= fragment {
		s.frame(header{fin: true, rsv: rsv, opcode: opcode}, p, Step{})
		return
	}
	// Frames are written in batches, so that a message of thousands of frames does not
	// take thousands of system calls.
	const portion = 64 << 10
	out := s.out[:0]
	for last := false; !last; {
		n := min(fragment, len(p))
		last = n < fragment
		out = s.appendFrame(out, header{fin: last, rsv: rsv, opcode: opcode}, p[:n], Step{})
		p, rsv, opcode = p[n:], 0, Continuation
		if last || len(out) >= portion {
			s.write(out)
			out = out[:0]
		}
	}
	s.out = out
}

// frame sends one frame. It sets the length and the key of h.
func (s *session) frame(h header, p []byte, step Step) {
	out := s.appendFrame(s.out[:0], h, p, step)
	s.out = out[:0]
	if step.Chop <= 0 {
		s.write(out)
		return
	}
	for len(out) > 0 {
		n := min(step.Chop, len(out))
		s.write(out[:n])
		out = out[n:]
	}
}

func (s *session) appendFrame(dst []byte, h header, p []byte, step Step) []byte {
	h.length = uint64(len(p))
	h = s.begin(h)
	s.log.frame(SentFrame, h, p, step)
	return s.appendMasked(appendHeader(dst, h), p)
}

// begin counts a frame, and sets a masking key if the suite is the client.
func (s *session) begin(h header) header {
	s.frames++
	if h.masked = s.res.Role == ServerRole; h.masked {
		crand.Read(h.key[:])
	}
	s.key, s.keyOffset = h.key, 0
	return h
}

// appendMasked appends payload bytes of the frame in progress.
func (s *session) appendMasked(dst, p []byte) []byte {
	begin := len(dst)
	dst = append(dst, p...)
	if s.res.Role == ServerRole {
		s.keyOffset = applyMask(dst[begin:], s.key, s.keyOffset)
	}
	return dst
}

// write writes to TCP. It does nothing after an error.
func (s *session) write(b []byte) {
	if s.over {
		return
	}
	s.conn.SetWriteDeadline(time.Now().Add(s.opts.patient(stallTimeout)))
	_, err := s.conn.Write(b)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.drop("the peer does not read")
	case err != nil:
		// Bytes that the peer sent before are still to be read.
		s.log.note("writing: %v", err)
	}
}
