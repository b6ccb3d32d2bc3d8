package autobahn

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

const testLimit = 1 << 20

// TestInflateExamples inflates the examples of RFC 7692 section 7.2.3.
func TestInflateExamples(t *testing.T) {
	for _, tt := range []struct {
		name     string
		payloads []string
		want     []string
	}{
		{"7.2.3.1", []string{"\xf2\x48\xcd\xc9\xc9\x07\x00"}, []string{"Hello"}},
		{"7.2.3.2", []string{"\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00"}, []string{"Hello", "Hello"}},
		{"7.2.3.3", []string{"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"}, []string{"Hello"}},
		{"7.2.3.4", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, []string{"Hello"}},
		{"7.2.3.5", []string{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}, []string{"Hello"}},
		{"7.2.3.6", []string{"\x00"}, []string{""}},
		{"two final blocks", []string{"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, []string{"HelloHello"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := newInflater(15, true)
			for i, payload := range tt.payloads {
				got, err := z.message([]byte("before"), []byte(payload), 100)
				if want := "before" + tt.want[i]; string(got) != want || err != nil {
					t.Errorf("message %d: %q, %v, want %q", i, got, err, want)
				}
			}
		})
	}
}

// TestInflateWrong inflates invalid blocks, and similar valid ones.
func TestInflateWrong(t *testing.T) {
	literals := map[int]int{'a': 1, 256: 2, 257: 2} // a, the end of the block, a match of length 3
	tests := []struct {
		name  string
		write func(*bitWriter)
		want  string
		err   error
	}{
		{"type 3", func(w *bitWriter) { w.bits(3<<1, 3) }, "", errBlock},
		{"stored", func(w *bitWriter) { w.stored([]byte("a")) }, "a", nil},
		{"stored, wrong complement", func(w *bitWriter) { w.bits(0, 3); w.align(); w.bits(1, 16); w.bits(0, 16); w.bits('a', 8) }, "", errBlock},
		{"stored, cut", func(w *bitWriter) { w.bits(0, 8); w.bits(5, 16); w.bits(^5, 16) }, "", errTruncated},
		{"match", func(w *bitWriter) { w.match("abc", 4, 3) }, "abcabca", nil},
		{"length 286", func(w *bitWriter) { w.bits(1<<1, 3); w.fixed(286); w.fixed(256) }, "", errCode},
		{"length 287", func(w *bitWriter) { w.bits(1<<1, 3); w.fixed(287); w.fixed(256) }, "", errCode},
		{"distance 30", func(w *bitWriter) { w.bits(1<<1, 3); w.fixed('a'); w.fixed(257); w.code(30, 5); w.fixed(256) }, "", errCode},
		{"distance 31", func(w *bitWriter) { w.bits(1<<1, 3); w.fixed('a'); w.fixed(257); w.code(31, 5); w.fixed(256) }, "", errCode},
		{"too far", func(w *bitWriter) { w.match("abc", 3, 4) }, "", errTooFar},
		{"codes of its own", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, literals), []int{1, 1})
			w.code(0, 1) // a
			w.code(0, 1)
			w.code(3, 2) // a match
			w.code(1, 1) // of distance 2
			w.code(2, 2)
		}, "aaaaa", nil},
		{"287 codes", func(w *bitWriter) { w.dynamic(lengthsOf(287, literals), []int{1, 1}); w.code(2, 2) }, "", errCode},
		{"31 distances", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, literals), lengthsOf(31, map[int]int{0: 1, 1: 1}))
			w.code(2, 2)
		}, "", errCode},
		{"no end of block", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, map[int]int{'a': 1, 257: 1}), []int{1, 1})
			w.code(0, 1)
		}, "", errCode},
		{"over-subscribed", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, map[int]int{'a': 1, 'b': 1, 256: 1}), []int{1, 1})
			w.code(0, 1)
		}, "", errCode},
		{"incomplete", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, map[int]int{'a': 2, 256: 2, 257: 2}), []int{1, 1})
			w.code(1, 2)
		}, "", errCode},
		{"only an end of block", func(w *bitWriter) { w.dynamic(lengthsOf(257, map[int]int{256: 1}), []int{0}); w.code(0, 1) }, "", nil},
		{"only an end of block, the other bit", func(w *bitWriter) { w.dynamic(lengthsOf(257, map[int]int{256: 1}), []int{0}); w.code(1, 1) }, "", errCode},
		{"only an end of block, of 2 bits", func(w *bitWriter) { w.dynamic(lengthsOf(257, map[int]int{256: 2}), []int{0}); w.code(0, 2) }, "", errCode},
		{"one distance", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, literals), []int{1})
			w.code(0, 1)
			w.code(3, 2)
			w.code(0, 1)
			w.code(2, 2)
		}, "aaaa", nil},
		{"one distance, the other bit", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, literals), []int{1})
			w.code(0, 1)
			w.code(3, 2)
			w.code(1, 1)
			w.code(2, 2)
		}, "", errCode},
		{"one distance of 2 bits", func(w *bitWriter) { w.dynamic(lengthsOf(258, literals), []int{2}); w.code(0, 1); w.code(2, 2) }, "", errCode},
		{"no distances", func(w *bitWriter) { w.dynamic(lengthsOf(258, literals), []int{0}); w.code(0, 1); w.code(2, 2) }, "a", nil},
		{"no distances, and a match", func(w *bitWriter) {
			w.dynamic(lengthsOf(258, literals), []int{0})
			w.code(0, 1)
			w.code(3, 2)
			w.code(0, 1)
			w.code(2, 2)
		}, "", errCode},
		{"over-subscribed distances", func(w *bitWriter) { w.dynamic(lengthsOf(258, literals), []int{1, 1, 1}); w.code(2, 2) }, "", errCode},
		{"incomplete code of code lengths", func(w *bitWriter) { w.bits(2<<1, 3); w.bits(0, 14); w.bits(1, 3); w.bits(0, 9) }, "", errCode},
		{"no code of code lengths", func(w *bitWriter) { w.bits(2<<1, 3); w.bits(0, 14); w.bits(0, 12) }, "", errCode},
		{"nothing to repeat", func(w *bitWriter) { w.bits(2<<1, 3); w.bits(0, 14); w.bits(1|1<<3, 12); w.bits(0, 3) }, "", errCode},
		{"too many lengths", func(w *bitWriter) {
			// The code length code: 18 is 0, 1 is 10, 17 is 11.
			w.bits(2<<1, 3)
			w.bits(0, 5) // 257 codes
			w.bits(1, 5) // 2 distances
			w.bits(18-4, 4)
			for _, symbol := range codeLengthOrder[:18] {
				w.bits(map[uint8]int{18: 1, 1: 2, 17: 2}[symbol], 3)
			}
			for _, zeros := range []int{138, 118} {
				w.code(0, 1)
				w.bits(zeros-11, 7)
			}
			w.code(2, 2) // the end of the block
			w.code(3, 2) // three zeros, for two distances
			w.bits(0, 3)
			w.code(0, 1)
		}, "", errCode},
		{"cut in its codes", func(w *bitWriter) { w.bits(2<<1, 3); w.bits(0, 10); w.bits(15, 4) }, "", errTruncated},
		{"cut in the last code", func(w *bitWriter) {
			// The tail is read as zeros, 111 five times, and the first bit of the end
			// of the block.
			w.dynamic(lengthsOf(257, map[int]int{'a': 1, 256: 2, 'b': 3, 'c': 3}), []int{0})
			w.code(0, 1)
		}, "", errTruncated},
		{"cut behind a literal", func(w *bitWriter) { w.bits(1<<1, 3); w.fixed('a') }, "", errTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w bitWriter
			tt.write(&w)
			payload := w.out
			if tt.err != errTruncated {
				payload = w.payload()
			}
			for _, takeover := range []bool{true, false} {
				got, err := newInflater(15, takeover).message(nil, payload, testLimit)
				if string(got) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("takeover %t: %q, %v, want %q, %v", takeover, got, err, tt.want, tt.err)
				}
			}
			// compress/flate agrees.
			got, err := standardInflate(nil, payload)
			if string(got) != tt.want && tt.err == nil || (err == nil) != (tt.err == nil) {
				t.Errorf("compress/flate: %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// TestInflateEnd tests data after the last block.
func TestInflateEnd(t *testing.T) {
	const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"
	for _, tt := range []struct {
		name, payload string
		err           error
	}{
		{"no payload", "", errTruncated},
		{"the tail left on", hello + flushTail, errTruncated},
		{"a final block, and no empty one", "\xf3\x48\xcd\xc9\xc9\x07\x00", errTruncated},
		{"garbage", hello + "\x07", errBlock},
		{"a byte that is missing", hello[:6], errTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := []byte("before")
			got, err := newInflater(15, false).message(dst, []byte(tt.payload), testLimit)
			if !errors.Is(err, tt.err) || string(got) != "before" {
				t.Errorf("%q, %v, want nothing behind dst, and %v", got, err, tt.err)
			}
		})
	}
}

// TestInflateDistances sends matches with exactly the largest allowed distance, and one
// byte more.
func TestInflateDistances(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		window := 1 << bits
		history := makeCorpusPiece(window)
		for _, tt := range []struct {
			name     string
			takeover bool
			before   []byte // the previous message
			stored   []byte // in this message, before the match
			distance int
			err      error
		}{
			{"the window, in the message", false, nil, history, window, nil},
			{"beyond the window, in the message", false, nil, append(history, 0), window + 1, errTooFar},
			{"the window, in earlier messages", true, history, nil, window, nil},
			{"beyond the window, in earlier messages", true, append(history, 0), nil, window + 1, errTooFar},
			{"the window, across messages", true, history[:window-10], history[:10], window, nil},
			{"beyond the window, across messages", true, history, history[:10], window + 1, errTooFar},
			{"beyond everything, with takeover", true, history[:100], nil, 101, errTooFar},
			{"everything, with takeover", true, history[:100], nil, 100, nil},
			{"beyond the message", false, history, history[:100], 101, errTooFar},
			{"the message", false, history, history[:100], 100, nil},
		} {
			if tt.distance > 32<<10 {
				continue // no code has this distance
			}
			t.Run(fmt.Sprintf("%d/%s", bits, tt.name), func(t *testing.T) {
				z := newInflater(bits, tt.takeover)
				var first, second bitWriter
				first.stored(tt.before)
				if got, err := z.message(nil, first.payload(), testLimit); !bytes.Equal(got, tt.before) || err != nil {
					t.Fatalf("%d bytes, %v, want %d", len(got), err, len(tt.before))
				}
				second.stored(tt.stored)
				second.match("", 20, tt.distance)
				got, err := z.message(nil, second.payload(), testLimit)
				if !errors.Is(err, tt.err) {
					t.Fatalf("%v, want %v", err, tt.err)
				}
				if err != nil {
					return
				}
				want := append([]byte{}, tt.before...)
				want = append(want, tt.stored...)
				for range 20 {
					want = append(want, want[len(want)-tt.distance])
				}
				if want = want[len(tt.before):]; !bytes.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if z.maxDistance != tt.distance {
					t.Errorf("the longest distance is %d, want %d", z.maxDistance, tt.distance)
				}
			})
		}
	}
}

// makeCorpusPiece returns a new slice of n bytes.
func makeCorpusPiece(n int) []byte { return bytes.Clone(CorpusPDF.Bytes()[5000:][:n]) }

// TestInflateMatches copies matches of each length and many distances, into slices with
// and without free capacity.
func TestInflateMatches(t *testing.T) {
	literals := string(makeCorpusPiece(300))
	for _, distance := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 257, 258, 259, 300} {
		for length := 3; length <= 258; length++ {
			var w bitWriter
			w.match(literals, length, distance)
			payload := w.payload()
			want := []byte(literals)
			for range length {
				want = append(want, want[len(want)-distance])
			}
			for _, dst := range [][]byte{nil, make([]byte, 0, len(want)), make([]byte, 0, 4096)} {
				got, err := newInflater(15, false).message(dst, payload, len(want))
				if !bytes.Equal(got, want) || err != nil {
					t.Fatalf("distance %d, length %d, room %d: %d bytes, %v, want %d", distance, length, cap(dst), len(got), err, len(want))
				}
			}
		}
	}
}

// TestInflateLimit checks messages of exactly the limit, and one byte more.
func TestInflateLimit(t *testing.T) {
	for _, size := range []int{1, 16, 300, 5000, 70000} {
		text := CorpusPlay.Bytes()[:size]
		var stored bitWriter
		for p := text; len(p) > 0; p = p[min(len(p), 0xffff):] {
			stored.stored(p[:min(len(p), 0xffff)])
		}
		for name, payload := range map[string][]byte{
			"stored":     stored.payload(),
			"compressed": newDeflater(15, false).message(nil, text),
		} {
			t.Run(fmt.Sprintf("%d/%s", size, name), func(t *testing.T) {
				for _, room := range []int{10, 100_000} {
					dst := append(make([]byte, 0, room), "before"...)
					got, err := newInflater(15, false).message(dst, payload, size)
					if string(got) != "before"+string(text) || err != nil {
						t.Errorf("%d bytes, %v, want %d", len(got)-len(dst), err, size)
					}
					got, err = newInflater(15, false).message(dst, payload, size-1)
					if string(got) != "before" || !errors.Is(err, errTooLong) {
						t.Errorf("%d bytes, %v, want nothing, and %v", len(got)-len(dst), err, errTooLong)
					}
				}
			})
		}
	}
}

// TestInflateBomb checks that no more is allocated than the limit allows.
func TestInflateBomb(t *testing.T) {
	payload := newDeflater(15, false).message(nil, make([]byte, 16<<20))
	got, err := newInflater(15, false).message(nil, payload, testLimit)
	if !errors.Is(err, errTooLong) {
		t.Errorf("%v, want %v", err, errTooLong)
	}
	if cap(got) > 2*testLimit {
		t.Errorf("room for %d bytes, where the limit is %d", cap(got), testLimit)
	}
}

// TestInflateStandard inflates the output of each level of compress/flate for each
// corpus, as messages of several sizes with takeover.
func TestInflateStandard(t *testing.T) {
	for c := range corpora {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			t.Run(fmt.Sprintf("%s/%d", c, level), func(t *testing.T) {
				var out bytes.Buffer
				w, err := flate.NewWriter(&out, level)
				if err != nil {
					t.Fatal(err)
				}
				z := newInflater(15, true)
				var got []byte
				corpus := c.Bytes()[:120_000]
				for i := 0; len(corpus) > 0; i++ {
					p := corpus[:min(len(corpus), []int{1, 16, 1000, 40_000, 70_000}[i%5])]
					corpus = corpus[len(p):]
					out.Reset()
					w.Write(p)
					w.Flush()
					got, err = z.message(got[:0], bytes.TrimSuffix(out.Bytes(), []byte(flushTail)), testLimit)
					if !bytes.Equal(got, p) || err != nil {
						t.Fatalf("message %d: %d bytes, %v, want %d", i, len(got), err, len(p))
					}
				}
			})
		}
	}
}

// TestInflateAllocations checks that messages do not allocate in the steady state.
func TestInflateAllocations(t *testing.T) {
	d := newDeflater(15, true)
	defer d.release()
	z := newInflater(15, true)
	var payloads [][]byte
	for at := range 60 {
		payloads = append(payloads, d.message(nil, CorpusPlay.Bytes()[1000*at:][:1000]))
	}
	dst := make([]byte, 0, 4096)
	inflate := func() {
		for _, payload := range payloads {
			if _, err := z.message(dst, payload, testLimit); err != nil {
				t.Fatal(err)
			}
		}
		z.past.forget()
	}
	if n := testing.AllocsPerRun(10, inflate); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// standardInflate inflates a payload with compress/flate, according to RFC 7692 section
// 7.2.2 and, for final blocks, 7.2.3.4.
func standardInflate(earlier, payload []byte) ([]byte, error) {
	// The payload ends at a block boundary if two different blocks appended to it are
	// both read as blocks.
	var got []byte
	for i, last := range []string{"\x01\x00\x00\xff\xff", "\x03\x00"} {
		in := strings.NewReader(string(payload) + flushTail + last)
		var out []byte
		for in.Len() > 0 {
			r := flate.NewReaderDict(in, append(bytes.Clone(earlier), out...))
			p, err := io.ReadAll(io.LimitReader(r, testLimit+1))
			out = append(out, p...)
			if err != nil {
				return nil, err
			}
			if len(out) > testLimit {
				return nil, errTooLong
			}
		}
		if i > 0 && !bytes.Equal(out, got) {
			return nil, errTruncated
		}
		got = out
	}
	return got, nil
}

// FuzzInflate compares the inflater with compress/flate: the same validity, and the
// same bytes.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), []byte("Hello"))
	f.Add([]byte("\xf2\x00\x11\x00\x00"), []byte("Hello"))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), []byte(""))
	f.Add([]byte("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), []byte(""))
	f.Add(newDeflater(15, false).message(nil, CorpusPlay.Bytes()[:1000]), []byte(""))
	f.Fuzz(func(t *testing.T, payload, earlier []byte) {
		want, wantErr := standardInflate(earlier, payload)
		z := newInflater(15, true)
		z.past.append(earlier)
		got, err := z.message(nil, payload, testLimit)
		if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; compress/flate has %d, %v", len(got), err, len(want), wantErr)
		}
	})
}
