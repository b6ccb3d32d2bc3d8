package autobahn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// An Opcode is the type of a frame (RFC 6455 section 5.2). The suite also sends the
// reserved ones, 3 to 7 and 11 to 15.
type Opcode byte

// Opcodes.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xa
)

var opcodeNames = map[Opcode]string{
	Continuation: "continuation",
	Text:         "text",
	Binary:       "binary",
	Close:        "close",
	Ping:         "ping",
	Pong:         "pong",
}

// String returns the name of the opcode, or its number if it is reserved.
func (o Opcode) String() string {
	if name, ok := opcodeNames[o]; ok {
		return name
	}
	return fmt.Sprintf("opcode %d", byte(o))
}

func (o Opcode) control() bool { return o&0x8 != 0 }

// The reserved bits of a frame.
const (
	rsv1 = 4 // set in the first frame of a compressed message (RFC 7692 section 6)
	rsv2 = 2
	rsv3 = 1
)

const (
	// maxControlPayload is the limit of RFC 6455 section 5.5.
	maxControlPayload = 125

	// maxPayload is the largest accepted payload: twice the longest message that the
	// suite sends.
	maxPayload = 32 << 20
)

// header is the header of a frame.
type header struct {
	fin    bool
	rsv    byte
	opcode Opcode
	masked bool
	key    [4]byte // if masked
	length uint64
}

// appendHeader appends the encoded header, with the length in its shortest form.
func appendHeader(dst []byte, h header) []byte {
	first := byte(h.opcode) | h.rsv<<4
	if h.fin {
		first |= 0x80
	}
	var mask byte
	if h.masked {
		mask = 0x80
	}
	switch {
	case h.length <= 125:
		dst = append(dst, first, mask|byte(h.length))
	case h.length <= 0xffff:
		dst = append(dst, first, mask|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(h.length))
	default:
		dst = append(dst, first, mask|127)
		dst = binary.BigEndian.AppendUint64(dst, h.length)
	}
	if h.masked {
		dst = append(dst, h.key[:]...)
	}
	return dst
}

// applyMask masks or unmasks p, which begins at offset in a payload, and returns the
// offset of its end. The race detector would make it ten times slower.
//
//go:norace
func applyMask(p []byte, key [4]byte, offset int) int {
	var wide [8]byte
	for i := range wide {
		wide[i] = key[(offset+i)&3]
	}
	k := binary.LittleEndian.Uint64(wide[:])
	n := offset + len(p)
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= wide[i]
	}
	return n
}

// errLength is the error of a length that violates RFC 6455 section 5.2.
var errLength = errors.New("the length is not in its shortest form")

// readHeader reads a header. If the length is not in its shortest form, it returns
// errLength together with the header.
func readHeader(r *bufio.Reader) (header, error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return header{}, err
	}
	h := header{
		fin:    b[0]&0x80 != 0,
		rsv:    b[0] >> 4 & 7,
		opcode: Opcode(b[0] & 0xf),
		masked: b[1]&0x80 != 0,
		length: uint64(b[1] & 0x7f),
	}
	var form error
	switch h.length {
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return header{}, midFrame(err)
		}
		if h.length = uint64(binary.BigEndian.Uint16(b[:])); h.length < 126 {
			form = errLength
		}
	case 127:
		if _, err := io.ReadFull(r, b[:8]); err != nil {
			return header{}, midFrame(err)
		}
		if h.length = binary.BigEndian.Uint64(b[:]); h.length <= 0xffff {
			form = errLength
		}
	}
	if h.masked {
		if _, err := io.ReadFull(r, h.key[:]); err != nil {
			return header{}, midFrame(err)
		}
	}
	return h, form
}

// midFrame returns err as the error of an incomplete frame.
func midFrame(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
