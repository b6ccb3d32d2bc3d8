package deflate

import "encoding/binary"

// lookUp finds the entry for the bits after the first skip, and how many it
// takes with them; it drops none. It reports false when the input ends before
// the code does.
func (d *decoder) lookUp(t *table, skip uint) (e entry, used uint, ok bool) {
	for {
		b := d.bits >> (skip & 63)
		e = t.entries[b&(1<<(t.root&63)-1)]
		used = skip + e.codeLen()
		if e&kindMask == kindLink {
			b >>= t.root & 63
			e = t.entries[uint64(e.value())+b&(1<<e.extra()-1)]
			used += e.codeLen()
		}
		// With too few bits the entry may be the wrong one, but then its code
		// is longer than they are: no code begins another.
		if used <= d.nbits {
			return e, used, true
		}
		if !d.need(d.nbits + 1) {
			return 0, 0, false
		}
	}
}

// symbols inflates symbols one by one until there is no room for a match (nil),
// the block ends (nil, and the step is another), or the input does (errInput).
// It takes a symbol when all its bits are there.
func (d *decoder) symbols() error {
	for d.wrote+maxMatch <= len(d.out) {
		e, used, ok := d.lookUp(&d.lit, 0)
		if !ok {
			return errInput
		}
		switch e & kindMask {
		case kindLiteral:
			d.drop(used)
			d.out[d.wrote] = byte(e.value())
			d.wrote++
			continue
		case kindEnd:
			d.drop(used)
			d.endBlock()
			return nil
		case kindInvalid:
			return errSymbol
		}

		if !d.need(used + e.extra()) {
			return errInput
		}
		length := e.value() + int(d.bits>>(used&63)&(1<<e.extra()-1))
		e, used, ok = d.lookUp(&d.dist, used+e.extra())
		if !ok {
			return errInput
		}
		if e&kindMask == kindInvalid {
			return errSymbol
		}
		if !d.need(used + e.extra()) {
			return errInput
		}
		dist := e.value() + int(d.bits>>(used&63)&(1<<e.extra()-1))
		d.drop(used + e.extra())
		if err := d.match(dist, length); err != nil {
			return err
		}
	}
	return nil
}

// symbolsFast inflates symbols as long as there is room for a match and at
// least a word of input. It stops before the end of the block and before what
// is wrong, both of which symbols then meets.
func (d *decoder) symbolsFast() {
	// A symbol takes 48 bits at most: 15 and 5 for a length, 15 and 13 for a
	// distance. A refill gives 56 to 63, so that a literal or two of the first
	// level may come before it.
	const symbolBits = 48
	bits, nbits, in, wrote := d.bits, d.nbits, d.in, d.wrote
	lit, litMask := d.lit.entries, uint64(1)<<(d.lit.root&63)-1
	dist, distMask := d.dist.entries, uint64(1)<<(d.dist.root&63)-1
	out := &d.out
	for len(in) >= 8 && wrote+maxMatch+fastSlack <= len(out) {
		bits |= binary.LittleEndian.Uint64(in) << (nbits & 63)
		in = in[(63-nbits)>>3:]
		nbits |= 56

		e := lit[bits&litMask]
		for e&kindMask == kindLiteral && nbits >= symbolBits {
			bits >>= e & 15
			nbits -= e.codeLen()
			out[wrote&(outputSize-1)] = byte(e >> 16)
			wrote++
			e = lit[bits&litMask]
		}
		if nbits < symbolBits {
			continue
		}

		// b and n run ahead: a symbol that is not for this loop is not taken.
		b, n := bits, nbits
		if e&kindMask == kindLink {
			b >>= e & 15
			n -= e.codeLen()
			e = lit[uint64(e>>16)+b&(1<<e.extra()-1)]
		}
		b >>= e & 15
		n -= e.codeLen()
		if e&kindMask == kindLiteral {
			out[wrote&(outputSize-1)] = byte(e >> 16)
			wrote++
			bits, nbits = b, n
			continue
		}
		if e&kindMask != kindBase {
			break
		}
		length := e.value() + int(b&(1<<e.extra()-1))
		b >>= e.extra()
		n -= e.extra()

		e = dist[b&distMask]
		if e&kindMask == kindLink {
			b >>= e & 15
			n -= e.codeLen()
			e = dist[uint64(e>>16)+b&(1<<e.extra()-1)]
		}
		if e&kindMask != kindBase {
			break
		}
		b >>= e & 15
		n -= e.codeLen()
		back := e.value() + int(b&(1<<e.extra()-1))
		if back <= wrote {
			copyMatch(out, wrote, back, length)
			wrote += length
		} else {
			d.wrote = wrote
			if d.match(back, length) != nil {
				break
			}
			wrote = d.wrote
		}
		bits, nbits = b>>e.extra(), n-e.extra()
	}
	d.bits, d.nbits, d.in, d.wrote = bits&(1<<(nbits&63)-1), nbits, in, wrote
}

// fastSlack is what symbolsFast may put out before a match, and copyMatch after
// one: a literal for each bit that a refill gives past symbolBits, which is at
// most 16, and seven bytes.
const fastSlack = 32

// copyMatch copies length bytes that begin back before at to at. It may write
// up to 7 bytes more.
func copyMatch(out *[outputSize]byte, at, back, length int) {
	src := at - back
	if back >= 8 {
		for n := 0; n < length; n += 8 {
			binary.LittleEndian.PutUint64(out[at+n:], binary.LittleEndian.Uint64(out[src+n:]))
		}
		return
	}
	for n := range length {
		out[at+n] = out[src+n]
	}
}

// match copies length bytes from dist before, for which there is room, out of
// the window too.
func (d *decoder) match(dist, length int) error {
	if dist > d.wrote {
		back := dist - d.wrote
		if back > d.past.len() {
			return errDistance
		}
		n := d.past.copyBack(d.out[d.wrote:d.wrote+length], back)
		d.wrote += n
		length -= n
	}
	for length > 0 {
		n := copy(d.out[d.wrote:d.wrote+length], d.out[d.wrote-dist:d.wrote])
		d.wrote += n
		length -= n
	}
	return nil
}
