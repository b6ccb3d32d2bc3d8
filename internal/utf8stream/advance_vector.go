//go:build (amd64 || arm64) && !purego

package utf8stream

import "encoding/binary"

// advanceLong returns the state after p, which has at least minVector bytes.
//
// Whether a byte is refused depends on it and the three bytes before it, so the kernels
// need no state. The first three bytes, which may continue a sequence of an earlier piece,
// pass through the table, and a kernel tests the others. The last three bytes determine the
// state at the end.
func advanceLong(s state, p []byte) state {
	if !haveVectors {
		return advanceGeneric(s, p)
	}
	if s != boundary || binary.LittleEndian.Uint32(p)&highBits32 != 0 {
		at := transitions[p[0]] >> (s & 63)
		at = transitions[p[1]] >> (at & 63)
		at = transitions[p[2]] >> (at & 63)
		if state(at&63) == refused {
			return refused
		}
	}
	return advanceFollowing(p)
}

// advanceFollowing returns the state after p, which has at least minVector bytes, of which
// the first three are valid.
func advanceFollowing(p []byte) state {
	n := len(p)
	if !follow(&p[0], n) {
		return refused
	}
	if p[n-1] < 0x80 {
		return boundary
	}
	return endState(p[n-3:])
}

// endState returns the state after text that follow accepts and that ends in the three
// bytes last. If these begin with continuations, the sequence of these is complete: of an
// incomplete one they contain the first byte.
func endState(last []byte) state {
	for len(last) > 0 && last[0]&0xC0 == 0x80 {
		last = last[1:]
	}
	at := uint64(boundary)
	for _, b := range last {
		at = transitions[b] >> (at & 63)
	}
	return state(at & 63)
}
