package rawpeer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// An Opcode is the type of a frame (RFC 6455 section 5.2). Reserved opcodes can be sent
// and read too.
type Opcode byte

// The opcodes that RFC 6455 defines.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xA
)

// String returns the opcode's name, or its number.
func (o Opcode) String() string {
	switch o {
	case OpContinuation:
		return "continuation"
	case OpText:
		return "text"
	case OpBinary:
		return "binary"
	case OpClose:
		return "close"
	case OpPing:
		return "ping"
	case OpPong:
		return "pong"
	}
	return fmt.Sprintf("opcode %#x", byte(o))
}

// The reserved bits, as in Frame.RSV.
const (
	RSV1 = 1 << 2 // the message is compressed (RFC 7692 section 6)
	RSV2 = 1 << 1
	RSV3 = 1 << 0
)

// A Frame is one frame of RFC 6455 section 5.2, valid or not.
type Frame struct {
	Fin     bool
	RSV     byte // RSV1, RSV2, RSV3
	Opcode  Opcode
	Masked  bool
	Key     [4]byte // if Masked
	Payload []byte  // unmasked
}

// Text returns a message of one text frame.
func Text(s string) Frame { return Frame{Fin: true, Opcode: OpText, Payload: []byte(s)} }

// Binary returns a message of one binary frame. It does not copy p.
func Binary(p []byte) Frame { return Frame{Fin: true, Opcode: OpBinary, Payload: p} }

// Continuation returns the last frame of a fragmented message.
func Continuation(s string) Frame {
	return Frame{Fin: true, Opcode: OpContinuation, Payload: []byte(s)}
}

// Ping returns a ping frame.
func Ping(s string) Frame { return Frame{Fin: true, Opcode: OpPing, Payload: []byte(s)} }

// Pong returns a pong frame.
func Pong(s string) Frame { return Frame{Fin: true, Opcode: OpPong, Payload: []byte(s)} }

// NoCode is the code of a close frame with an empty payload.
const NoCode = 0

// Close returns a close frame.
func Close(code int, reason string) Frame {
	f := Frame{Fin: true, Opcode: OpClose}
	if code != NoCode {
		f.Payload = append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	}
	return f
}

// More returns f without its FIN bit: more fragments follow.
func (f Frame) More() Frame {
	f.Fin = false
	return f
}

// WithRSV returns f with exactly these reserved bits.
func (f Frame) WithRSV(bits byte) Frame {
	f.RSV = bits
	return f
}

// WithKey returns f masked with key.
func (f Frame) WithKey(key [4]byte) Frame {
	f.Masked = true
	f.Key = key
	return f
}

// CloseCode returns the code and the reason of a close frame, or NoCode.
func (f Frame) CloseCode() (code int, reason string) {
	if len(f.Payload) < 2 {
		return NoCode, ""
	}
	return int(binary.BigEndian.Uint16(f.Payload)), string(f.Payload[2:])
}

// String describes f in one line.
func (f Frame) String() string {
	s := f.Opcode.String()
	if !f.Fin {
		s += " (more)"
	}
	if f.RSV != 0 {
		s += fmt.Sprintf(" RSV %03b", f.RSV)
	}
	if f.Opcode == OpClose && len(f.Payload) >= 2 {
		code, reason := f.CloseCode()
		return fmt.Sprintf("%s %d %q", s, code, reason)
	}
	const shown = 64 // of the payload; enough to distinguish messages
	if len(f.Payload) > shown {
		return fmt.Sprintf("%s %q... of %d bytes", s, f.Payload[:shown], len(f.Payload))
	}
	return fmt.Sprintf("%s %q", s, f.Payload)
}

// A LengthForm is one of the three encodings of a payload length.
type LengthForm int

const (
	Shortest LengthForm = iota // required by RFC 6455 section 5.2
	Length7                    // in the second byte
	Length16
	Length64
)

func shortest(length uint64) LengthForm {
	switch {
	case length <= 125:
		return Length7
	case length <= math.MaxUint16:
		return Length16
	}
	return Length64
}

// AppendFrame appends the encoding of f, masked if f.Masked.
func AppendFrame(dst []byte, f Frame) []byte {
	return AppendFrameAs(dst, f, Shortest, uint64(len(f.Payload)))
}

// AppendFrames appends the encoding of frames.
func AppendFrames(dst []byte, frames ...Frame) []byte {
	for _, f := range frames {
		dst = AppendFrame(dst, f)
	}
	return dst
}

// AppendFrameAs appends f with a header that declares length, encoded as form,
// independent of the payload. A form that is too small drops the upper bits. The
// payload is appended unchanged.
func AppendFrameAs(dst []byte, f Frame, form LengthForm, length uint64) []byte {
	dst = AppendHeader(dst, f, form, length)
	dst = append(dst, f.Payload...)
	if f.Masked {
		mask(dst[len(dst)-len(f.Payload):], f.Key)
	}
	return dst
}

// AppendHeader is AppendFrameAs without the payload.
func AppendHeader(dst []byte, f Frame, form LengthForm, length uint64) []byte {
	first := byte(f.Opcode)&0xf | f.RSV&7<<4
	if f.Fin {
		first |= 0x80
	}
	var second byte
	if f.Masked {
		second = 0x80
	}
	if form == Shortest {
		form = shortest(length)
	}
	switch form {
	case Length7:
		dst = append(dst, first, second|byte(length)&0x7f)
	case Length16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, second|126), uint16(length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|127), length)
	}
	if f.Masked {
		dst = append(dst, f.Key[:]...)
	}
	return dst
}

// The errors that ParseHeader returns for an invalid length (RFC 6455 section 5.2).
var (
	ErrNotShortest = errors.New("length is not in its shortest form")
	ErrTopBit      = errors.New("top bit of 64-bit length is set")
)

// ParseHeader parses the header at the start of b. n is its size, and length the
// declared payload length. If b is too short, it returns io.ErrUnexpectedEOF, and n is
// the number of bytes needed to continue.
func ParseHeader(b []byte) (f Frame, length uint64, n int, err error) {
	if n = 2; len(b) < n {
		return f, 0, n, io.ErrUnexpectedEOF
	}
	f.Fin = b[0]&0x80 != 0
	f.RSV = b[0] >> 4 & 7
	f.Opcode = Opcode(b[0] & 0xf)
	f.Masked = b[1]&0x80 != 0
	form := Length7
	switch b[1] & 0x7f {
	case 126:
		form = Length16
		n += 2
	case 127:
		form = Length64
		n += 8
	}
	key := n
	if f.Masked {
		n += len(f.Key)
	}
	if len(b) < n {
		return f, 0, n, io.ErrUnexpectedEOF
	}
	switch form {
	case Length7:
		length = uint64(b[1] & 0x7f)
	case Length16:
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case Length64:
		length = binary.BigEndian.Uint64(b[2:])
	}
	if f.Masked {
		copy(f.Key[:], b[key:n])
	}
	if length>>63 != 0 {
		return f, length, n, ErrTopBit
	}
	if form != shortest(length) {
		return f, length, n, ErrNotShortest
	}
	return f, length, n, nil
}

// ParseFrame parses the frame at the start of b, which is n bytes long. Its payload is
// an unmasked copy. It returns io.ErrUnexpectedEOF if b is too short.
func ParseFrame(b []byte) (f Frame, n int, err error) {
	f, length, n, err := ParseHeader(b)
	if err != nil {
		return f, 0, err
	}
	if length > uint64(len(b)-n) {
		return f, 0, io.ErrUnexpectedEOF
	}
	end := n + int(length)
	f.Payload = slices.Clone(b[n:end])
	if f.Masked {
		mask(f.Payload, f.Key)
	}
	return f, end, nil
}

// ParseFrames parses all of b, which must end at the end of a frame.
func ParseFrames(b []byte) ([]Frame, error) {
	var frames []Frame
	for len(b) > 0 {
		f, n, err := ParseFrame(b)
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
		b = b[n:]
	}
	return frames, nil
}

// mask masks or unmasks b in place (RFC 6455 section 5.3). The race detector would make it
// ten times slower.
//
//go:norace
func mask(b []byte, key [4]byte) {
	for i := range b {
		b[i] ^= key[i%len(key)]
	}
}
