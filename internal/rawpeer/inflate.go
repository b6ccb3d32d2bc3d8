package rawpeer

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"slices"
)

// InflateWhole inflates the payload of a compressed message behind earlier
// ones, of which dict is the end, with compress/flate alone. It reports whether
// the payload is one (RFC 7692 section 7.2.2): it ends where a block does, with
// or without the four octets that are taken off, and may have final blocks in
// the middle (7.2.3.4). limit bounds what is inflated to one byte more, if it is
// not negative.
func InflateWhole(payload, dict []byte, limit int) (p []byte, ok bool) {
	in := inflater{dict: dict}
	p, _, ok = in.message(payload, limit)
	return p, ok
}

// An inflater inflates the messages of one direction.
type inflater struct {
	dict []byte
	r    io.ReadCloser // a flate.Resetter
}

// keep adds a message to the window.
func (i *inflater) keep(p []byte) {
	i.dict = slices.Concat(i.dict, p)
	i.dict = i.dict[max(0, len(i.dict)-window):]
}

// message inflates the payload of a message. What is beyond the limit decides
// before what is wrong behind it. Of a payload that is wrong, p is what
// compress/flate makes of it and most what anybody may.
func (i *inflater) message(payload []byte, limit int) (p, most []byte, ok bool) {
	tailed := append(bytes.Clone(payload), tail...)
	if p, err := i.inflate(tailed, limit); err == errBeyond {
		return p, p, true
	}
	for _, b := range [][]byte{tailed, payload} {
		if p, ok := i.complete(b, limit); ok {
			return p, p, true
		}
	}
	p, most, _ = i.beginning(tailed, limit)
	return p, most, false
}

// beginning is message for the beginning of a payload.
//
// Where a block is cut off, compress/flate keeps back symbols that are shorter
// than the one that ends the block; and it may refuse a code before the first
// bit that would need it.
func (i *inflater) beginning(payload []byte, limit int) (p, most []byte, ok bool) {
	p, err := i.inflate(payload, limit)
	if err == errBeyond {
		return p, p, true
	}
	most, _ = i.inflate(append(bytes.Clone(payload), 0, 0), limit)
	other, _ := i.inflate(append(bytes.Clone(payload), 0xff, 0xff), limit)
	n := 0
	for n < len(most) && n < len(other) && most[n] == other[n] {
		n++
	}
	var corrupt flate.CorruptInputError
	if ok = !errors.As(err, &corrupt); !ok {
		_, err = i.inflate(payload[:len(payload)-1], limit)
		ok = !errors.As(err, &corrupt)
	}
	return p, most[:n], ok
}

// complete inflates b, and reports whether it ends where a block does: two
// different blocks behind it are then both read as such, and say nothing.
func (i *inflater) complete(b []byte, limit int) ([]byte, bool) {
	var got [2][]byte
	for k, last := range []string{"\x01\x00\x00\xff\xff", "\x03\x00"} {
		var err error
		if got[k], err = i.inflate(append(bytes.Clone(b), last...), limit); err != nil {
			return nil, false
		}
	}
	return got[0], bytes.Equal(got[0], got[1])
}

// inflate inflates all of b. A stream that ends before b does is followed by
// another one.
func (i *inflater) inflate(b []byte, limit int) (p []byte, err error) {
	in := bytes.NewReader(b)
	for {
		left := limit
		if limit >= 0 {
			left -= len(p)
		}
		dict := slices.Concat(i.dict, p)
		dict = dict[max(0, len(dict)-window):]
		if i.r == nil {
			i.r = flate.NewReaderDict(in, dict)
		} else {
			i.r.(flate.Resetter).Reset(in, dict)
		}
		more, err := inflateSome(i.r, left)
		p = append(p, more...)
		if err != nil || in.Len() == 0 {
			return p, err
		}
	}
}

// errBeyond ends what is inflated at the limit.
var errBeyond = errors.New("more than the limit")

// inflateSome inflates what r has, up to limit bytes and one more, if limit is not
// negative, and returns how far it got.
func inflateSome(r io.Reader, limit int) ([]byte, error) {
	if limit < 0 {
		return io.ReadAll(r)
	}
	p, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(p) > limit {
		err = errBeyond
	}
	return p, err
}
