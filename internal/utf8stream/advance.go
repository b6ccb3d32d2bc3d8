package utf8stream

import (
	"encoding/binary"

	"github.com/bhojpur/api/internal/race"
)

// The high bits of words of eight and four bytes. ASCII bytes have none.
const (
	highBits64 = 0x8080808080808080
	highBits32 = 0x80808080
)

// minLong is the length from which the platform's kernel is faster than the state table,
// for text that is not ASCII.
const minLong = 24

// advance returns the state after p. It tests up to 64 bytes for ASCII at once, in words of
// which the last overlap the first. Other text below minLong passes through the table.
func advance(s state, p []byte) state {
	n := len(p)
	if s == boundary {
		switch {
		case n > 64:
		case n >= 32:
			a := binary.LittleEndian.Uint64(p) | binary.LittleEndian.Uint64(p[8:])
			b := binary.LittleEndian.Uint64(p[16:]) | binary.LittleEndian.Uint64(p[24:])
			c := binary.LittleEndian.Uint64(p[n-32:]) | binary.LittleEndian.Uint64(p[n-24:])
			d := binary.LittleEndian.Uint64(p[n-16:]) | binary.LittleEndian.Uint64(p[n-8:])
			if (a|b|c|d)&highBits64 == 0 {
				return boundary
			}
		case n >= 16:
			a := binary.LittleEndian.Uint64(p) | binary.LittleEndian.Uint64(p[8:])
			b := binary.LittleEndian.Uint64(p[n-16:]) | binary.LittleEndian.Uint64(p[n-8:])
			if (a|b)&highBits64 == 0 {
				return boundary
			}
		case n >= 8:
			if (binary.LittleEndian.Uint64(p)|binary.LittleEndian.Uint64(p[n-8:]))&highBits64 == 0 {
				return boundary
			}
		case n >= 4:
			if (binary.LittleEndian.Uint32(p)|binary.LittleEndian.Uint32(p[n-4:]))&highBits32 == 0 {
				return boundary
			}
		}
	}
	if n >= minLong {
		race.Read(p)
		return advanceLong(s, p)
	}
	at := uint64(s)
	if n >= 16 {
		at = step16(at, p)
		p = p[16:]
	}
	for len(p) >= 4 {
		q := p[:4:4] // a third less time than one byte at a time
		at = transitions[q[0]] >> (at & 63)
		at = transitions[q[1]] >> (at & 63)
		at = transitions[q[2]] >> (at & 63)
		at = transitions[q[3]] >> (at & 63)
		p = p[4:]
	}
	for _, b := range p {
		at = transitions[b] >> (at & 63)
	}
	return state(at & 63)
}
