package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/flate"
)

// Payloads as RFC 7692 section 7.2.3 prints them, and as real peers send them.
func TestPayloads(t *testing.T) {
	hello := "\xf2\x48\xcd\xc9\xc9\x07\x00"
	tests := []struct {
		name     string
		payloads []string
		want     []string
	}{
		{"one block (7.2.3.1)", []string{hello}, []string{"Hello"}},
		{"sharing the window (7.2.3.2)", []string{hello, "\xf2\x00\x11\x00\x00"}, []string{"Hello", "Hello"}},
		{"not compressed (7.2.3.3)", []string{"\x00\x05\x00\xfa\xffHello\x00"}, []string{"Hello"}},
		{"final block (7.2.3.4)", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, []string{"Hello"}},
		{"two blocks (7.2.3.5)", []string{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}, []string{"Hello"}},
		{"empty (7.2.3.6)", []string{"\x00"}, []string{""}},
		{"window after a final block", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "\xf2\x00\x11\x00\x00"}, []string{"Hello", "Hello"}},
		{"blocks after a final one", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00" + hello}, []string{"HelloHello"}},
		{"reference across a final block", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00"}, []string{"HelloHello"}},
		{"stored final block", []string{"\x01\x05\x00\xfa\xffHello\x00"}, []string{"Hello"}},
		{"final block alone", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00", hello}, []string{"Hello", "Hello"}},
		{"tail left on", []string{hello + tail, "\xf2\x00\x11\x00\x00"}, []string{"Hello", "Hello"}},
		{"no payload", []string{"", hello}, []string{"", "Hello"}},
	}
	for _, tc := range tests {
		for _, source := range sources {
			t.Run(tc.name+"/"+source.name, func(t *testing.T) {
				f := NewInflater(maxWindowBits, true)
				defer f.Close()
				for i, payload := range tc.payloads {
					got, err := readMessage(f, source.wrap(bytes.NewReader([]byte(payload))), 3)
					if err != nil || string(got) != tc.want[i] {
						t.Fatalf("payload %d: %q, error %v; want %q", i, got, err, tc.want[i])
					}
				}
			})
		}
	}
}

func TestCorrupt(t *testing.T) {
	tests := []struct{ name, payload string }{
		{"reserved block type", "\x07\x00"},
		{"stored length", "\x00\x05\x00\xfa\xfeHello\x00"},
		{"stored block cut", "\x00\x50\x00\xaf\xffHello"},
		{"fixed block cut", "\xf2\x48\xcd"},
		{"distance before the window", "\xf2\x00\x11\x00\x00"},
		{"length symbol 286", "\x1b\x03\x00"},
		{"distance symbol 30", "\x03\xfe\x00"},
		{"too many lengths", "\xfd\xff\xff\xff\xff"},
		{"no end of block", "\x04\xc0\x01\x09\x00\x00\x00\x80\x00\x00\x00\x00\x00"},
		{"dynamic block cut", "\x04"},
		{"not DEFLATE", "Hello, world"},
	}
	for _, tc := range tests {
		for _, source := range sources {
			t.Run(tc.name+"/"+source.name, func(t *testing.T) {
				f := NewInflater(maxWindowBits, true)
				_, err := readMessage(f, source.wrap(bytes.NewReader([]byte(tc.payload))), 100)
				if !errors.Is(err, ErrCorrupt) {
					t.Fatalf("error %v, want one that is ErrCorrupt", err)
				}
				if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("after End, Read = %d, %v", n, err)
				}
				if _, err := readMessage(f, bytes.NewReader([]byte{0}), 100); err != ErrAbandoned {
					t.Errorf("the next message: error %v, want ErrAbandoned", err)
				}
				f.Close()
				if _, err := readMessage(f, bytes.NewReader([]byte{0}), 100); err != nil {
					t.Errorf("after Close: error %v", err)
				}
			})
		}
	}
}

// Each kind of level of two encoders, with sync flushes and final blocks, through
// every kind of source.
func TestInflateOthers(t *testing.T) {
	levels := []int{stdflate.HuffmanOnly, stdflate.NoCompression, 1, 4, 6, 9}
	if raceEnabled {
		levels = []int{stdflate.HuffmanOnly, 6} // it is slow, and nothing here is concurrent
	}
	for _, level := range levels {
		for _, takeover := range []bool{true, false} {
			for _, final := range []bool{true, false} {
				t.Run(fmt.Sprintf("level %d/takeover %v/final %v", level, takeover, final), func(t *testing.T) {
					inflateOthers(t, level, takeover, final)
				})
			}
		}
	}
}

func inflateOthers(t *testing.T, level int, takeover, final bool) {
	chunks := []int{4096, 1, 1000, 70000, 7}
	var inflaters []*Inflater
	for range sources {
		inflaters = append(inflaters, NewInflater(maxWindowBits, takeover))
	}
	var seen []byte
	for i, msg := range conversation() {
		if len(msg) > 70000 {
			msg = msg[:70000]
		}
		payload := deflateOthers(level, i%2 == 0, final, seen, msg)
		for k, source := range sources {
			got, err := readMessage(inflaters[k], source.wrap(bytes.NewReader(payload)), chunks[k])
			if err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("message %d, %s: %d bytes, error %v; want %d bytes", i, source.name, len(got), err, len(msg))
			}
		}
		if takeover {
			seen = append(seen, msg...)
			seen = seen[max(0, len(seen)-maxDistance):]
		}
	}
}

// Messages of other encoders, in frames of any sizes between interruptions, are read
// with slices of any sizes.
func TestInflateAtRandom(t *testing.T) {
	seeds := 60
	if raceEnabled {
		seeds = 4
	}
	contents := [][]byte{
		bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz0123456789"), 4000), bytes.Repeat([]byte{0}, 140_000),
		bytes.Repeat([]byte("abc"), 45_000), bytes.Repeat([]byte("abcdefghijk"), 12_000),
		noise(140_000, 1), jsonText(140_000, 1),
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			takeover := r.IntN(3) > 0
			f := NewInflater(maxWindowBits, takeover)
			defer f.Close()
			var seen []byte
			for range 15 {
				var msg []byte
				for range 1 + r.IntN(4) {
					from := contents[r.IntN(len(contents))]
					n := r.IntN([]int{10, 1000, 40_000}[r.IntN(3)])
					at := r.IntN(len(from) - n)
					msg = append(msg, from[at:at+n]...)
				}
				payload := deflateOthers(r.IntN(10), r.IntN(2) == 0, r.IntN(2) == 0, seen, msg)
				got, err := readAtRandom(f, r, payload)
				if err != nil || !bytes.Equal(got, msg) {
					t.Fatalf("%d bytes, error %v; want %d bytes", len(got), err, len(msg))
				}
				if takeover {
					seen = append(seen, msg...)
					seen = seen[max(0, len(seen)-maxDistance):]
				}
			}
		})
	}
}

// readAtRandom reads a message.
func readAtRandom(f *Inflater, r *rand.Rand, payload []byte) (got []byte, err error) {
	frame := 1 + r.IntN([]int{5, 100, 10_000, 100_000}[r.IntN(4)])
	src := bytes.NewReader(payload)
	f.Begin(readerFunc(func(p []byte) (int, error) {
		if r.IntN(3) == 0 {
			return 0, iotest.ErrTimeout
		}
		return src.Read(p[:min(len(p), 1+r.IntN(frame))])
	}))
	defer f.End()
	most := 1 + r.IntN([]int{3, 50, 1000, 100_000}[r.IntN(4)])
	for {
		p := make([]byte, 1+r.IntN(most))
		k, err := f.Read(p)
		got = append(got, p[:k]...)
		clear(p) // the caller may change the returned bytes
		switch err {
		case nil, iotest.ErrTimeout:
		case io.EOF:
			return got, nil
		default:
			return got, err
		}
	}
}

// deflateOthers makes the payload of msg as the standard library or klauspost
// compresses it, in pieces with a flush after each.
func deflateOthers(level int, std, final bool, seen, msg []byte) []byte {
	type encoder interface {
		io.WriteCloser
		Flush() error
	}
	var b bytes.Buffer
	var w encoder
	if std {
		w, _ = stdflate.NewWriterDict(&b, level, seen)
	} else {
		w, _ = flate.NewWriterDict(&b, level, seen)
	}
	half := len(msg) / 2
	w.Write(msg[:half])
	w.Flush()
	w.Write(msg[half:])
	if final {
		w.Close()
		b.WriteByte(0)
		return b.Bytes()
	}
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

// The bytes that have arrived are returned before the rest of the message is read.
func TestReadDoesNotWait(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 1)
	w.Write(jsonText(500, 1))
	w.Flush()
	f := NewInflater(maxWindowBits, false)
	defer f.Close()
	f.Begin(io.MultiReader(&b, iotest.ErrReader(io.ErrClosedPipe)))
	p := make([]byte, 1000)
	if n, err := f.Read(p); n != 500 || err != nil || !bytes.Equal(p[:n], jsonText(500, 1)) {
		t.Fatalf("Read = %d, %v; want 500 bytes", n, err)
	}
	for range 3 {
		if n, err := f.Read(p); n != 0 || err != io.ErrClosedPipe {
			t.Fatalf("Read = %d, %v; want the source's error", n, err)
		}
	}
}

// The end of a message is found with its last bytes, if the source returns io.EOF with
// them. Later messages may refer to these bytes.
func TestReadEndsWithLastBytes(t *testing.T) {
	want := jsonText(500, 1)
	for _, kept := range []struct {
		bits     int
		takeover bool
	}{{maxWindowBits, true}, {9, true}, {maxWindowBits, false}} {
		f := NewInflater(kept.bits, kept.takeover)
		var seen []byte
		for level := range 3 {
			payload := deflateOthers(level, true, false, seen, want)
			reads := 0
			f.Begin(readerFunc(func(p []byte) (int, error) {
				reads++
				return copy(p, payload), io.EOF
			}))
			p := make([]byte, len(want)+1)
			if n, err := f.Read(p); n != len(want) || err != io.EOF || !bytes.Equal(p[:n], want) {
				t.Errorf("%v: Read = %d, %v; want %d bytes and io.EOF", kept, n, err, len(want))
			}
			if n, err := f.Read(p); n != 0 || err != io.EOF || reads != 1 {
				t.Errorf("%v: then Read = %d, %v after %d reads of the source", kept, n, err, reads)
			}
			if kept.takeover {
				seen = want
			}
		}
		f.Close()
	}
}

func TestEmptyReads(t *testing.T) {
	f := NewInflater(maxWindowBits, false)
	if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("before Begin, Read = %d, %v", n, err)
	}
	f.Begin(bytes.NewReader([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00")))
	if n, err := f.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v", n, err)
	}
	f.End()
	f.Begin(readerFunc(func([]byte) (int, error) { return 0, nil }))
	if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.ErrNoProgress {
		t.Errorf("of a source without bytes, Read = %d, %v", n, err)
	}
	f.End()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAbandoned(t *testing.T) {
	payload := deflateOthers(1, true, false, nil, jsonText(100000, 1))
	for _, takeover := range []bool{true, false} {
		f := NewInflater(maxWindowBits, takeover)
		f.Begin(bytes.NewReader(payload))
		f.Read(make([]byte, 10))
		_, err := readMessage(f, bytes.NewReader([]byte{0}), 10)
		if want := error(ErrAbandoned); takeover && err != want || !takeover && err != nil {
			t.Errorf("takeover %v: after an abandoned message, error %v", takeover, err)
		}
		f.Close()
	}
}

// Objects in the pools do not refer to the caller's memory.
func TestPooledDecoderHoldsNothing(t *testing.T) {
	f := NewInflater(maxWindowBits, true)
	f.Begin(bytes.NewReader([]byte("\xf2\x48\xcd")))
	d := f.dec
	f.Read(make([]byte, 10))
	f.End()
	if d.src != nil || d.past != nil || d.in != nil || d.err != nil || d.srcErr != nil || f.dec != nil {
		t.Errorf("a pooled decoder still refers to its message")
	}
}

func TestWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, limit := range []int{256, 1500, 4096} {
		w := window{limit: limit}
		var all []byte
		for range 300 {
			p := noise(r.IntN([]int{3, 100, 2 * limit}[r.IntN(3)]), r.Uint64())
			w.write(p)
			all = append(all, p...)
			all = all[max(0, len(all)-limit):]
			n := r.IntN(limit + 10)
			if got := w.appendLast(nil, n); !bytes.Equal(got, all[max(0, len(all)-n):]) {
				t.Fatalf("limit %d: the last %d of %d bytes are wrong", limit, n, len(all))
			}
			if len(all) == 0 {
				continue
			}
			back := 1 + r.IntN(len(all))
			dst := make([]byte, r.IntN(limit))
			n = w.copyBack(dst, back)
			if want := all[len(all)-back:]; n != min(len(dst), back) || !bytes.Equal(dst[:n], want[:n]) {
				t.Fatalf("limit %d: %d bytes from %d back are wrong", limit, n, back)
			}
		}
		if cap(w.ring) > limit {
			t.Errorf("limit %d: the window has %d bytes", limit, cap(w.ring))
		}
	}
}

// Twice the negotiated window of earlier messages is kept.
func TestInflaterKeeps(t *testing.T) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		f := NewInflater(bits, true)
		msg := noise(40_000, 1)
		c := NewCompressor(maxWindowBits, DefaultLevel, true)
		mustRead(t, f, c.Append(nil, msg), msg)
		if got, want := cap(f.window.ring), min(2<<bits, maxDistance); got != want {
			t.Errorf("bits %d: %d bytes are kept, want %d", bits, got, want)
		}
		c.Close()
		f.Close()
	}
}
