package utf8stream

import "encoding/binary"

// advanceGeneric skips ASCII 64 and 8 bytes at a time, and takes all else
// through the table, 16 bytes between two looks at whether one was refused.
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

// skipASCII returns p from the first group of eight bytes that is not all
// ASCII.
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

// step16 takes 16 bytes through the table. Only the low six bits of at count;
// those of the result are all it has.
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
