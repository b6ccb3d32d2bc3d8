package bench

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

func BenchmarkWriteBinary(b *testing.B) {
	for _, size := range []int{16, kib, mib} {
		writeRow(b, opBinary, binary(size))
	}
}

func BenchmarkWriteText(b *testing.B) {
	for _, size := range []int{16, kib} {
		writeRow(b, opText, text(asciiText, size))
	}
}

func writeRow(b *testing.B, op int, p []byte) {
	for _, lib := range all {
		b.Run(strconv.Itoa(len(p))+"/"+lib.name, func(b *testing.B) {
			l := &loop{}
			c := over(b, lib, l, settings{})
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.write(op, p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(l.calls)/float64(b.N), "calls/op")
			wantFrame(b, l.keep(func() { c.write(op, p) }), op, p)
		})
	}
}

// wantFrame checks that written is one frame with p.
func wantFrame(tb testing.TB, written []byte, op int, p []byte) {
	tb.Helper()
	h, length, n, err := rawpeer.ParseHeader(written)
	if err != nil {
		tb.Fatal(err)
	}
	if !h.Fin || h.Masked || h.RSV != 0 || int(h.Opcode) != op ||
		length != uint64(len(p)) || !bytes.Equal(written[n:], p) {
		tb.Fatalf("wrote %d bytes that begin with % x", len(written), written[:min(len(written), 16)])
	}
}
