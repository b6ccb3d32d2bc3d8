package bench

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// Rows of at least 16 KiB are measured over TCP too.
var (
	allSizes  = []int{16, kib, 16 * kib, mib}
	overTCP   = []int{16 * kib, mib}
	allReads  = and(all, bhojpurAppend, bhojpurRead)
	allTexts  = and(all, bhojpurAppend)
	allClient = and(dialing, bhojpurAppend)
)

func BenchmarkReadBinary(b *testing.B) {
	for _, size := range allSizes {
		p := binary(size)
		libs := allReads
		if size == mib {
			libs = and(libs, bareRead)
		}
		readRow(b, opBinary, p, settings{}, libs, serverInMemory)
	}
}

func BenchmarkReadASCII(b *testing.B) {
	for _, size := range overTCP {
		readRow(b, opText, text(asciiText, size), settings{text: validated}, allTexts, serverInMemory)
	}
}

func BenchmarkReadMixed(b *testing.B) {
	readRow(b, opText, text(mixedText, mib), settings{text: validated}, allTexts, serverInMemory)
}

func BenchmarkReadBinaryTCP(b *testing.B) {
	for _, size := range overTCP {
		readRow(b, opBinary, binary(size), settings{}, allReads, serverOverTCP)
	}
}

func BenchmarkReadASCIITCP(b *testing.B) {
	for _, size := range overTCP {
		readRow(b, opText, text(asciiText, size), settings{text: validated}, allTexts, serverOverTCP)
	}
}

func BenchmarkReadMixedTCP(b *testing.B) {
	readRow(b, opText, text(mixedText, mib), settings{text: validated}, allTexts, serverOverTCP)
}

func BenchmarkClientReadBinary(b *testing.B) {
	for _, size := range []int{16, 16 * kib, mib} {
		clientReadRow(b, opBinary, binary(size), clientInMemory)
	}
}

func BenchmarkClientReadText(b *testing.B) {
	for _, size := range []int{16, mib} {
		clientReadRow(b, opText, text(asciiText, size), clientInMemory)
	}
}

func BenchmarkClientReadBinaryTCP(b *testing.B) {
	for _, size := range overTCP {
		clientReadRow(b, opBinary, binary(size), clientOverTCP)
	}
}

func BenchmarkClientReadTextTCP(b *testing.B) {
	clientReadRow(b, opText, text(asciiText, mib), clientOverTCP)
}

// readRow measures a server that reads messages that are all p.
func readRow(b *testing.B, op int, p []byte, s settings, libs []library, from source) {
	for _, lib := range inTurn(libs) {
		b.Run(strconv.Itoa(len(p))+"/"+lib.name, func(b *testing.B) {
			frame := clientFrame(op, 0, p)
			if lib.name == bareRead.name { // it does not unmask
				frame = slices.Concat(frame[:len(frame)-len(p)], p)
			}
			read(b, from(b, lib, s, frame), p)
		})
	}
}

// clientReadRow measures a client that reads messages that are all p.
func clientReadRow(b *testing.B, op int, p []byte, from source) {
	frame := serverFrame(op, p)
	for _, lib := range inTurn(allClient) {
		b.Run(strconv.Itoa(len(p))+"/"+lib.name, func(b *testing.B) {
			read(b, from(b, lib, settings{}, frame), p)
		})
	}
}

type receiver interface {
	receive(p []byte, each func([]byte) bool) error
}

// read measures c, whose messages all have to be want. It compares the length of each
// message, and the content of the first and the last.
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
