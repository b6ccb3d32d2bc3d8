package rawpeer

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"slices"
)

// InflateWhole inflates the payload of a compressed message with compress/flate. dict
// is the end of the earlier messages. ok reports whether the payload is valid (RFC 7692
// section 7.2.2): it ends at the end of a block, with or without the four removed
// octets, and may contain final blocks (7.2.3.4). If limit is not negative, inflating
// stops one byte after it.
func InflateWhole(payload, dict []byte, limit int) (p []byte, ok bool) {
	in := inflater{dict: dict}
	p, _, ok = in.message(payload, limit)
	return p, ok
}

// An inflater inflates the messages of one direction.
type inflater struct {
	dict []byte
	r    io.ReadCloser // implements flate.Resetter
}

// keep adds a message to the window.
func (i *inflater) keep(p []byte) {
	i.dict = slices.Concat(i.dict, p)
	i.dict = i.dict[max(0, len(i.dict)-window):]
}

// message inflates the payload of a message. An exceeded limit takes precedence over an
// error behind it. If the payload is invalid, p is the output of compress/flate, and
// most the longest output that any inflater may return.
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

// beginning is message for a prefix of a payload.
//
// At the end of an incomplete block, compress/flate withholds symbols that are shorter
// than the end-of-block symbol, and may reject a code before the first bit that uses
// it.
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

// complete inflates b and reports whether it ends at the end of a block. It tries two
// different continuations: both are then read as blocks without output.
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

// inflate inflates all of b. If a DEFLATE stream ends before b does, another one
// follows.
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

// errBeyond stops inflating at the limit.
var errBeyond = errors.New("more than the limit")

// inflateSome inflates r, up to limit+1 bytes if limit is not negative, and returns the
// output so far.
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
