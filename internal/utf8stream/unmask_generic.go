package utf8stream

import (
	"encoding/binary"

	"github.com/bhojpur/api/internal/mask"
)

// unmaskGeneric is unmaskLong in Go. It tests 32 bytes at a time for ASCII, and passes
// those that are not through the state table.
func unmaskGeneric(s state, dst, src []byte, key uint32) state {
	k := uint64(key) | uint64(key)<<32
	at := uint64(s)
	for len(src) >= 32 && len(dst) >= 32 {
		p, q := dst[:32:32], src[:32:32]
		a, b := binary.LittleEndian.Uint64(q)^k, binary.LittleEndian.Uint64(q[8:])^k
		c, d := binary.LittleEndian.Uint64(q[16:])^k, binary.LittleEndian.Uint64(q[24:])^k
		binary.LittleEndian.PutUint64(p, a)
		binary.LittleEndian.PutUint64(p[8:], b)
		binary.LittleEndian.PutUint64(p[16:], c)
		binary.LittleEndian.PutUint64(p[24:], d)
		if at != uint64(boundary) || (a|b|c|d)&highBits64 != 0 {
			at = step16(step16(at, p), p[16:])
			if at == uint64(refused) {
				return refused
			}
		}
		dst, src = dst[32:], src[32:]
	}
	mask.Copy(dst, src, key)
	return advanceGeneric(state(at), dst)
}
