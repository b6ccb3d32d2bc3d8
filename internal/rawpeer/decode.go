package rawpeer

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Rules are what one side of a connection reads by.
type Rules struct {
	Sender  Role           // whose frames these are
	Deflate Takeover       // zero where compression was not agreed on
	Limit   int            // of a message's bytes; negative for none
	Refuse  map[Opcode]int // messages that fail the connection as they begin, and with which code
	Blind   bool           // messages are passed over, whatever is in them, as when closing
}

// Decoded is what bytes say to the side that reads them, up to the first thing
// that nothing can follow: a close frame, a violation, or the end of the bytes.
type Decoded struct {
	Messages []Message // without their frames
	Pings    []string
	Close    *Frame // the close frame, when it is what ended it
	Codes    []int  // the codes that may tell of a violation, when that did

	// Rest is what has come of a message that did not end, and Most is as much
	// as may be had of it: more where it is compressed, and compress/flate keeps
	// some back. Torn tells that the violation is in there, and that less may
	// be had too. Cut tells that the bytes ended where no message may.
	Rest []byte
	Most []byte
	Torn bool
	Cut  bool

	// Doubt tells that Rest is of a compressed message, the last byte of which
	// may be wrong, or too much, without compress/flate seeing it.
	Doubt bool
}

// Decode reads b by the rules in the plainest way: frame by frame, whole
// messages at a time, with the standard library's inflater and UTF-8.
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

// decoding is a Decode under way.
type decoding struct {
	Rules
	Decoded

	open     bool // a message has begun
	opcode   Opcode
	deflated bool
	payload  []byte // of its frames
	length   uint64 // that they declared

	inflater inflater
}

// Violation returns the code for what is wrong with the header that b begins
// with, as far as it has come, or 0. open tells that a message has begun.
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
	// What is missing of the header is made up so that nothing in it is wrong,
	// if that can be.
	if len(b) == 2 {
		b = append(b[:2:2], 0x7f)
	}
	b = append(b[:len(b):len(b)], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"...)
	if _, _, _, err := ParseHeader(b); err != nil {
		return wrong
	}
	return 0
}

// control takes a control frame, and reports whether anything can follow.
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

// closeViolation returns the code for what is wrong with the payload of a close
// frame, all of it or its beginning.
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

// data takes a frame of a message, and reports whether anything can follow.
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

// end ends it with a violation or, if code is 0, without one; but with what is
// wrong in the message that has begun, if anything is, because that came first.
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

// content is what the payload of a message says, up to what is wrong with it.
type content struct {
	p, most []byte // as Rest and Most
	codes   []int  // that may tell what is wrong
}

// content looks at the payload of the current message.
func (d *decoding) content(whole bool) content {
	c := content{p: d.payload, most: d.payload}
	beyond := false // there is more than the limit
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

// refusedAt is where p stops being the beginning of valid UTF-8; len(p) when it
// never does.
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
