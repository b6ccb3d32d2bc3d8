package utf8stream

import (
	"math/bits"

	"github.com/bhojpur/api/internal/mask"
	"github.com/bhojpur/api/internal/race"
)

// minOnePass is the length from which one pass is faster than two.
const minOnePass = 512

// Unmask unmasks src into dst, as [mask.Copy] does, and adds the result to the stream, as
// [Validator.Write] does. next is the key for the byte after src. If ok is false, the
// contents of dst are undefined.
//
// dst and src must begin at the same byte or not overlap. Unmask panics if dst is shorter
// than src.
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
