package autobahn

import (
	"fmt"
	"testing"
)

// benchmarkPieces runs f with pieces of three corpora, of text and of nearly
// incompressible data, as messages of several sizes.
func benchmarkPieces(b *testing.B, f func(b *testing.B, bits int, pieces [][]byte)) {
	for _, bits := range []int{9, 15} {
		for _, c := range []Corpus{CorpusJSON, CorpusPlay, CorpusPDF} {
			for _, size := range []int{16, 4096, 131_072} {
				b.Run(fmt.Sprintf("%d/%s/%d", bits, c, size), func(b *testing.B) {
					var pieces [][]byte
					corpus := c.Bytes()
					for at := 0; at+size <= len(corpus) && len(pieces) < 1000; at += size {
						pieces = append(pieces, corpus[at:at+size])
					}
					b.SetBytes(int64(size))
					b.ReportAllocs()
					f(b, bits, pieces)
				})
			}
		}
	}
}

func BenchmarkDeflate(b *testing.B) {
	benchmarkPieces(b, func(b *testing.B, bits int, pieces [][]byte) {
		d := newDeflater(bits, true)
		defer d.release()
		var payload []byte
		for i := 0; b.Loop(); i++ {
			payload = d.message(payload[:0], pieces[i%len(pieces)])
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	benchmarkPieces(b, func(b *testing.B, bits int, pieces [][]byte) {
		d, z := newDeflater(bits, true), newInflater(bits, true)
		defer d.release()
		var payloads [][]byte
		for _, p := range pieces {
			payloads = append(payloads, d.message(nil, p))
		}
		var p []byte
		for i := 0; b.Loop(); i++ {
			if i%len(pieces) == 0 {
				z.past.forget() // its state before the first message
			}
			var err error
			if p, err = z.message(p[:0], payloads[i%len(pieces)], 1<<20); err != nil {
				b.Fatal(err)
			}
		}
	})
}
