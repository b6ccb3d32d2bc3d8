package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"
)

// fuzzLimit bounds what is inflated of one input.
const fuzzLimit = 1 << 20

// readLimited inflates payload up to fuzzLimit.
func readLimited(r io.Reader) ([]byte, error) {
	got, err := io.ReadAll(io.LimitReader(r, fuzzLimit))
	if err == nil && len(got) == fuzzLimit {
		err = errLimit
	}
	return got, err
}

var errLimit = errors.New("more than the test wants")

// FuzzInflate gives arbitrary bytes to the inflater, whole and byte by byte,
// and to the standard library's: what this accepts ours does, to the same end.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), []byte("Hello"))
	f.Add([]byte("\xf2\x00\x11\x00\x00"), []byte("Hello"))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), []byte(""))
	f.Add([]byte("\x00\x05\x00\xfa\xffHello\x00"), []byte(""))
	for _, level := range []int{flate.HuffmanOnly, 1, 9} {
		f.Add(deflateOthers(level, true, false, jsonText(500, 1), jsonText(700, 2)), jsonText(500, 1))
		f.Add(deflateOthers(level, false, true, noise(50, 1), noise(300, 1)), noise(50, 1))
	}
	f.Fuzz(func(t *testing.T, payload, before []byte) {
		inflate := func(src io.Reader) ([]byte, error) {
			in := NewInflater(maxWindowBits, true)
			defer in.Close()
			in.window.write(before)
			in.Begin(src)
			return readLimited(in)
		}
		got, err := inflate(bytes.NewReader(payload))
		if err != nil && err != errLimit && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("error %v", err)
		}
		slow, slowErr := inflate(sources[1].wrap(bytes.NewReader(payload)))
		if !bytes.Equal(slow, got) || (err == nil) != (slowErr == nil) {
			t.Fatalf("whole: %d bytes, error %v; byte by byte: %d bytes, error %v", len(got), err, len(slow), slowErr)
		}

		want, ok := inflateStd(payload, before)
		if ok && (err != nil || !bytes.Equal(got, want)) {
			t.Fatalf("%d bytes, error %v; compress/flate has %d bytes", len(got), err, len(want))
		}
		if err != nil || len(payload) > 1<<10 {
			return
		}
		w := &walker{limit: maxDistance, out: bytes.Clone(before)}
		if want, werr := w.message(payload); werr == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes; the walker has %d bytes", len(got), len(want))
		}
	})
}

// inflateStd inflates payload and its tail with the standard library, and
// reports whether that is a message. Two different final blocks after the tail
// tell that it ended there, and is not part of a block.
func inflateStd(payload, before []byte) ([]byte, bool) {
	var got [2][]byte
	for i, end := range []string{"\x01\x00\x00\xff\xff", "\x03\x00"} {
		src := bytes.NewReader(append(bytes.Clone(payload), tail+end...))
		var err error
		got[i], err = readLimited(flate.NewReaderDict(src, before))
		if err != nil || src.Len() != 0 {
			return nil, false
		}
	}
	return got[0], bytes.Equal(got[0], got[1])
}

// FuzzRoundTrip sends a text in messages, with any window and in any pieces, a
// few of which are dropped.
func FuzzRoundTrip(f *testing.F) {
	f.Add(jsonText(3000, 1), uint8(15), uint16(700), uint16(100), true)
	f.Add(jsonText(3000, 1), uint8(8), uint16(300), uint16(1000), true)
	f.Add(noise(600, 1), uint8(12), uint16(130), uint16(7), false)
	f.Add(bytes.Repeat([]byte("ab"), 40000), uint8(9), uint16(33000), uint16(40000), true)
	f.Fuzz(func(t *testing.T, text []byte, bits uint8, message, piece uint16, takeover bool) {
		wbits := minWindowBits + int(bits)%(maxWindowBits-minWindowBits+1)
		c := NewCompressor(wbits, DefaultLevel, takeover)
		defer c.Close()
		in := NewInflater(maxWindowBits, takeover)
		defer in.Close()
		w := &walker{limit: 1 << wbits}
		step := max(int(message), len(text)/50+1)
		for i := 0; len(text) > 0; i++ {
			msg := text[:min(step, len(text))]
			text = text[len(msg):]
			var payload []byte
			switch i % 4 {
			case 0:
				payload = c.Append(nil, msg)
			case 3:
				c.Append(nil, msg)
				c.Discard()
				continue
			default:
				payload = compressIn(c, nil, msg, max(1, int(piece), len(msg)/50))
			}
			got, err := readMessage(in, bytes.NewReader(payload), max(1, int(piece)))
			if err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("message %d: %d bytes, error %v; want %d bytes", i, len(got), err, len(msg))
			}
			if !takeover {
				w.out = nil
			}
			if got, err := w.message(payload); err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("message %d: the walker has %d bytes, error %v; want %d bytes", i, len(got), err, len(msg))
			}
		}
	})
}
