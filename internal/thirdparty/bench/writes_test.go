package bench

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

func BenchmarkWriteBinary(b *testing.B) {
	for _, size := range allSizes {
		writeRow(b, opBinary, binary(size))
	}
}

func BenchmarkWriteText(b *testing.B) {
	for _, size := range []int{16, kib} {
		writeRow(b, opText, text(asciiText, size))
	}
}

func writeRow(b *testing.B, op int, p []byte) {
	for _, lib := range inTurn(all) {
		b.Run(strconv.Itoa(len(p))+"/"+lib.name, func(b *testing.B) {
			l := &loop{}
			c := over(b, lib, l, settings{})
			write(b, c, l, op, p)
			wantFrame(b, l.keep(func() { c.write(op, p) }), op, p)
		})
	}
}

func BenchmarkClientWrite(b *testing.B) {
	for _, size := range allSizes {
		p := binary(size)
		for _, lib := range inTurn(dialing) {
			b.Run(strconv.Itoa(size)+"/"+lib.name, func(b *testing.B) {
				l := newClientLoop()
				c := dialed(b, lib, l, settings{})
				write(b, c, &l.loop, opBinary, p)
				wire := l.keep(func() { c.write(opBinary, p) })
				if n := wantMessage(b, wire, opBinary, p); n != len(wire) {
					b.Fatalf("%d bytes after the message", len(wire)-n)
				}
			})
		}
	}
}

// write measures how c, which is on l, writes p.
func write(b *testing.B, c conn, l *loop, op int, p []byte) {
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.write(op, p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(l.calls)/float64(b.N), "calls/op")
}

func BenchmarkWriteBinaryTCP(b *testing.B) {
	for _, size := range overTCP {
		p := binary(size)
		for _, lib := range inTurn(all) {
			b.Run(strconv.Itoa(size)+"/"+lib.name, func(b *testing.B) {
				c, peer := acceptTCP(b, lib, settings{})
				wire, total := writeTCP(b, c, newSink(peer), opBinary, [][]byte{p})
				_, length, n, err := rawpeer.ParseHeader(wire)
				if err != nil || uint64(n)+length > uint64(len(wire)) {
					b.Fatalf("no frame: %v", err)
				}
				wantFrame(b, wire[:n+int(length)], opBinary, p)
				wantTotal(b, total, n+int(length))
			})
		}
	}
}

func BenchmarkClientWriteTCP(b *testing.B) {
	for _, size := range overTCP {
		p := binary(size)
		for _, lib := range inTurn(dialing) {
			b.Run(strconv.Itoa(size)+"/"+lib.name, func(b *testing.B) {
				c, peer := dialTCP(b, lib, settings{})
				wire, total := writeTCP(b, c, newSink(peer), opBinary, [][]byte{p})
				wantTotal(b, total, wantMessage(b, wire, opBinary, p))
			})
		}
	}
}

// writeTCP measures how c writes messages in turn. It returns the first bytes that
// arrived at the other end, and how many did in all.
func writeTCP(b *testing.B, c conn, s *sink, op int, messages [][]byte) (wire []byte, total int64) {
	next := 0
	b.SetBytes(int64(len(messages[0])))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.write(op, messages[next%len(messages)]); err != nil {
			b.Fatal(err)
		}
		next++
	}
	c.close()
	s.all.Wait()
	return s.kept, s.total
}

// wantTotal checks that all messages have arrived, each of which takes n bytes.
func wantTotal(b *testing.B, total int64, n int) {
	b.Helper()
	if want := int64(n) * int64(b.N); total != want {
		b.Fatalf("%d bytes arrived, want %d", total, want)
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
