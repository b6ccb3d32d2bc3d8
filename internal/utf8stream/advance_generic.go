package utf8stream

import "encoding/binary"

// advanceGeneric is advance in Go. It skips ASCII 64 and 8 bytes at a time. Other text
// passes through the table, with a test for refused after each 16 bytes.
func advanceGeneric(s state, p []byte) state {
	at := uint64(s)
	for len(p) >= 16 {
		if at == uint64(boundary) {
			p = skipASCII(p)
			if len(p) < 16 {
				break
			}
		}
		at = step16(at, p)
		if at == uint64(refused) {
			return refused
		}
		p = p[16:]
	}
	for _, b := range p {
		at = transitions[b] >> (at & 63)
	}
	return state(at & 63)
}

// IsASCII reports whether p is ASCII.
func IsASCII(p []byte) bool {
	p = skipASCII(p)
	for _, b := range p {
		if b >= 0x80 {
			return false
		}
	}
	return true
}

// skipASCII returns p from the first group of eight bytes on that is not all ASCII.
func skipASCII(p []byte) []byte {
	for len(p) >= 64 {
		q := p[:64:64]
		a := binary.LittleEndian.Uint64(q) | binary.LittleEndian.Uint64(q[8:])
		b := binary.LittleEndian.Uint64(q[16:]) | binary.LittleEndian.Uint64(q[24:])
		c := binary.LittleEndian.Uint64(q[32:]) | binary.LittleEndian.Uint64(q[40:])
		d := binary.LittleEndian.Uint64(q[48:]) | binary.LittleEndian.Uint64(q[56:])
		if (a|b|c|d)&highBits64 != 0 {
			break
		}
		p = p[64:]
	}
	for len(p) >= 8 && binary.LittleEndian.Uint64(p)&highBits64 == 0 {
		p = p[8:]
	}
	return p
}

// step16 returns the state after 16 bytes. It uses only the low six bits of at, and sets
// no others in the result.
func step16(at uint64, p []byte) uint64 {
	q := p[:16:16]
	at = transitions[q[0]] >> (at & 63)
	at = transitions[q[1]] >> (at & 63)
	at = transitions[q[2]] >> (at & 63)
	at = transitions[q[3]] >> (at & 63)
	at = transitions[q[4]] >> (at & 63)
	at = transitions[q[5]] >> (at & 63)
	at = transitions[q[6]] >> (at & 63)
	at = transitions[q[7]] >> (at & 63)
	at = transitions[q[8]] >> (at & 63)
	at = transitions[q[9]] >> (at & 63)
	at = transitions[q[10]] >> (at & 63)
	at = transitions[q[11]] >> (at & 63)
	at = transitions[q[12]] >> (at & 63)
	at = transitions[q[13]] >> (at & 63)
	at = transitions[q[14]] >> (at & 63)
	at = transitions[q[15]] >> (at & 63)
	return at & 63
}
