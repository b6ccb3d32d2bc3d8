package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"io"
	"testing"
)

// floods are payloads of blocks without content.
func floods() map[string][]byte {
	const size = 64 << 10
	repeated := func(p []byte) []byte { return bytes.Repeat(p, size/len(p)) }
	// All lengths of codes, so that the tables are as large as they get: end of block
	// is the last of two codes of 15 bits.
	lens := make([]uint8, 257)
	for i := range 14 {
		lens[i] = uint8(i + 1)
	}
	lens[14], lens[endOfBlock] = 15, 15
	dist := []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15}
	end := func(w *bitWriter) {
		w.put(0x7fff, 15)
		w.put(0, 3) // a stored block, which ends at a whole byte
		w.put(0, (8-w.nbits)&7)
		w.dst = append(w.dst, "\x00\x00\xff\xff"...)
	}
	return map[string][]byte{
		"stored":       repeated([]byte("\x00\x00\x00\xff\xff")),
		"stored final": repeated([]byte("\x01\x00\x00\xff\xff")),
		"fixed":        repeated([]byte("\x02\x08\x20\x80\x00")), // four of 10 bits
		"fixed final":  repeated([]byte("\x03\x00")),
		"dynamic":      repeated(bytes.TrimRight(dynamicBlock(lens, dist, end), "\x00")),
	}
}

func TestFloods(t *testing.T) {
	for name, flood := range floods() {
		for _, source := range sources {
			t.Run(name+"/"+source.name, func(t *testing.T) {
				f := NewInflater(maxWindowBits, true)
				defer f.Close()
				got, err := readMessage(f, source.wrap(bytes.NewReader(flood)), 100)
				if err != nil || len(got) > 0 {
					t.Fatalf("%d bytes, error %v", len(got), err)
				}
			})
		}
	}
}

// BenchmarkFlood measures the time for a byte of a flood.
func BenchmarkFlood(b *testing.B) {
	for name, flood := range floods() {
		b.Run(name, func(b *testing.B) {
			f := NewInflater(maxWindowBits, false)
			src := bytes.NewReader(nil)
			p := make([]byte, 100)
			b.SetBytes(int64(len(flood)))
			for b.Loop() {
				src.Reset(flood)
				f.Begin(src)
				if _, err := f.Read(p); err != io.EOF {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/compress", func(b *testing.B) {
			src := bytes.NewReader(nil)
			r := stdflate.NewReader(src)
			p := make([]byte, 100)
			b.SetBytes(int64(len(flood)))
			for b.Loop() {
				src.Reset(flood)
				r.(stdflate.Resetter).Reset(src, nil)
				r.Read(p)
			}
		})
	}
}
