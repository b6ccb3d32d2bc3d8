package deflate

import "encoding/binary"

// lenOrder is the order of the code lengths of the code length code (RFC 1951 section
// 3.2.7).
var lenOrder = [lenSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHead reads the numbers of code lengths of a dynamic block (RFC 1951 section 3.2.7).
func (d *decoder) dynamicHead() error {
	if !d.need(14) {
		return errInput
	}
	d.nlit = d.take(5) + 257
	d.ndist = d.take(5) + 1
	d.nlens = d.take(4) + 4
	if d.nlit > 286 || d.ndist > 30 {
		return errLengths
	}
	clear(d.lens[:lenSymbols])
	d.lensRead = 0
	d.step = atLenLens
	return nil
}

// lenLens reads the code lengths of the code length code.
func (d *decoder) lenLens() error {
	for d.lensRead < d.nlens {
		if !d.need(3) {
			return errInput
		}
		d.lens[lenOrder[d.lensRead]] = uint8(d.take(3))
		d.lensRead++
	}
	d.lenCode.entries = d.lenTable[:]
	if !d.lenCode.build(d.lens[:lenSymbols], lenEntries[:], lenTableBits) {
		return errLengths
	}
	d.lensRead = 0
	d.step = atLens
	return nil
}

// codeLens reads the code lengths of both codes, which are one sequence, and builds their
// tables.
func (d *decoder) codeLens() error {
	n := d.nlit + d.ndist
	for d.lensRead < n {
		if d.shortLens(n); d.lensRead == n {
			break
		}
		if err := d.codeLen(n); err != nil {
			return err
		}
	}
	if d.lens[endOfBlock] == 0 {
		return errLengths
	}
	d.lit.entries, d.dist.entries = d.litTable[:], d.distTable[:]
	if !d.lit.build(d.lens[:d.nlit], litEntries[:], litTableBits) ||
		!d.dist.build(d.lens[d.nlit:n], distEntries[:], distTableBits) {
		return errLengths
	}
	d.step = atSymbols
	return nil
}

// shortLens reads code lengths up to the first run, while there is a word of input.
func (d *decoder) shortLens(n int) {
	bits, nbits, in, read := d.bits, d.nbits, d.in, d.lensRead
	codes := (*[1 << lenTableBits]entry)(d.lenCode.entries)
	for len(in) >= 8 && read < n {
		bits |= binary.LittleEndian.Uint64(in) << (nbits & 63)
		in = in[(63-nbits)>>3:]
		nbits |= 56
		e := codes[bits&(1<<lenTableBits-1)]
		for nbits >= lenTableBits && e.kind() == kindLiteral && e.value() < 16 && read < n {
			bits >>= e & 63
			nbits -= e.taken()
			d.lens[read] = uint8(e.value())
			read++
			e = codes[bits&(1<<lenTableBits-1)]
		}
		if nbits >= lenTableBits {
			break
		}
	}
	d.bits, d.nbits, d.in, d.lensRead = bits&(1<<(nbits&63)-1), nbits, in, read
}

// codeLen reads one code length, or a run of them. n is the number of all code lengths.
func (d *decoder) codeLen(n int) error {
	e, _, ok := d.lookUp(&d.lenCode, 0)
	if !ok {
		return errInput
	}
	if e.kind() == kindInvalid {
		return errLengths
	}
	symbol := e.value()
	if symbol < 16 {
		d.drop(e.taken())
		d.lens[d.lensRead] = uint8(symbol)
		d.lensRead++
		return nil
	}

	var length uint8
	extra, run := uint(2), 3
	switch symbol {
	case 16:
		if d.lensRead == 0 {
			return errLengths
		}
		length = d.lens[d.lensRead-1]
	case 17:
		extra = 3
	case 18:
		extra, run = 7, 11
	}
	if !d.need(e.taken() + extra) {
		return errInput
	}
	d.drop(e.taken())
	run += d.take(extra)
	if run > n-d.lensRead {
		return errLengths
	}
	for range run {
		d.lens[d.lensRead] = length
		d.lensRead++
	}
	return nil
}
