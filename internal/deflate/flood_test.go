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
	// The shortest blocks with codes of their own, 90 bits each: one length and a run of
	// zeros are coded, and end of block is the only code.
	var short bitWriter
	for range 4 {
		short.put(0b100, 3)
		short.put(0, 5+5)  // 257 and 1 lengths
		short.put(18-4, 4) // the lengths of the code length code up to that of 1
		for _, symbol := range lenOrder[:18] {
			n := uint64(0)
			if symbol == 1 || symbol == 18 {
				n = 1
			}
			short.put(n, 3)
		}
		short.put(1|(138-11)<<1, 1+7)
		short.put(1|(118-11)<<1, 1+7)
		short.put(0, 1+1+1) // end of block, the distance code, and the end
	}
	return map[string][]byte{
		"dynamic short": repeated(short.dst),
		"stored":        repeated([]byte("\x00\x00\x00\xff\xff")),
		"stored final":  repeated([]byte("\x01\x00\x00\xff\xff")),
		"fixed":         repeated([]byte("\x02\x08\x20\x80\x00")), // four of 10 bits
		"fixed final":   repeated([]byte("\x03\x00")),
		"dynamic":       repeated(bytes.TrimRight(dynamicBlock(lens, dist, end), "\x00")),
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
