//go:build (amd64 || arm64) && !purego

package utf8stream

import "encoding/binary"

// advanceLong returns the state after p, which has at least minVector bytes.
//
// Whether a byte is refused depends on itself and the three before it, so the
// kernels need no state: the table takes the first three bytes, which may go on
// with a sequence of an earlier piece, and a kernel looks at all the others at
// once. The last three bytes tell the state at the end.
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

// advanceFollowing returns the state after p, which has at least minVector bytes. The
// first three are valid.
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

// endState returns the state after text that follow takes for right and that
// ends in the three bytes last. Continuations that these begin with belong to a
// sequence that is whole: the rest of one that is not would begin with its
// lead.
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
