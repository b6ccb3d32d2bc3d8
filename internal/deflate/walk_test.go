package deflate

import (
	"errors"
	"fmt"
	"math/bits"
)

// A walker inflates in the plainest way, one bit at a time, keeps the whole
// stream, and refuses distances past a limit. It shares no code with the
// package.
type walker struct {
	limit int // of distances
	out   []byte

	in  []byte
	pos int // in bits
}

var errWalk = errors.New("walker: out of input")

// message inflates one payload, with its tail, after what came before, and
// returns what it added.
func (w *walker) message(payload []byte) (p []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	w.in, w.pos = append(append([]byte(nil), payload...), 0, 0, 0xff, 0xff), 0
	begin := len(w.out)
	for w.pos < 8*len(w.in) {
		w.block()
	}
	return w.out[begin:], nil
}

func (w *walker) bit() int {
	if w.pos >= 8*len(w.in) {
		panic(errWalk)
	}
	b := int(w.in[w.pos/8]>>(w.pos%8)) & 1
	w.pos++
	return b
}

func (w *walker) number(n int) (v int) {
	for i := range n {
		v |= w.bit() << i
	}
	return v
}

// A walkCode is a canonical code: how many codes each length has, and the
// symbols in the order of their codes.
type walkCode struct {
	count   [16]int
	symbols []int
}

func newWalkCode(lens []int) *walkCode {
	c := new(walkCode)
	for n := 1; n <= 15; n++ {
		for symbol, l := range lens {
			if l == n {
				c.count[n]++
				c.symbols = append(c.symbols, symbol)
			}
		}
	}
	return c
}

func (w *walker) symbol(c *walkCode) int {
	code, first, index := 0, 0, 0
	for n := 1; n <= 15; n++ {
		code |= w.bit()
		if code-first < c.count[n] {
			return c.symbols[index+code-first]
		}
		index += c.count[n]
		first = (first + c.count[n]) << 1
		code <<= 1
	}
	panic("walker: no such code")
}

func (w *walker) block() {
	final := w.bit()
	switch w.number(2) {
	case 0:
		w.pos = (w.pos + 7) / 8 * 8
		n, not := w.number(16), w.number(16)
		if n != not^0xffff {
			panic("walker: stored length")
		}
		for range n {
			w.out = append(w.out, byte(w.number(8)))
		}
	case 1:
		var lit, dist []int
		for i := range 288 {
			n := 8
			if i >= 144 && i < 256 {
				n = 9
			} else if i >= 256 && i < 280 {
				n = 7
			}
			lit = append(lit, n)
		}
		for range 30 {
			dist = append(dist, 5)
		}
		w.symbols(newWalkCode(lit), newWalkCode(dist))
	case 2:
		w.dynamic()
	default:
		panic("walker: block type")
	}
	if final == 1 {
		w.pos = (w.pos + 7) / 8 * 8
	}
}

func (w *walker) dynamic() {
	nlit, ndist, nlens := w.number(5)+257, w.number(5)+1, w.number(4)+4
	var lenLens [19]int
	for i := range nlens {
		lenLens[[...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[i]] = w.number(3)
	}
	c := newWalkCode(lenLens[:])
	var lens []int
	for len(lens) < nlit+ndist {
		length, run := 0, 1
		switch s := w.symbol(c); s {
		case 16:
			length, run = lens[len(lens)-1], 3+w.number(2)
		case 17:
			run = 3 + w.number(3)
		case 18:
			run = 11 + w.number(7)
		default:
			length = s
		}
		for range run {
			lens = append(lens, length)
		}
	}
	w.symbols(newWalkCode(lens[:nlit]), newWalkCode(lens[nlit:]))
}

func (w *walker) symbols(lit, dist *walkCode) {
	for {
		s := w.symbol(lit)
		if s < 256 {
			w.out = append(w.out, byte(s))
			continue
		}
		if s == 256 {
			return
		}
		length := 258
		if s < 285 {
			length = 3
			for i := 257; i < s; i++ {
				length += 1 << max(0, (i-257)/4-1)
			}
			length += w.number(max(0, (s-257)/4-1))
		}
		d := w.symbol(dist)
		back := d + 1
		if d > 1 {
			extra := d/2 - 1
			back = 1 + (2+d%2)<<extra + w.number(extra)
		}
		if back > w.limit || back > len(w.out) {
			panic(fmt.Sprintf("walker: distance %d (%d bits) past %d or %d", back, bits.Len(uint(back)), w.limit, len(w.out)))
		}
		for range length {
			w.out = append(w.out, w.out[len(w.out)-back])
		}
	}
}
