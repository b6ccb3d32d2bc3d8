//go:build !js

package websocket

import (
	"encoding/binary"
	"math"

	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/utf8stream"
)

// opcode says what a frame is (RFC 6455 section 5.2).
type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xa
)

func (op opcode) isControl() bool { return op&0x8 != 0 }

// byte0 is the first byte of a frame as it is on the wire: FIN, the reserved bits
// and the opcode. It stays in this form in memory, since copying fields that were
// written one by one stalls the processor.
type byte0 byte

func (b byte0) op() opcode { return opcode(b & bitsOp) }
func (b byte0) fin() bool  { return b&bitFin != 0 }
func (b byte0) rsv1() bool { return b&bitRSV1 != 0 }

// finalByte0 returns the first byte of the last or only frame of a message, or of a
// control frame.
func finalByte0(op opcode) byte0 { return bitFin | byte0(op) }

// The bits of a frame's first two bytes.
const (
	bitFin    = 0x80
	bitRSV1   = 0x40
	bitsRSV   = 0x70
	bitsOp    = 0x0f
	bitMasked = 0x80
	bitsLen   = 0x7f
)

const (
	// maxHeader is two bytes, a 64-bit length and a masking key.
	maxHeader = 2 + 8 + 4
	// maxControl is the longest payload of a control frame (section 5.5).
	maxControl = 125
)

// header is a frame's header.
type header struct {
	byte0
	masked bool
	key    uint32 // as internal/mask takes it
	length int64
}

// frame is a frame to be sent, its payload not masked yet.
type frame struct {
	byte0
	encoding encoding
	onCancel onCancel
	payload  []byte
	pre      *preframed // of a prepared message: the frame's bytes; else nil
}

// encoding is how the payload of a message goes out.
type encoding uint8

const (
	plain     encoding = iota
	deflated           // compressed by the leader that sends it
	undecided          // a message that is not as long as the compression threshold yet
)

// onCancel is what becomes of a frame of which a part is out when its context ends.
type onCancel uint8

const (
	failConn  onCancel = iota // the connection fails
	keepFrame                 // the rest is sent ahead of other frames
)

// appendHeader appends h in its shortest form.
func appendHeader(dst []byte, h header) []byte {
	b0 := byte(h.byte0)
	var b1 byte
	if h.masked {
		b1 = bitMasked
	}
	switch {
	case h.length <= maxControl:
		dst = append(dst, b0, b1|byte(h.length))
	case h.length <= math.MaxUint16:
		dst = append(dst, b0, b1|126, byte(h.length>>8), byte(h.length))
	default:
		dst = append(dst, b0, b1|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(h.length))
	}
	if h.masked {
		dst = binary.LittleEndian.AppendUint32(dst, h.key)
	}
	return dst
}

// appendFrame appends f as side sends it. There is room for it in dst.
func appendFrame(dst []byte, f frame, side role) []byte {
	h := header{byte0: f.byte0, length: int64(len(f.payload))}
	if side == client {
		h.masked, h.key = true, mask.NewKey()
	}
	n := len(appendHeader(dst, h))
	dst = dst[:n+len(f.payload)]
	if h.masked {
		mask.Copy(dst[n:], f.payload, h.key)
	} else {
		copy(dst[n:], f.payload)
	}
	return dst
}

// frameRules is what decides, beside the frame itself, whether a header is
// allowed.
type frameRules struct {
	any       bool // every header is allowed whose length can be told
	masked    bool // frames must be masked: they come from a client
	deflate   bool // permessage-deflate was agreed on
	inMessage bool // the frames of a message have begun and not ended
}

// parseHeader reads a header from the front of b into h. It returns its length n,
// or 0 when more bytes are needed. A violation is found as soon as the bytes that
// show it are there. (The header comes by reference because it is on the way of
// every message, and a copy of its small fields costs several nanoseconds.)
func parseHeader(h *header, b []byte, rules frameRules) (n int, err error) {
	if len(b) < 2 {
		if len(b) == 1 {
			err = rules.checkFirst(b[0])
		}
		return 0, err
	}
	b0, b1 := b[0], b[1]
	h.byte0 = byte0(b0)
	h.masked = b1&bitMasked != 0
	h.key = 0
	// The first frame of a message that is not compressed needs no closer look.
	begins := b0&^bitFin == byte(opText) || b0&^bitFin == byte(opBinary)
	if !begins || rules != (frameRules{masked: h.masked}) {
		if err := rules.checkFirst(b0); err != nil {
			return 0, err
		}
		if err := rules.checkSecond(h.op(), b1); err != nil {
			return 0, err
		}
	}
	if size := b1 & bitsLen; size <= maxControl {
		h.length, n = int64(size), 2
	} else if h.length, n, err = parseLength(b); n == 0 || err != nil {
		return 0, err
	}
	if h.masked {
		if len(b) < n+4 {
			return 0, nil
		}
		h.key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	return n, nil
}

// parseLength reads the length of a frame that begins with b, at least two
// bytes. It ends before byte n, which is 0 when more bytes are needed.
func parseLength(b []byte) (length int64, n int, err error) {
	switch size := b[1] & bitsLen; size {
	case 126:
		if len(b) < 4 {
			return 0, 0, nil
		}
		length = int64(binary.BigEndian.Uint16(b[2:]))
		if length <= maxControl {
			return 0, 0, errLengthForm
		}
		return length, 4, nil
	case 127:
		if len(b) > 2 && b[2]&0x80 != 0 {
			return 0, 0, errLengthTopBit
		}
		// Without the last two bytes it is 0 where 16 bits would have done.
		if len(b) >= 8 && b[2]|b[3]|b[4]|b[5]|b[6]|b[7] == 0 {
			return 0, 0, errLengthForm
		}
		if len(b) < 10 {
			return 0, 0, nil
		}
		return int64(binary.BigEndian.Uint64(b[2:])), 10, nil
	default:
		return int64(size), 2, nil
	}
}

// checkFirst tells whether a frame may begin with b0.
func (rules frameRules) checkFirst(b0 byte) error {
	if rules.any {
		return nil
	}
	op := opcode(b0 & bitsOp)
	if rsv := b0 & bitsRSV; rsv != 0 {
		if rsv != bitRSV1 || !rules.deflate || op != opText && op != opBinary {
			return errRSV
		}
	}
	switch op {
	case opContinuation:
		if !rules.inMessage {
			return errContinuation
		}
	case opText, opBinary:
		if rules.inMessage {
			return errNoContinuation
		}
	case opClose, opPing, opPong:
		if b0&bitFin == 0 {
			return errControlFragment
		}
	default:
		return errOpcode
	}
	return nil
}

// checkSecond tells whether a frame may go on with b1.
func (rules frameRules) checkSecond(op opcode, b1 byte) error {
	if rules.any {
		return nil
	}
	if b1&bitMasked != 0 != rules.masked {
		if rules.masked {
			return errUnmasked
		}
		return errMasked
	}
	if op.isControl() {
		switch size := b1 & bitsLen; {
		case size > maxControl:
			return errControlLength
		case size == 1 && op == opClose:
			return errCloseLength
		}
	}
	return nil
}

// The violations of RFC 6455, by section.
var (
	errRSV             = &violation{code: StatusProtocolError, text: "reserved bits without an extension that defines them"} // 5.2
	errOpcode          = &violation{code: StatusProtocolError, text: "reserved opcode"}                                      // 5.2
	errMasked          = &violation{code: StatusProtocolError, text: "masked frame from a server"}                           // 5.1
	errUnmasked        = &violation{code: StatusProtocolError, text: "unmasked frame from a client"}                         // 5.1
	errLengthForm      = &violation{code: StatusProtocolError, text: "frame length not in its shortest form"}                // 5.2
	errLengthTopBit    = &violation{code: StatusProtocolError, text: "frame length with the top bit set"}                    // 5.2
	errControlFragment = &violation{code: StatusProtocolError, text: "fragmented control frame"}                             // 5.4
	errControlLength   = &violation{code: StatusProtocolError, text: "control frame over 125 bytes"}                         // 5.5
	errContinuation    = &violation{code: StatusProtocolError, text: "continuation frame outside a message"}                 // 5.4
	errNoContinuation  = &violation{code: StatusProtocolError, text: "new message before the end of the last"}               // 5.4
	errCloseLength     = &violation{code: StatusProtocolError, text: "close frame with half a status code"}                  // 5.5.1
	errCloseCodeRcvd   = &violation{code: StatusProtocolError, text: "close frame with a code that may not be sent"}         // 7.4
	errCloseUTF8       = &violation{code: StatusInvalidFramePayloadData, text: "close reason is not UTF-8"}                  // 8.1
	errTextUTF8        = &violation{code: StatusInvalidFramePayloadData, text: "text is not UTF-8"}                          // 8.1
	errEmptyFrames     = &violation{code: StatusPolicyViolation, text: "too many empty frames in a row"}                     // 7.4.1
	errDeflate         = &violation{code: StatusInvalidFramePayloadData, text: "compressed message does not inflate"}        // RFC 7692, 7.2.2
)

// tooBig is the violation of a message over the read limit (RFC 6455 section
// 7.4.1).
func tooBig(limit int64) *violation {
	return &violation{code: StatusMessageTooBig, text: limitText(limit), err: ErrMessageTooBig, hint: setLimit}
}

// parseClose reads the payload of a close frame.
func parseClose(p []byte) (CloseError, error) {
	switch len(p) {
	case 0:
		return CloseError{Code: StatusNoStatusRcvd}, nil
	case 1:
		return CloseError{}, errCloseLength
	}
	var reason utf8stream.Validator
	if err := checkClosePrefix(p, &reason); err != nil {
		return CloseError{}, err
	}
	if !reason.Complete() {
		return CloseError{}, errCloseUTF8
	}
	return CloseError{Code: StatusCode(binary.BigEndian.Uint16(p)), Reason: string(p[2:])}, nil
}

// checkClosePrefix checks the first bytes of a close frame's payload, as many
// as have arrived, with a fresh validator.
func checkClosePrefix(p []byte, reason *utf8stream.Validator) error {
	if len(p) < 2 {
		return nil
	}
	if !StatusCode(binary.BigEndian.Uint16(p)).onWire() {
		return errCloseCodeRcvd
	}
	if !reason.Write(p[2:]) {
		return errCloseUTF8
	}
	return nil
}

// appendClose appends the payload of a close frame. StatusNoStatusRcvd stands
// for none.
func appendClose(dst []byte, code StatusCode, reason string) []byte {
	if code == StatusNoStatusRcvd {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}
