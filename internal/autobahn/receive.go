package autobahn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// arrival is a message, a control frame, a violation or the end of the stream.
type arrival struct {
	opcode     Opcode // of the first frame
	compressed bool
	payload    []byte

	violation error // in place of a message: the peer's violation
	end       error // the end of the stream: io.EOF, or another error
}

// inbox is the queue from the reading goroutine to the playing one. It is not bounded:
// an echo peer may send while the suite does, and the two would deadlock if the suite
// stopped reading. Its size is limited by the number of bytes that the suite sends.
type inbox struct {
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	queue []arrival
}

func (in *inbox) put(a arrival) {
	in.mu.Lock()
	in.queue = append(in.queue, a)
	in.mu.Unlock()
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

func (in *inbox) take() []arrival {
	in.mu.Lock()
	defer in.mu.Unlock()
	queue := in.queue
	in.queue = nil
	return queue
}

// receiver reads frames, checks them, and assembles messages.
type receiver struct {
	r       *bufio.Reader
	log     *wireLog
	masked  bool // the peer's frames must be masked
	deflate bool // RSV1 may be set

	message *arrival // a message with more frames to come
	closed  bool     // a close frame has arrived
}

// run puts arrivals into in until the stream ends. It discards the bytes behind a
// violation.
func (r *receiver) run(in *inbox) {
	for {
		a, err := r.next()
		var wrong violation
		switch {
		case err == nil:
			in.put(a)
			continue
		case errors.As(err, &wrong):
			r.log.note("the peer breaks a rule: %v", err)
			in.put(arrival{violation: err})
			_, err = io.Copy(io.Discard, r.r)
			if err == nil {
				err = io.EOF
			}
		}
		in.put(arrival{end: err})
		return
	}
}

// violation is a violation of RFC 6455 or 7692 by the peer.
type violation string

func (v violation) Error() string { return string(v) }

// next returns the next message or control frame.
func (r *receiver) next() (arrival, error) {
	for {
		h, err := readHeader(r.r)
		if err != nil && !errors.Is(err, errLength) {
			return arrival{}, err
		}
		if wrong := r.check(h); wrong != nil {
			r.log.frame(ReceivedFrame, h, nil, Step{})
			return arrival{}, wrong
		}
		if err != nil {
			r.log.frame(ReceivedFrame, h, nil, Step{})
			return arrival{}, violation(err.Error() + " (RFC 6455 section 5.2)")
		}
		a, whole, err := r.payload(h)
		if err != nil || whole {
			return a, err
		}
	}
}

// payload reads the payload of a frame, and reports whether it completes a message or
// control frame.
func (r *receiver) payload(h header) (a arrival, whole bool, err error) {
	target := new(arrival)
	if !h.opcode.control() {
		if r.message == nil {
			r.message = &arrival{opcode: h.opcode, compressed: h.rsv&rsv1 != 0}
		}
		target = r.message
	} else {
		target.opcode = h.opcode
	}
	begin := len(target.payload)
	if target.payload, err = appendFrom(target.payload, r.r, int(h.length)); err != nil {
		r.log.frame(ReceivedFrame, h, nil, Step{})
		r.log.note("the stream ends %d bytes into that frame", len(target.payload)-begin)
		return arrival{}, false, err
	}
	p := target.payload[begin:]
	if h.masked {
		applyMask(p, h.key, 0)
	}
	r.log.frame(ReceivedFrame, h, p, Step{})
	switch {
	case h.opcode.control():
		r.closed = h.opcode == Close
		return *target, true, nil
	case h.fin:
		a, r.message = *r.message, nil
		return a, true, nil
	}
	return arrival{}, false, nil
}

// appendFrom appends n bytes of r to dst, and allocates as bytes arrive.
func appendFrom(dst []byte, r io.Reader, n int) ([]byte, error) {
	const step = 256 << 10
	for n > 0 {
		k := min(n, step)
		begin := len(dst)
		dst = append(dst, make([]byte, k)...)
		m, err := io.ReadFull(r, dst[begin:])
		if err != nil {
			return dst[:begin+m], midFrame(err)
		}
		n -= k
	}
	return dst, nil
}

// check applies the rules of RFC 6455 section 5 to a header.
func (r *receiver) check(h header) error {
	wrong := func(format string, args ...any) error {
		return violation(fmt.Sprintf(format, args...))
	}
	_, known := opcodeNames[h.opcode]
	switch {
	case r.closed:
		return wrong("a frame behind the close frame (RFC 6455 section 5.5.1)")
	case !known:
		return wrong("%v is reserved (RFC 6455 section 5.2)", h.opcode)
	case h.masked != r.masked:
		return wrong("masked %t: a client masks all frames, a server none (RFC 6455 section 5.1)", h.masked)
	case h.rsv&^rsv1 != 0, h.rsv != 0 && (!r.deflate || h.opcode.control() || h.opcode == Continuation):
		return wrong("reserved bits %03b without an extension that gives them a meaning (RFC 6455 section 5.2)", h.rsv)
	case h.opcode.control() && !h.fin:
		return wrong("a control frame in fragments (RFC 6455 section 5.5)")
	case h.opcode.control() && h.length > maxControlPayload:
		return wrong("a control frame of %d bytes (RFC 6455 section 5.5)", h.length)
	case h.opcode == Continuation && r.message == nil:
		return wrong("a continuation of nothing (RFC 6455 section 5.4)")
	case (h.opcode == Text || h.opcode == Binary) && r.message != nil:
		return wrong("a new message inside another (RFC 6455 section 5.4)")
	case h.length > maxPayload, r.message != nil && int(h.length)+len(r.message.payload) > maxPayload:
		return wrong("%d bytes are longer than all that was sent", h.length)
	}
	return nil
}

// parseClose parses a close frame's payload (RFC 6455 sections 5.5.1 and 7.4). Codes
// that the case allows are always valid.
func parseClose(payload []byte, allowed []int) (code int, reason string, err error) {
	switch len(payload) {
	case 0:
		return NoCode, "", nil
	case 1:
		return NoCode, "", violation("a close frame with half a code (RFC 6455 section 5.5.1)")
	}
	code, reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
	if !validCode(code, allowed) {
		return code, reason, violation(fmt.Sprintf("a close frame with code %d (RFC 6455 section 7.4)", code))
	}
	if !utf8.ValidString(reason) {
		return code, reason, violation("a close frame whose reason is not UTF-8 (RFC 6455 section 5.5.1)")
	}
	return code, reason, nil
}

// validCode reports whether an endpoint may send a code in a close frame: those defined
// by RFC 6455 section 7.4.1 and in IANA's registry, except those that must not be sent,
// and those for libraries and programs.
func validCode(code int, allowed []int) bool {
	for _, a := range allowed {
		if a == code {
			return true
		}
	}
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}
