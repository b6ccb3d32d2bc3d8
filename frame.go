//go:build !js

package websocket

import (
	"encoding/binary"

	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/utf8stream"
)

// Short names for the types of package frame.
type (
	opcode = frame.Opcode
	byte0  = frame.Byte0
	header = frame.Header
)

// frameRules is the state of a connection that decides whether a header is allowed.
type frameRules struct {
	any       bool // only the length is checked
	masked    bool // frames must be masked: they come from a client
	deflate   bool // permessage-deflate was negotiated
	inMessage bool // the final frame of a message has not arrived yet
}

// parseHeader parses the header at the start of b into h (RFC 6455 section 5.2). It
// returns the header's length n, or 0 if more bytes are needed. It returns a violation
// as soon as the bytes that show it are there. The header is passed by reference to
// avoid a copy of small fields for each message.
func parseHeader(h *header, b []byte, rules frameRules) (n int, err error) {
	if len(b) < 2 {
		if len(b) == 1 {
			err = rules.checkFirst(b[0])
		}
		return 0, err
	}
	b0, b1 := b[0], b[1]
	h.Byte0 = byte0(b0)
	h.Masked = b1&frame.BitMasked != 0
	h.Key = 0
	// Fast path: the first frame of an uncompressed message, masked as it must be.
	begins := b0&^frame.BitFin == byte(frame.Text) || b0&^frame.BitFin == byte(frame.Binary)
	if !begins || rules != (frameRules{masked: h.Masked}) {
		if err := rules.checkFirst(b0); err != nil {
			return 0, err
		}
		if err := rules.checkSecond(h.Op(), b1); err != nil {
			return 0, err
		}
	}
	if size := b1 & frame.BitsLen; size <= frame.MaxControl {
		h.Length, n = int64(size), 2
	} else if h.Length, n, err = parseLength(b); n == 0 || err != nil {
		return 0, err
	}
	if h.Masked {
		if len(b) < n+4 {
			return 0, nil
		}
		h.Key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	return n, nil
}

// parseLength parses the payload length of a frame that begins with b, which has at
// least two bytes. The length ends before byte n, which is 0 if more bytes are needed.
func parseLength(b []byte) (length int64, n int, err error) {
	switch size := b[1] & frame.BitsLen; size {
	case 126:
		if len(b) < 4 {
			return 0, 0, nil
		}
		length = int64(binary.BigEndian.Uint16(b[2:]))
		if length <= frame.MaxControl {
			return 0, 0, errLengthForm
		}
		return length, 4, nil
	case 127:
		if len(b) > 2 && b[2]&0x80 != 0 {
			return 0, 0, errLengthTopBit
		}
		// If the upper six bytes are 0, 16 bits would have been enough.
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

// checkFirst returns a violation if a frame must not begin with b0.
func (rules frameRules) checkFirst(b0 byte) error {
	if rules.any {
		return nil
	}
	op := opcode(b0 & frame.BitsOp)
	if rsv := b0 & frame.BitsRSV; rsv != 0 {
		if rsv != frame.BitRSV1 || !rules.deflate || op != frame.Text && op != frame.Binary {
			return errRSV
		}
	}
	switch op {
	case frame.Continuation:
		if !rules.inMessage {
			return errContinuation
		}
	case frame.Text, frame.Binary:
		if rules.inMessage {
			return errNoContinuation
		}
	case frame.Close, frame.Ping, frame.Pong:
		if b0&frame.BitFin == 0 {
			return errControlFragment
		}
	default:
		return errOpcode
	}
	return nil
}

// checkSecond returns a violation if b1 must not be the second byte of a frame.
func (rules frameRules) checkSecond(op opcode, b1 byte) error {
	if rules.any {
		return nil
	}
	if b1&frame.BitMasked != 0 != rules.masked {
		if rules.masked {
			return errUnmasked
		}
		return errMasked
	}
	if op.IsControl() {
		switch size := b1 & frame.BitsLen; {
		case size > frame.MaxControl:
			return errControlLength
		case size == 1 && op == frame.Close:
			return errCloseLength
		}
	}
	return nil
}

// The violations of RFC 6455 and 7692, with their sections.
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
	errNoContinuation  = &violation{code: StatusProtocolError, text: "new message before the end of the previous one"}       // 5.4
	errCloseLength     = &violation{code: StatusProtocolError, text: "close frame with half a status code"}                  // 5.5.1
	errCloseCodeRcvd   = &violation{code: StatusProtocolError, text: "close frame with a code that may not be sent"}         // 7.4
	errCloseUTF8       = &violation{code: StatusInvalidFramePayloadData, text: "close reason is not UTF-8"}                  // 8.1
	errTextUTF8        = &violation{code: StatusInvalidFramePayloadData, text: "text is not UTF-8"}                          // 8.1
	errEmptyFrames     = &violation{code: StatusPolicyViolation, text: "too many empty frames in a row"}                     // 7.4.1
	errDeflate         = &violation{code: StatusInvalidFramePayloadData, text: "compressed message does not inflate"}        // RFC 7692, 7.2.2
)

// parseClose parses the payload of a close frame (RFC 6455 section 5.5.1).
func parseClose(p []byte) (CloseError, error) {
	switch len(p) {
	case 0:
		return CloseError{Code: StatusNoStatusRcvd}, nil
	case 1:
		return CloseError{}, errCloseLength
	}
	if err := checkClosePart(p, 0); err != nil {
		return CloseError{}, err
	}
	if !utf8stream.Valid(p[2:]) {
		return CloseError{}, errCloseUTF8
	}
	return CloseError{Code: StatusCode(binary.BigEndian.Uint16(p)), Reason: string(p[2:])}, nil
}

// checkClosePart validates the part of a close frame's payload that has arrived, so that
// the connection fails at the first invalid byte. key is the masking key.
func checkClosePart(masked []byte, key uint32) error {
	var payload [frame.MaxControl]byte
	mask.Copy(payload[:], masked, key)
	p := payload[:len(masked)]
	if len(p) < 2 {
		return nil
	}
	if !StatusCode(binary.BigEndian.Uint16(p)).onWire() {
		return errCloseCodeRcvd
	}
	var reason utf8stream.Validator
	if !reason.Write(p[2:]) {
		return errCloseUTF8
	}
	return nil
}

// appendClose appends the payload of a close frame, which is empty for
// StatusNoStatusRcvd.
func appendClose(dst []byte, code StatusCode, reason string) []byte {
	if code == StatusNoStatusRcvd {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}
