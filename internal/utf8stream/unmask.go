package utf8stream

import (
	"math/bits"

	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/race"
)

// minOnePass is the length from which unmasking and validating in one pass is faster
// than one after the other.
const minOnePass = 512

// Unmask unmasks src into dst as [mask.Copy] does, returns the key for the byte after
// src, and writes dst to the stream as [Validator.Write] does. If it reports false,
// the content of dst is undefined. dst and src begin at the same byte or do not
// overlap at all. Unmask panics if dst is shorter than src.
func (v *Validator) Unmask(dst, src []byte, key uint32) (next uint32, ok bool) {
	dst = dst[:len(src)]
	if len(src) < minOnePass {
		next = mask.Copy(dst, src, key)
		v.at = advance(v.at, dst)
		return next, v.at != refused
	}
	race.Read(src)
	race.Write(dst)
	v.at = unmaskLong(v.at, dst, src, key)
	return bits.RotateLeft32(key, -8*(len(src)&3)), v.at != refused
}
