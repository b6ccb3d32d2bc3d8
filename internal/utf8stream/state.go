package utf8stream

// A state says which bytes may come next in the stream. Its value is the position of its
// field in the rows of transitions, a multiple of fieldBits.
type state uint8

// fieldBits is the width of a field of a row. Six bits hold a shift of 0 to 63, and ten
// fields fit in 64 bits.
const fieldBits = 6

const (
	boundary  state = fieldBits * iota // the first byte of a sequence
	refused                            // none: a byte was refused
	oneMore                            // 80..BF
	twoMore                            // 80..BF, then oneMore
	threeMore                          // 80..BF, then twoMore
	afterE0                            // A0..BF, then oneMore: 80..9F is overlong
	afterED                            // 80..9F, then oneMore: A0..BF is a surrogate
	afterF0                            // 90..BF, then twoMore: 80..8F is overlong
	afterF4                            // 80..8F, then twoMore: 90..BF is above U+10FFFF
	pastStates
)

// transitions has a row for each byte. The field at bit s is the state after that byte in
// state s. A step is a load, which does not depend on the state, and a shift, which is all
// that depends on the previous step. It has no branch.
var transitions = func() (rows [256]uint64) {
	for b := range rows {
		for s := boundary; s < pastStates; s += fieldBits {
			rows[b] |= uint64(next(s, byte(b))) << s
		}
	}
	return rows
}()

// next is the transition function, by the ranges of RFC 3629 section 4.
func next(s state, b byte) state {
	in := func(lo, hi byte) bool { return lo <= b && b <= hi }
	switch {
	case s == boundary:
		return lead(b)
	case s == oneMore && in(0x80, 0xBF):
		return boundary
	case s == twoMore && in(0x80, 0xBF), s == afterE0 && in(0xA0, 0xBF), s == afterED && in(0x80, 0x9F):
		return oneMore
	case s == threeMore && in(0x80, 0xBF), s == afterF0 && in(0x90, 0xBF), s == afterF4 && in(0x80, 0x8F):
		return twoMore
	}
	return refused
}

// lead is the transition from boundary. C0 and C1 begin only overlong forms, F5 to FF only
// code points above U+10FFFF.
func lead(b byte) state {
	switch {
	case b < 0x80:
		return boundary
	case b < 0xC2:
		return refused
	case b < 0xE0:
		return oneMore
	case b == 0xE0:
		return afterE0
	case b == 0xED:
		return afterED
	case b < 0xF0:
		return twoMore
	case b == 0xF0:
		return afterF0
	case b < 0xF4:
		return threeMore
	case b == 0xF4:
		return afterF4
	}
	return refused
}
