package rawpeer

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Rules are the settings with which Decode reads.
type Rules struct {
	Sender  Role           // the role of the frames' sender
	Deflate Takeover       // zero if compression was not negotiated
	Limit   int            // on the bytes of a message; negative for none
	Refuse  map[Opcode]int // opcodes of messages that are refused when they begin, with the close code
	Blind   bool           // messages are discarded unchecked, as they are while closing
}

// Decoded is the result of reading bytes up to the first close frame, violation or end
// of the bytes.
type Decoded struct {
	Messages []Message // their Frames are not set
	Pings    []string
	Close    *Frame // the close frame, if that was the end
	Codes    []int  // the allowed close codes for the violation, if that was the end

	// Rest is the received part of an unfinished message. Most is the longest prefix of
	// that message that a receiver may deliver: it is longer than Rest if the message
	// is compressed and compress/flate withholds some bytes. If Torn is set, the
	// violation is inside the message, and a receiver may also deliver less than Rest.
	// If Cut is set, the bytes end where a connection must not.
	Rest []byte
	Most []byte
	Torn bool
	Cut  bool

	// Doubt reports that Rest is of a compressed message, and that its last byte may be
	// wrong or surplus without an error of compress/flate.
	Doubt bool
}

// Decode decodes b in the simplest way: frame by frame and whole messages, with the
// standard library's inflater and UTF-8 check.
func Decode(b []byte, rules Rules) Decoded {
	d := decoding{Rules: rules}
	for {
		if code := rules.Violation(b, d.open); code != 0 {
			d.end(code)
			break
		}
		f, length, n, err := ParseHeader(b)
		if err != nil {
			d.end(0)
			d.Cut = d.Cut || len(b) > 0
			break
		}
		payload := b[n:]
		whole := length <= uint64(len(payload))
		if whole {
			payload = payload[:length]
		}
		f.Payload = bytes.Clone(payload)
		if f.Masked {
			mask(f.Payload, f.Key)
		}
		if f.Opcode&8 != 0 {
			if !d.control(f, whole) {
				break
			}
		} else if !d.data(f, length, whole) {
			break
		}
		b = b[n+len(payload):]
	}
	return d.Decoded
}

// decoding is the state of a Decode.
type decoding struct {
	Rules
	Decoded

	open     bool // inside a message
	opcode   Opcode
	deflated bool
	payload  []byte // of its frames
	length   uint64 // the sum of their declared lengths

	inflater inflater
}

// Violation returns the close code for a violation in the header at the start of b,
// which may be incomplete, or 0. open reports that a message is in progress.
func (r *Rules) Violation(b []byte, open bool) int {
	const wrong = 1002
	if len(b) == 0 {
		return 0
	}
	op := Opcode(b[0] & 0xf)
	fin, rsv := b[0]&0x80 != 0, b[0]>>4&7
	switch op {
	case OpText, OpBinary:
		if open || rsv != 0 && (rsv != RSV1 || r.Deflate == 0) {
			return wrong
		}
	case OpContinuation:
		if !open || rsv != 0 {
			return wrong
		}
	case OpClose, OpPing, OpPong:
		if !fin || rsv != 0 {
			return wrong
		}
	default:
		return wrong
	}
	if len(b) == 1 {
		return 0
	}
	length := b[1] & 0x7f
	if masked := b[1]&0x80 != 0; masked != (r.Sender == Client) ||
		op&8 != 0 && length > 125 || op == OpClose && length == 1 {
		return wrong
	}
	// Complete the header with valid bytes, if possible.
	if len(b) == 2 {
		b = append(b[:2:2], 0x7f)
	}
	b = append(b[:len(b):len(b)], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"...)
	if _, _, _, err := ParseHeader(b); err != nil {
		return wrong
	}
	return 0
}

// control handles a control frame, and reports whether anything can follow.
func (d *decoding) control(f Frame, whole bool) bool {
	switch {
	case f.Opcode == OpClose:
		if code := closeViolation(f.Payload, whole); code != 0 {
			d.end(code)
			return false
		}
		if whole {
			if d.end(0); len(d.Codes) == 0 {
				d.Close, d.Cut = &f, false
			}
			return false
		}
	case whole:
		if f.Opcode == OpPing {
			d.Pings = append(d.Pings, string(f.Payload))
		}
		return true
	}
	d.end(0)
	d.Cut = true
	return false
}

// closeViolation returns the close code for a violation in the payload of a close
// frame, or in its beginning.
func closeViolation(p []byte, whole bool) int {
	if len(p) < 2 {
		return 0
	}
	switch code := binary.BigEndian.Uint16(p); {
	case code >= 3000 && code <= 4999, code >= 1007 && code <= 1014, code >= 1000 && code <= 1003:
	default:
		return 1002
	}
	if reason := p[2:]; refusedAt(reason) < len(reason) || whole && !utf8.Valid(reason) {
		return 1007
	}
	return 0
}

// data handles a frame of a message, and reports whether anything can follow.
func (d *decoding) data(f Frame, length uint64, whole bool) bool {
	if !d.open {
		d.open, d.opcode, d.deflated = true, f.Opcode, f.RSV == RSV1
		d.payload, d.length = nil, 0
	}
	d.length += length
	switch {
	case d.Blind:
	case !d.deflated && d.Limit >= 0 && d.length > uint64(d.Limit):
		d.end(1009)
		return false
	case d.Refuse[d.opcode] != 0:
		d.end(d.Refuse[d.opcode])
		return false
	}
	d.payload = append(d.payload, f.Payload...)
	if !whole {
		d.end(0)
		d.Cut = true
		return false
	}
	if !f.Fin {
		return true
	}
	d.open = false
	if d.Blind {
		return true
	}
	c := d.content(true)
	if len(c.codes) > 0 {
		d.Codes, d.Rest, d.Most, d.Torn = c.codes, c.p, c.most, true
		return false
	}
	d.Messages = append(d.Messages, Message{Opcode: d.opcode, Payload: c.p})
	return true
}

// end ends the decoding with a violation or, if code is 0, without one. A violation
// inside the message in progress takes precedence, because it came first.
func (d *decoding) end(code int) {
	if code != 0 {
		d.Codes = []int{code}
	}
	if !d.open || d.Blind {
		d.Cut = d.open
		return
	}
	c := d.content(false)
	d.Rest, d.Most, d.Cut, d.Doubt = c.p, c.most, true, d.deflated
	if len(c.codes) > 0 {
		d.Codes, d.Torn = c.codes, true
	}
}

// content is the content of a message's payload, up to the first violation in it.
type content struct {
	p, most []byte // as in Rest and Most
	codes   []int  // the allowed close codes for the violation
}

// content decodes the payload of the current message.
func (d *decoding) content(whole bool) content {
	c := content{p: d.payload, most: d.payload}
	beyond := false // exceeds the limit
	if d.deflated {
		read, ok := d.inflater.beginning, false
		if whole {
			read = d.inflater.message
		}
		if c.p, c.most, ok = read(d.payload, d.Limit); !ok {
			c.codes = []int{1007}
		}
		if d.Limit >= 0 && len(c.most) > d.Limit {
			if beyond = len(c.p) > d.Limit; beyond {
				c.codes, c.p = nil, c.p[:d.Limit]
			}
			c.most = c.most[:d.Limit]
			if beyond || !ok {
				c.codes = append(c.codes, 1009)
			}
		}
		if whole && len(c.codes) == 0 && d.Deflate == ContextTakeover {
			d.inflater.keep(c.p)
		}
	}
	if d.opcode == OpText {
		at := refusedAt(c.p)
		if at < len(c.p) || whole && !beyond && !utf8.Valid(c.p) {
			c.codes = append(c.codes, 1007)
		}
		c.p, c.most = c.p[:at], c.most[:refusedAt(c.most)]
	}
	return c
}

// refusedAt returns the offset at which p stops being a prefix of valid UTF-8, or
// len(p).
func refusedAt(p []byte) int {
	for i := 0; i < len(p); {
		if !utf8.FullRune(p[i:]) {
			return len(p)
		}
		r, n := utf8.DecodeRune(p[i:])
		if r != utf8.RuneError || n > 1 {
			i += n
			continue
		}
		for n < len(p)-i && !utf8.FullRune(p[i:i+n]) {
			n++
		}
		return i + n - 1
	}
	return len(p)
}
