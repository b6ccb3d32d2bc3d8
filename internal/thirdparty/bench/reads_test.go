package bench

import (
	"bytes"
	"strconv"
	"testing"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

func BenchmarkReadBinary(b *testing.B) {
	for _, size := range []int{16, kib, 16 * kib, mib} {
		p := binary(size)
		readRow(b, opBinary, p, settings{}, append(all, bhojpurAppend, bhojpurRead))
		if size == mib {
			b.Run(strconv.Itoa(size)+"/bare", func(b *testing.B) { readBare(b, p) })
		}
	}
}

func BenchmarkReadASCII(b *testing.B) {
	for _, size := range []int{16 * kib, mib} {
		readRow(b, opText, text(asciiText, size), settings{text: validated}, append(all, bhojpurAppend))
	}
}

func BenchmarkReadMixed(b *testing.B) {
	readRow(b, opText, text(mixedText, mib), settings{text: validated}, append(all, bhojpurAppend))
}

// readRow measures how messages that are all p are read.
func readRow(b *testing.B, op int, p []byte, s settings, libs []library) {
	for _, lib := range libs {
		b.Run(strconv.Itoa(len(p))+"/"+lib.name, func(b *testing.B) {
			l := &loop{}
			c := over(b, lib, l, s)
			l.feed = clientFrame(op, 0, p)
			read(b, c, p)
		})
	}
}

func readBare(b *testing.B, p []byte) {
	frame := clientFrame(opBinary, 0, p)
	copy(frame[len(frame)-len(p):], p) // nobody unmasks it
	l := &loop{feed: frame}
	c := bare{conn: l, head: len(frame) - len(p), size: len(p)}
	read(b, c, p)
}

type receiver interface {
	receive(p []byte, each func([]byte) bool) error
}

// read measures c, whose messages all have to be want. Each one's length is looked
// at, and the content of the first and the last.
func read(b *testing.B, c receiver, want []byte) {
	into := make([]byte, len(want)+64)
	var wrong bool
	first := true
	b.SetBytes(int64(len(want)))
	b.ReportAllocs()
	b.Loop()
	err := c.receive(into, func(got []byte) bool {
		if len(got) != len(want) {
			wrong = true
			return false
		}
		if first {
			first = false
			b.StopTimer()
			wrong = !bytes.Equal(got, want)
			b.StartTimer()
		}
		if b.Loop() {
			return true
		}
		wrong = wrong || !bytes.Equal(got, want)
		return false
	})
	if err != nil || wrong {
		b.Fatalf("wrong message, or %v", err)
	}
}
