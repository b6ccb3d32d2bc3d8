// Package frame defines the encoding of WebSocket frames (RFC 6455 section 5.2): opcodes,
// the bits of the first two bytes, and headers. It does not check headers or the order of
// frames.
package frame

import (
	"encoding/binary"
	"math"
)

// Opcode is the opcode of a frame (RFC 6455 section 5.2).
type Opcode byte

const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xa
)

// IsControl reports whether op is the opcode of a control frame (RFC 6455 section 5.5),
// also of a reserved one.
func (op Opcode) IsControl() bool { return op&0x8 != 0 }

// Byte0 is the first byte of a frame in wire format: FIN, the reserved bits and the
// Opcode. It is not split into fields, since copying fields that were just written one
// by one stalls the processor.
type Byte0 byte

// Op returns the opcode, and Fin and RSV1 report whether these bits are set.
func (b Byte0) Op() Opcode { return Opcode(b & BitsOp) }
func (b Byte0) Fin() bool  { return b&BitFin != 0 }
func (b Byte0) RSV1() bool { return b&BitRSV1 != 0 }

// Final returns the first byte of the last or only frame of a message, or of a
// control frame.
func Final(op Opcode) Byte0 { return BitFin | Byte0(op) }

// The bits of a frame's first two bytes.
const (
	BitFin    = 0x80
	BitRSV1   = 0x40
	BitsRSV   = 0x70
	BitsOp    = 0x0f
	BitMasked = 0x80
	BitsLen   = 0x7f
)

const (
	// MaxHeader is two bytes, a 64-bit length and a masking key.
	MaxHeader = 2 + 8 + 4
	// MaxControl is the maximum payload of a control frame (RFC 6455 section 5.5).
	MaxControl = 125
)

// Header is the header of a frame.
type Header struct {
	Byte0
	Masked bool
	Key    uint32 // as in internal/mask
	Length int64
}

// AppendHeader appends h in its shortest form. It is small enough to be inlined.
func AppendHeader(dst []byte, h Header) []byte {
	var b1 byte
	if h.Masked {
		b1 = BitMasked
	}
	switch {
	case h.Length <= MaxControl:
		dst = append(dst, byte(h.Byte0), b1|byte(h.Length))
	case h.Length <= math.MaxUint16:
		dst = append(dst, byte(h.Byte0), b1|126, byte(h.Length>>8), byte(h.Length))
	default:
		dst = append(dst, byte(h.Byte0), b1|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(h.Length))
	}
	if h.Masked {
		dst = binary.LittleEndian.AppendUint32(dst, h.Key)
	}
	return dst
}
