package deflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"testing"

	kflate "github.com/klauspost/compress/flate"
)

// compressions are the ways of making a payload of a message.
var compressions = []struct {
	name     string
	compress func(c *Compressor, dst, p []byte) []byte
}{
	{"whole", (*Compressor).Append},
	{"one write", func(c *Compressor, dst, p []byte) []byte { return compressIn(c, dst, p, len(p)+1) }},
	{"writes of 100", func(c *Compressor, dst, p []byte) []byte { return compressIn(c, dst, p, 100) }},
	{"writes of 33000", func(c *Compressor, dst, p []byte) []byte { return compressIn(c, dst, p, 33000) }},
}

// flushing is as the compressions, with a Flush after each write.
func flushing(c *Compressor, dst, p []byte) []byte {
	c.Begin()
	for len(p) > 0 {
		n := min(100, len(p))
		dst = c.Flush(c.Write(dst, p[:n]))
		p = p[n:]
	}
	return c.End(dst)
}

// compressIn streams a message in pieces.
func compressIn(c *Compressor, dst, p []byte, piece int) []byte {
	c.Begin()
	for len(p) > 0 {
		n := min(piece, len(p))
		dst = c.Write(dst, p[:n])
		p = p[n:]
	}
	return c.End(dst)
}

// testedBits are the sizes of windows to test with: all of them, but for the
// race detector, which is slow, and finds nothing here where nothing is
// concurrent.
func testedBits() (all []int) {
	if raceEnabled {
		return []int{minWindowBits, 11, maxWindowBits}
	}
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		all = append(all, bits)
	}
	return all
}

func TestConversation(t *testing.T) {
	msgs := conversation()
	for _, bits := range testedBits() {
		for _, takeover := range []bool{true, false} {
			for _, how := range compressions {
				t.Run(fmt.Sprintf("bits %d/takeover %v/%s", bits, takeover, how.name), func(t *testing.T) {
					c := NewCompressor(bits, DefaultLevel, takeover)
					defer c.Close()
					converse(t, c, how.compress, msgs)
				})
			}
			t.Run(fmt.Sprintf("bits %d/takeover %v/flushed", bits, takeover), func(t *testing.T) {
				c := NewCompressor(bits, DefaultLevel, takeover)
				defer c.Close()
				converse(t, c, flushing, msgs)
			})
		}
	}
}

// converse sends messages through c to our own inflater, to one that looks at
// the distances, and to the standard library's.
func converse(t *testing.T, c *Compressor, compress func(c *Compressor, dst, p []byte) []byte, msgs [][]byte) {
	t.Helper()
	ours := NewInflater(maxWindowBits, c.takeover)
	defer ours.Close()
	peer := &walker{limit: 1 << c.kind.bits()}
	var seen []byte
	const prefix = "header"
	for i, msg := range msgs {
		keep := bytes.Clone(msg)
		payload := compress(c, []byte(prefix), msg)
		if !bytes.Equal(msg, keep) {
			t.Fatalf("message %d was changed", i)
		}
		if string(payload[:len(prefix)]) != prefix {
			t.Fatalf("message %d: the bytes before it in dst were changed", i)
		}
		payload = payload[len(prefix):]
		if !c.takeover {
			peer.out, seen = nil, nil
		}
		got, err := peer.message(payload)
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("message %d: the peer has %d bytes, error %v; want %d bytes", i, len(got), err, len(msg))
		}
		mustRead(t, ours, payload, msg)

		std := flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte(tail+"\x01\x00\x00\xff\xff"))), seen)
		got, err = io.ReadAll(std)
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("message %d: compress/flate has %d bytes, error %v; want %d bytes", i, len(got), err, len(msg))
		}
		seen = append(seen, msg...)
		seen = seen[max(0, len(seen)-maxDistance):]
	}
	if !c.takeover && c.window.ring != nil {
		t.Error("a compressor without takeover holds a window")
	}
	if c.enc != nil {
		t.Error("the compressor holds an encoder between messages")
	}
}

func TestEmptyMessage(t *testing.T) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		c := NewCompressor(bits, DefaultLevel, true)
		for _, how := range compressions {
			if got := how.compress(c, nil, nil); !bytes.Equal(got, []byte{0}) {
				t.Errorf("bits %d, %s: payload % x, want 00", bits, how.name, got)
			}
		}
	}
}

// The message after one that was not sent must not refer to that.
func TestDiscard(t *testing.T) {
	text := jsonText(1000, 9)
	tests := []struct {
		name   string
		unsent func(t *testing.T, c *Compressor)
	}{
		{"a message begun", func(t *testing.T, c *Compressor) {
			c.Begin()
			c.Discard()
		}},
		{"a message written", func(t *testing.T, c *Compressor) {
			c.Begin()
			for range 100 {
				c.Write(nil, text)
			}
			c.Discard()
		}},
		{"a message ended", func(t *testing.T, c *Compressor) {
			compressIn(c, nil, text, 300)
			c.Discard()
		}},
		{"a payload appended", func(t *testing.T, c *Compressor) {
			c.Append(nil, text)
			c.Discard()
		}},
		{"twice", func(t *testing.T, c *Compressor) {
			c.Begin()
			c.Discard()
			c.Discard()
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := NewCompressor(maxWindowBits, DefaultLevel, true)
			f := NewInflater(maxWindowBits, true)
			peer := &walker{limit: maxDistance}
			for i := range 3 {
				msg := jsonText(2000, uint64(i))
				payload := c.Append(nil, msg)
				mustRead(t, f, payload, msg)
				peer.message(payload)
				tc.unsent(t, c)
				payload = c.Append(nil, text)
				mustRead(t, f, payload, text)
				if got, err := peer.message(payload); err != nil || !bytes.Equal(got, text) {
					t.Fatalf("the peer has %d bytes, error %v", len(got), err)
				}
			}
		})
	}
}

// A message that is dropped leaves the window, so that the next one is as
// small as if there had been none.
func TestDiscardKeepsTheWindow(t *testing.T) {
	msg := noise(1000, 5)
	c := NewCompressor(maxWindowBits, DefaultLevel, true)
	c.Append(nil, msg)
	c.Begin()
	c.Write(nil, jsonText(500, 1))
	c.Discard()
	payload := c.Append(nil, msg)
	if len(payload) > 100 {
		t.Errorf("a repeated message became %d bytes", len(payload))
	}
}

func TestTakeoverHelps(t *testing.T) {
	for bits := 11; bits <= maxWindowBits; bits++ {
		msg := noise(1000, 5)
		c := NewCompressor(bits, DefaultLevel, true)
		c.Append(nil, msg)
		payload := c.Append(nil, msg)
		if len(payload) > 100 {
			t.Errorf("bits %d: a repeated message became %d bytes", bits, len(payload))
		}
	}
}

// Short messages of each length, each kind of content and each size of window,
// at each place of it.
func TestShortMessages(t *testing.T) {
	for _, bits := range testedBits() {
		t.Run(fmt.Sprint("bits ", bits), func(t *testing.T) {
			c := NewCompressor(bits, DefaultLevel, true)
			f := NewInflater(maxWindowBits, true)
			peer := &walker{limit: 1 << bits}
			for n := range 2 * 128 {
				for _, msg := range [][]byte{
					jsonText(n, 1), noise(n, uint64(n)), bytes.Repeat([]byte{0xe9}, n), jsonText(n+n/2, 2)[n/2:],
				} {
					payload := c.Append(nil, msg)
					if len(payload) > n+6+n/8 {
						t.Errorf("%d bytes became %d", n, len(payload))
					}
					if got, err := peer.message(payload); err != nil || !bytes.Equal(got, msg) {
						t.Fatalf("%d bytes: the peer has %d, error %v", n, len(got), err)
					}
					mustRead(t, f, payload, msg)
				}
			}
		})
	}
}

// A short message refers to those before it where the level allows.
func TestShortMessagesTakeOver(t *testing.T) {
	msg := []byte(`{"type":"typing","room":"general","user":"alice"}`)
	for level := 1; level <= MaxLevel; level++ {
		c := NewCompressor(maxWindowBits, level, true)
		first := c.Append(nil, msg)
		second := c.Append(nil, msg)
		want := len(msg) + 6
		if c.kind.chains() {
			want = 8
		}
		if len(first) > len(msg)+6 || len(second) > want {
			t.Errorf("level %d: %d bytes became %d, and again %d", level, len(msg), len(first), len(second))
		}
		c.Close()
	}
}

// A message after short ones, or after a long one whose last block is short,
// refers to all that the window keeps.
func TestShortBlocksStayInTheWindow(t *testing.T) {
	long := noise(1000, 5)
	tests := []struct {
		name   string
		before []byte
	}{
		{"one byte", []byte("x")},
		{"127 bytes", noise(minReferring-1, 6)},
		{"128 bytes", noise(minReferring, 6)},
		{"nothing", nil},
		{"a block and a byte", jsonText(blockSize+1-len(long), 7)},
		{"a block", jsonText(blockSize-len(long), 7)},
	}
	for _, bits := range []int{11, maxWindowBits} {
		for _, tc := range tests {
			for _, how := range compressions {
				t.Run(fmt.Sprintf("bits %d/%s/%s", bits, tc.name, how.name), func(t *testing.T) {
					k := newTalk(bits, DefaultLevel, true)
					defer k.close()
					first := append(bytes.Clone(tc.before), long...)
					if len(tc.before) < minReferring {
						k.want(t, how.compress(k.c, nil, long), long)
						first = tc.before
					}
					k.want(t, how.compress(k.c, nil, first), first)
					payload := how.compress(k.c, nil, long)
					k.want(t, payload, long)
					if len(payload) > 100 {
						t.Errorf("a message within the window became %d bytes", len(payload))
					}
				})
			}
		}
	}
}

// At each level and window the compressed messages are right, in whatever way they
// are written, and the numbers of the levels mean what they do in
// klauspost/compress.
func TestLevels(t *testing.T) {
	msgs := conversation()
	text := jsonText(100_000, 1)
	for level := 1; level <= MaxLevel; level++ {
		c := NewCompressor(maxWindowBits, level, true)
		var b bytes.Buffer
		w, err := kflate.NewWriter(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(text)
		w.Flush()
		if got, want := c.Append(nil, text), bytes.TrimSuffix(b.Bytes(), []byte(tail)); !bytes.Equal(got, want) {
			t.Errorf("level %d: %d bytes, klauspost/compress has %d", level, len(got), len(want))
		}
		c.Close()
		converse(t, c, (*Compressor).Append, msgs)
		c.Close()
	}
	for bits := minWindowBits; bits < maxWindowBits; bits++ {
		low, high := NewCompressor(bits, 1, true), NewCompressor(bits, MaxLevel, true)
		if !bytes.Equal(low.Append(nil, text), high.Append(nil, text)) {
			t.Errorf("bits %d: the level has an effect", bits)
		}
	}
}

// The window grows with the messages.
func TestWindowIsAllocatedAsItFills(t *testing.T) {
	c := NewCompressor(maxWindowBits, DefaultLevel, true)
	c.Append(nil, jsonText(100, 1))
	if n := cap(c.window.ring); n > windowStep {
		t.Errorf("after 100 bytes the window has %d", n)
	}
	for range 1000 {
		c.Append(nil, jsonText(100, 1))
	}
	if n := cap(c.window.ring); n != windowKept {
		t.Errorf("a full window has %d bytes", n)
	}
	c.Close()
	if c.window.ring != nil {
		t.Error("a closed compressor holds a window")
	}
}

func TestMisusePanics(t *testing.T) {
	tests := []struct {
		name string
		f    func()
	}{
		{"bits 7", func() { NewCompressor(7, DefaultLevel, true) }},
		{"level 0", func() { NewCompressor(15, 0, true) }},
		{"level 10", func() { NewCompressor(15, 10, true) }},
		{"Sent inside", func() { c := NewCompressor(15, 1, true); c.Begin(); c.Sent(nil, 0) }},
		{"bits 16", func() { NewCompressor(16, DefaultLevel, true) }},
		{"Begin twice", func() { c := NewCompressor(15, DefaultLevel, true); c.Begin(); c.Begin() }},
		{"Append inside", func() { c := NewCompressor(15, DefaultLevel, true); c.Begin(); c.Append(nil, nil) }},
		{"Write outside", func() { NewCompressor(15, DefaultLevel, true).Write(nil, nil) }},
		{"End outside", func() { NewCompressor(15, DefaultLevel, true).End(nil) }},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tc.f()
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{100, 1 << 10, 16 << 10} {
		for _, takeover := range []bool{true, false} {
			for _, bits := range []int{15, 12} {
				b.Run(fmt.Sprintf("%d/takeover=%v/bits=%d", n, takeover, bits), func(b *testing.B) {
					var msgs [64][]byte
					for i := range msgs {
						msgs[i] = jsonText(n, uint64(i))
					}
					c := NewCompressor(bits, DefaultLevel, takeover)
					defer c.Close()
					dst := make([]byte, 0, 2*n+100)
					b.SetBytes(int64(n))
					b.ReportAllocs()
					in, out := 0, 0
					for i := 0; b.Loop(); i++ {
						payload := c.Append(dst, msgs[i%len(msgs)])
						in += n
						out += len(payload)
					}
					b.ReportMetric(float64(in)/float64(out), "ratio")
				})
			}
		}
	}
}
