package autobahn

import (
	"encoding/binary"
	"io"
	"time"
	"unicode/utf8"
)

// takeClose handles the suite's close frame.
func (p *echoPeer) takeClose(payload []byte) error {
	code, reason := NoCode, ""
	switch {
	case len(payload) == 1 && !p.ignores(ruleHalfCode):
		return ruleHalfCode
	case len(payload) >= 2:
		code, reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
	}
	switch {
	case code != NoCode && !validCode(code, nil) && !p.ignores(ruleCode):
		return ruleCode
	case !utf8.ValidString(reason) && !p.ignores(ruleReason):
		return ruleReason
	}
	answer := func() {
		p.sendClose(code, "")
		p.end()
	}
	switch p.closes {
	case closesNever:
	case closesTCPOnly:
		p.done = true
	case closesWhenQuiet:
		p.in(moment, answer)
	case goesOnBehindClose:
		p.sendClose(code, "")
		p.in(moment, p.end)
	default:
		p.pause(p.lateClose)
		answer()
	}
	return nil
}

// end ends TCP after the close frames, according to the role: the server closes it.
func (p *echoPeer) end() {
	p.done = true
	if p.role == ClientRole || p.closes == leavesTCPOpen {
		p.conn.SetReadDeadline(time.Time{})
		io.Copy(io.Discard, p.r)
	}
}

// fail ends the connection after a violation of r by the suite.
func (p *echoPeer) fail(r rule) {
	p.done = true
	switch p.fails {
	case failsByFrame:
		p.sendClose(r.code(), "")
	case failsLate:
		p.pause(lateBy)
		p.sendClose(r.code(), "")
	case failsNever:
		io.Copy(io.Discard, p.r)
	}
}

// sendClose sends the peer's close frame, once.
func (p *echoPeer) sendClose(code int, reason string) {
	if p.ended {
		return
	}
	p.ended = true
	p.send(closeOf(code, reason))
}

// closeOf returns a close frame.
func closeOf(code int, reason string) peerFrame {
	f := peerFrame{header: header{fin: true, opcode: Close}}
	if code != NoCode {
		f.payload = append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	}
	return f
}

// sendMessage sends a message, in frames of p.fragment bytes.
func (p *echoPeer) sendMessage(m echoMessage) {
	h := header{opcode: Text}
	if m.binary {
		h.opcode = Binary
	}
	rest := m.payload
	if p.deflater != nil && !p.uncompressed {
		rest = p.deflater.message(rest)
		h.rsv = rsv1
	}
	for !h.fin {
		n := len(rest)
		if p.fragment > 0 {
			n = min(n, p.fragment)
		}
		h.fin = n == len(rest)
		p.send(peerFrame{header: h, payload: rest[:n]})
		rest = rest[n:]
		h.opcode, h.rsv = Continuation, 0
	}
}

// send sends a frame, with the deviations of the peer's habits.
func (p *echoPeer) send(f peerFrame) {
	if p.ended && f.opcode != Close && p.closes != goesOnBehindClose {
		return
	}
	f.length = uint64(len(f.payload))
	if f.masked = p.role == ClientRole; f.masked {
		f.key = [4]byte{1, 2, 3, 4}
	}
	all := []peerFrame{f}
	if p.frames != nil {
		all = p.frames(f)
	}
	for _, f := range all {
		b := f.append(nil)
		if p.closes == dropsTCPInFrame && !f.opcode.control() {
			b = b[:len(b)-1]
			p.done = true
		}
		p.conn.Write(b) // an error also occurs in the next Read
	}
}

// with returns the frame with another payload.
func (f peerFrame) with(payload []byte) peerFrame {
	f.payload, f.length = payload, uint64(len(payload))
	return f
}

// append appends the encoding of the frame.
func (f peerFrame) append(dst []byte) []byte {
	if f.long {
		dst = appendHeader(dst, header{fin: f.fin, rsv: f.rsv, opcode: f.opcode, length: 1 << 16})
		dst = binary.BigEndian.AppendUint64(dst[:len(dst)-8], f.length)
		if f.masked {
			dst[len(dst)-9] |= 0x80
			dst = append(dst, f.key[:]...)
		}
	} else {
		dst = appendHeader(dst, f.header)
	}
	begin := len(dst)
	dst = append(dst, f.payload...)
	if f.masked {
		applyMask(dst[begin:], f.key, 0)
	}
	return dst
}
