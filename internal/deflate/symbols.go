package deflate

import "encoding/binary"

// lookUp returns the entry for the code that begins skip bits ahead, and the offset at of
// the last part of the code. It consumes nothing. It reports false if the input does not
// contain the whole symbol with its extra bits.
func (d *decoder) lookUp(t *table, skip uint) (e entry, at uint, ok bool) {
	d.refill()
	for {
		at = skip
		b := d.bits >> (skip & 63)
		e = t.entries[b&(1<<(t.root&63)-1)]
		if e.kind() == kindLink {
			at += t.root
			b >>= t.root & 63
			e = t.entries[uint64(e.value())+b&(1<<e.width()-1)]
		}
		// With too few bits the entry may be wrong. Then it takes more bits than there
		// are, because no code is the beginning of another.
		if at+e.taken() <= d.nbits {
			return e, at, true
		}
		if !d.need(d.nbits + 1) {
			return 0, 0, false
		}
	}
}

// symbols inflates literals while there is room, and the match or end of block after them.
// It consumes a symbol only if all of its bits are available. Otherwise it returns errInput.
func (d *decoder) symbols() error {
	e, at, ok := d.lookUp(&d.lit, 0)
	for ok && e.kind() == kindLiteral {
		d.drop(at + e.taken())
		d.out[d.wrote] = byte(e.value())
		d.wrote++
		if d.wrote == len(d.out) {
			return nil
		}
		e, at, ok = d.lookUp(&d.lit, 0)
	}
	if !ok {
		return errInput
	}
	switch e.kind() {
	case kindEnd:
		d.drop(at + e.taken())
		d.endBlock()
		return nil
	case kindInvalid:
		return errSymbol
	}
	length := e.number(d.bits >> (at & 63))
	e, at, ok = d.lookUp(&d.dist, at+e.taken())
	if !ok {
		return errInput
	}
	if e.kind() == kindInvalid {
		return errSymbol
	}
	d.length, d.back = length, e.number(d.bits>>(at&63))
	d.drop(at + e.taken())
	d.step = atMatch
	return d.match()
}

// match copies as much of the current match as there is room for.
func (d *decoder) match() error {
	n := min(d.length, len(d.out)-d.wrote)
	if d.back <= d.wrote && n+matchSlack <= len(d.out)-d.wrote {
		copyMatch(d.out, d.wrote, d.back, n)
	} else if !d.copyWithin(d.wrote, d.back, n) {
		return errDistance
	}
	d.wrote += n
	if d.length -= n; d.length == 0 {
		d.step = atSymbols
	}
	return nil
}

// copyWithin copies n bytes of output from back bytes before at to at. They may begin before
// out, also in earlier messages. It reports false if they begin before the window.
func (d *decoder) copyWithin(at, back, n int) bool {
	for n > 0 {
		var k int
		dst := d.out[at : at+n]
		switch before := back - at; {
		case before <= 0:
			k = copy(dst, d.out[at-back:at])
		case before <= d.taken.len():
			k = d.taken.copyBack(dst, before)
		case before-d.taken.len() <= d.past.len():
			k = d.past.copyBack(dst, before-d.taken.len())
		default:
			return false
		}
		at += k
		n -= k
	}
	return true
}

const (
	// symbolBits is the maximum size of a literal or match: 15 and 5 bits for a length,
	// 15 and 13 for a distance.
	symbolBits = 48

	// literalsAtOnce is the number of literals of the first level that always fit in
	// symbolBits.
	literalsAtOnce = symbolBits / litTableBits

	// fastRoom is the room in the output that symbolsFast needs besides that for a match.
	fastRoom = literalsAtOnce + 1 + matchSlack
)

// symbolsFast inflates symbols up to the end of the block, while there is input for the
// longest one and room. It stops before a match that may not fit and before an invalid
// symbol, which it leaves to symbols. It is one function so that its variables stay in
// registers.
func (d *decoder) symbolsFast() {
	in, out := d.in, d.out
	bits, nbits, wrote := d.bits, d.nbits, d.wrote
	pos, lastPos, lastWrote := 0, len(in)-8, len(out)-fastRoom
	lit := (*[1 << litTableBits]entry)(d.lit.entries)
	dist := (*[1 << distTableBits]entry)(d.dist.entries)
	ended := false
	for wrote <= lastWrote {
		if pos <= lastPos {
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (nbits & 63)
			pos += int(63-nbits) >> 3
			nbits |= 56
		} else {
			for bits &= 1<<(nbits&63) - 1; nbits < 56 && pos < len(in); nbits += 8 {
				bits |= uint64(in[pos]) << (nbits & 63)
				pos++
			}
			if nbits < symbolBits {
				break
			}
		}

		e := lit[bits&(1<<litTableBits-1)]
		for range literalsAtOnce {
			if e&kindLiteral == 0 {
				break
			}
			bits >>= e & 63
			nbits -= e.taken()
			out[wrote] = byte(e >> 16)
			wrote++
			e = lit[bits&(1<<litTableBits-1)]
		}
		if e&kindLiteral != 0 {
			continue
		}
		if nbits < symbolBits {
			if pos > lastPos {
				continue
			}
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (nbits & 63)
			pos += int(63-nbits) >> 3
			nbits |= 56
		}

		// b and n are the bits after the parts decoded so far. They replace bits and
		// nbits when the whole symbol was decoded.
		b, n := bits, nbits
		if e&kindMask == kindLink {
			b >>= litTableBits
			n -= litTableBits
			e = d.lit.entries[uint64(e.value())+b&(1<<(e.width()&63)-1)]
			if e&kindLiteral != 0 {
				bits, nbits = b>>(e&63), n-e.taken()
				out[wrote] = byte(e >> 16)
				wrote++
				continue
			}
		}
		if e&kindMask == kindEnd {
			ended = true
			bits, nbits = b>>(e&63), n-e.taken()
			break
		}
		if e&kindMask != kindBase {
			break
		}
		length := e.value() + int(b&(1<<(e&63)-1)>>(e>>8&15))
		b >>= e & 63
		n -= e.taken()

		e = dist[b&(1<<distTableBits-1)]
		if e&kindMask == kindLink {
			b >>= distTableBits
			n -= distTableBits
			e = d.dist.entries[uint64(e.value())+b&(1<<(e.width()&63)-1)]
		}
		if e&kindMask != kindBase {
			break
		}
		back := e.value() + int(b&(1<<(e&63)-1)>>(e>>8&15))
		if length > len(out)-matchSlack-wrote {
			break
		}
		if back >= 16 && length <= 16 && back <= wrote {
			*(*[16]byte)(out[wrote:]) = *(*[16]byte)(out[wrote-back:])
		} else if back <= wrote {
			copyMatch(out, wrote, back, length)
		} else if !d.copyWithin(wrote, back, length) {
			break
		}
		wrote += length
		bits, nbits = b>>(e&63), n-e.taken()
	}
	d.bits, d.nbits, d.in, d.wrote = bits&(1<<(nbits&63)-1), nbits, in[pos:], wrote
	if ended {
		d.endBlock()
	}
}

const (
	// matchSlack is the number of bytes that copyMatch may write after a match.
	matchSlack = 32

	// longMatch is the length from which calls of copy are faster.
	longMatch = 48
)

// copyMatch copies length bytes of out from back bytes before at to at. It may write up to
// matchSlack bytes more.
func copyMatch(out []byte, at, back, length int) {
	end := at + length
	switch from := at - back; {
	case back < 8:
		repeat(out, at, back, end)
	case length >= longMatch:
		// Each copy doubles the number of bytes that the next one can copy.
		for at < end {
			at += copy(out[at:end], out[from:at])
		}
	case back >= 16:
		for ; at < end; at += 16 {
			*(*[16]byte)(out[at:]) = *(*[16]byte)(out[at-back:])
		}
	default:
		for ; at < end; at += 8 {
			*(*[8]byte)(out[at:]) = *(*[8]byte)(out[at-back:])
		}
	}
}

// repeat fills out from at to end, or up to matchSlack bytes farther, with the pattern of
// size < 8 bytes before at. It reads the pattern once, because a read that spans recent
// writes would wait for them.
func repeat(out []byte, at, size, end int) {
	v := binary.LittleEndian.Uint64(out[at-size:]) & (1<<(8*size) - 1)
	v |= v << (8 * size)
	v |= v << (16 * size)
	v |= v << (32 * size)
	if size&(size-1) == 0 {
		for ; at < end; at += 32 {
			p := (*[32]byte)(out[at:])
			binary.LittleEndian.PutUint64(p[:], v)
			binary.LittleEndian.PutUint64(p[8:], v)
			binary.LittleEndian.PutUint64(p[16:], v)
			binary.LittleEndian.PutUint64(p[24:], v)
		}
		return
	}
	for step := (8 - 8%size) & 7; at < end; at += 4 * step {
		p := (*[32]byte)(out[at:])
		binary.LittleEndian.PutUint64(p[:], v)
		binary.LittleEndian.PutUint64(p[step:], v)
		binary.LittleEndian.PutUint64(p[2*step:], v)
		binary.LittleEndian.PutUint64(p[3*step:], v)
	}
}
