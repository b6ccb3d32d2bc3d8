package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/bhojpur/api/internal/rawpeer"
)

// fuzzLimit bounds the inflated bytes of one input.
const fuzzLimit = 1 << 20

// readLimited inflates src, up to fuzzLimit bytes, chunk bytes at a time and
// through interruptions.
func readLimited(in *Inflater, src io.Reader, chunk int) (got []byte, err error) {
	in.Begin(src)
	p := make([]byte, chunk)
	for len(got) < fuzzLimit {
		n, err := in.Read(p[:min(chunk, fuzzLimit-len(got))])
		got = append(got, p[:n]...)
		switch err {
		case nil, iotest.ErrTimeout:
		case io.EOF:
			return got, nil
		default:
			return got, err
		}
	}
	return got, errLimit
}

var errLimit = errors.New("more than the test wants")

// FuzzInflate gives arbitrary bytes to the inflater, whole, byte by byte and in
// pieces between interruptions, read in chunks of any size, behind a window of any
// size; and to the standard library's: the verdict and the bytes are the same.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), []byte("Hello"), uint8(7), uint16(0))
	f.Add([]byte("\xf2\x00\x11\x00\x00"), []byte("Hello"), uint8(0), uint16(1))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), []byte(""), uint8(3), uint16(2))
	f.Add([]byte("\x00\x05\x00\xfa\xffHello\x00"), []byte(""), uint8(1), uint16(3))
	for _, level := range []int{flate.HuffmanOnly, 1, 9} {
		f.Add(deflateOthers(level, true, false, jsonText(500, 1), jsonText(700, 2)), jsonText(500, 1), uint8(0), uint16(5))
		f.Add(deflateOthers(level, false, true, noise(50, 1), noise(300, 1)), noise(50, 1), uint8(7), uint16(300))
	}
	f.Fuzz(func(t *testing.T, payload, before []byte, bits uint8, chunk uint16) {
		wbits := minWindowBits + int(bits)%(maxWindowBits-minWindowBits+1)
		inflate := func(src io.Reader, chunk int) ([]byte, error) {
			in := NewInflater(wbits, true)
			defer in.Close()
			in.window.write(before)
			return readLimited(in, src, chunk)
		}
		got, err := inflate(bytes.NewReader(payload), 4096)
		if err != nil && err != errLimit && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("error %v", err)
		}
		for _, source := range sources[1:] {
			again, againErr := inflate(source.wrap(bytes.NewReader(payload)), 1+int(chunk))
			if !bytes.Equal(again, got) || (err == nil) != (againErr == nil) {
				t.Fatalf("whole: %d bytes, error %v; %s: %d bytes, error %v", len(got), err, source.name, len(again), againErr)
			}
		}

		kept := before[max(0, len(before)-min(2<<wbits, maxDistance)):]
		want, ok := rawpeer.InflateWhole(payload, kept, fuzzLimit-1)
		switch {
		case err == errLimit:
			if len(want) != fuzzLimit {
				t.Fatalf("over %d bytes; compress/flate has %d bytes", fuzzLimit, len(want))
			}
		case ok != (err == nil) || ok && !bytes.Equal(got, want):
			t.Fatalf("%d bytes, error %v; compress/flate has %d bytes, right: %t", len(got), err, len(want), ok)
		}
		if err != nil || len(payload) > 1<<10 {
			return
		}
		w := &walker{limit: maxDistance, out: bytes.Clone(kept)}
		if want, werr := w.message(payload); werr == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes; the walker has %d bytes", len(got), len(want))
		}
	})
}

// FuzzRoundTrip sends a text in messages, with any window, at any level and in any
// pieces, a few of which are dropped.
func FuzzRoundTrip(f *testing.F) {
	f.Add(jsonText(3000, 1), uint8(15), uint16(700), uint16(100), true)
	f.Add(jsonText(3000, 1), uint8(8), uint16(300), uint16(1000), true)
	f.Add(noise(600, 1), uint8(12), uint16(130), uint16(7), false)
	for level := range uint8(MaxLevel) {
		f.Add(jsonText(5000, 1), 8*level+level%8, uint16(500+300*int(level)), uint16(900), level%3 != 0)
	}
	f.Add(bytes.Repeat([]byte("ab"), 40000), uint8(9), uint16(33000), uint16(40000), true)
	f.Fuzz(func(t *testing.T, text []byte, bits uint8, message, piece uint16, takeover bool) {
		wbits := minWindowBits + int(bits)%(maxWindowBits-minWindowBits+1)
		level := 1 + int(bits)/(maxWindowBits-minWindowBits+1)%MaxLevel
		c := NewCompressor(wbits, level, takeover)
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
