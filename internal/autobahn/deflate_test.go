package autobahn

import (
	"bytes"
	"fmt"
	"testing"
)

// takeovers names the two modes of a direction.
var takeovers = map[string]bool{"takeover": true, "no takeover": false}

// TestDeflate inflates the output of the deflater, for each window and for messages of
// all sizes in turn and of each size separately, with the inflater that checks distances,
// and with compress/flate.
func TestDeflate(t *testing.T) {
	mixed := []int{1, 16, 300, 0, 40_000, 127, 128, 13, 5000, 70_000, 64, 12, 1000}
	for bits := 8; bits <= 15; bits++ {
		for name, takeover := range takeovers {
			for _, c := range []Corpus{CorpusBitmap, CorpusHTML, CorpusPDF} {
				t.Run(fmt.Sprintf("%d/%s/%s", bits, name, c), func(t *testing.T) {
					testDeflate(t, bits, takeover, c, 100_000, mixed)
					for _, size := range []int{16, 64, 256, 4096} {
						testDeflate(t, bits, takeover, c, 8000, []int{size})
					}
				})
			}
		}
	}
}

// testDeflate sends messages of the sizes, at least total bytes or 100 messages.
func testDeflate(t *testing.T, bits int, takeover bool, c Corpus, total int, sizes []int) {
	d, z := newDeflater(bits, takeover), newInflater(bits, takeover)
	defer d.release()
	corpus := c.Bytes()
	var payload, got, before []byte
	for i, at := 0, 0; i < 100 && at < total; i++ {
		p := corpus[at:][:min(len(corpus)-at, sizes[i%len(sizes)])]
		at += len(p)
		payload = d.message(payload[:0], p)
		if len(p) == 0 && string(payload) != "\x00" {
			t.Fatalf("message %d: an empty one has the payload % x", i, payload)
		}
		var err error
		if got, err = z.message(got[:0], payload, testLimit); !bytes.Equal(got, p) || err != nil {
			t.Fatalf("message %d: %d bytes, %v, want %d", i, len(got), err, len(p))
		}
		if i%7 == 0 {
			if standard, err := standardInflate(before, payload); !bytes.Equal(standard, p) || err != nil {
				t.Fatalf("message %d by compress/flate: %d bytes, %v, want %d", i, len(standard), err, len(p))
			}
		}
		if takeover {
			before = append(before, p...)
			before = before[max(0, len(before)-32<<10):]
		}
	}
}

// TestDeflateTakeover checks that a repeated message becomes shorter with takeover, and
// does not without.
func TestDeflateTakeover(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		for _, size := range []int{20, 64, 127, 128, 250, 400, 2000, 30_000} {
			if size > 1<<bits-128 {
				continue // the first one is outside the window
			}
			t.Run(fmt.Sprintf("%d/%d", bits, size), func(t *testing.T) {
				p := makeCorpusPiece(size)
				for name, takeover := range takeovers {
					d := newDeflater(bits, takeover)
					first, second := len(d.message(nil, p)), len(d.message(nil, p))
					d.release()
					if short := second < first*3/4; short != takeover {
						t.Errorf("%s: %d bytes and then %d", name, first, second)
					}
				}
			})
		}
	}
}

// TestDeflateReach sends enough messages for all buffers to move, and checks that
// distances still reach the size of the window.
func TestDeflateReach(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		d, z := newDeflater(bits, true), newInflater(bits, true)
		corpus := CorpusPlay.Bytes()
		var payload, got []byte
		for i := range 450 {
			if i == 350 {
				z.maxDistance = 0 // flate.Writer moves its window after 320 KiB
			}
			p := corpus[i%200*1000:][:1000]
			var err error
			payload = d.message(payload[:0], p)
			if got, err = z.message(got[:0], payload, testLimit); !bytes.Equal(got, p) || err != nil {
				t.Fatalf("message %d: %d bytes, %v, want %d", i, len(got), err, len(p))
			}
		}
		d.release()
		if window := 1 << bits; z.maxDistance < window*3/4 {
			t.Errorf("%d bits: the longest distance is %d, want nearly %d", bits, z.maxDistance, window)
		}
	}
}

// TestDeflateReleased checks that a deflater with a reused encoder does not refer to
// the messages of its previous user.
func TestDeflateReleased(t *testing.T) {
	for _, bits := range []int{9, 15} {
		for _, size := range []int{64, 4000} {
			p := makeCorpusPiece(size)
			d := newDeflater(bits, true)
			d.message(nil, p)
			d.release()
			for name, d := range map[string]*deflater{"the same": d, "another": newDeflater(bits, true)} {
				if _, err := newInflater(bits, true).message(nil, d.message(nil, p), testLimit); err != nil {
					t.Errorf("%d bits, %d bytes, %s: %v", bits, size, name, err)
				}
				d.release()
			}
		}
	}
}

// TestHistory checks the last bytes of a history.
func TestHistory(t *testing.T) {
	h := history{size: 8}
	var all []byte
	for i, size := range []int{0, 3, 4, 1, 8, 2, 20, 7, 5, 5, 1, 9} {
		p := bytes.Repeat([]byte{byte('a' + i)}, size)
		h.append(p)
		all = append(all, p...)
		for _, n := range []int{0, 1, 5, 8, 100} {
			want := all[max(0, len(all)-min(n, 8)):]
			if got := h.last(n); !bytes.Equal(got, want) {
				t.Errorf("after %q, the last %d: %q, want %q", all, n, got, want)
			}
		}
		if cap(h.bytes) > 64 {
			t.Errorf("room for %d bytes", cap(h.bytes))
		}
	}
	h.forget()
	if got := h.last(8); len(got) > 0 {
		t.Errorf("after forget: %q", got)
	}
}
