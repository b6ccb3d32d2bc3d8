package bench

import (
	"bytes"
	"compress/flate"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

// deflating are the libraries that compress by themselves. gobwas/ws leaves that to
// the program, with a compressor of its choice.
var deflating = []library{bhojpur, coder, gorilla, gwsLibrary}

// BenchmarkReadDeflated reads binary messages, so that the time is that of inflating.
func BenchmarkReadDeflated(b *testing.B) {
	for _, size := range []int{16, kib} {
		readDeflated(b, strconv.Itoa(size), document(random(), size), serverInMemory)
	}
	largeDeflated(b, serverInMemory)
}

func BenchmarkReadDeflatedTCP(b *testing.B) { largeDeflated(b, serverOverTCP) }

func largeDeflated(b *testing.B, from source) {
	for _, size := range overTCP {
		readDeflated(b, strconv.Itoa(size), document(random(), size), from)
	}
	readDeflated(b, "text/16384", text(asciiText, 16*kib), from)
	readDeflated(b, "byte/32768", bytes.Repeat([]byte("x"), 32*kib), from)
}

func readDeflated(b *testing.B, name string, p []byte, from source) {
	frame := clientFrame(opBinary, rawpeer.RSV1, deflated(p))
	for _, lib := range inTurn(deflating) {
		b.Run(name+"/"+lib.name, func(b *testing.B) {
			read(b, from(b, lib, settings{deflate: noTakeover}, frame), p)
		})
	}
}

// BenchmarkWriteFresh writes documents of which no two in a row are the same on one
// connection.
func BenchmarkWriteFresh(b *testing.B) {
	for _, size := range []int{kib, 16 * kib} {
		docs := documents(size)
		for _, lib := range inTurn(deflating) {
			b.Run(strconv.Itoa(size)+"/"+lib.name, func(b *testing.B) { writeFresh(b, lib, docs, 1) })
		}
	}
}

// BenchmarkWriteFreshHub does so on 1,000 connections in turn.
func BenchmarkWriteFreshHub(b *testing.B) {
	docs := documents(kib)
	for _, lib := range inTurn(deflating) {
		b.Run(strconv.Itoa(kib)+"/"+lib.name, func(b *testing.B) { writeFresh(b, lib, docs, many()) })
	}
}

// BenchmarkWriteFreshTCP checks what is written first, as long as it is kept.
func BenchmarkWriteFreshTCP(b *testing.B) {
	docs := documents(16 * kib)
	for _, lib := range inTurn(deflating) {
		b.Run(strconv.Itoa(16*kib)+"/"+lib.name, func(b *testing.B) {
			c, peer := acceptTCP(b, lib, settings{deflate: takeover})
			wire, total := writeTCP(b, c, newSink(peer), opText, docs)
			b.ReportMetric(float64(total)/float64(b.N), "wire-B/op")
			if total == int64(len(wire)) {
				wantDeflated(b, wire, docs[:min(b.N, len(docs))])
			} else {
				wantDeflated(b, wire[:messages(b, wire, 20)], docs[:20])
			}
		})
	}
}

// writeFresh writes the next of docs to the next of connections. Before, it checks
// what is written at the beginning of one connection, which fills the window too.
func writeFresh(b *testing.B, lib library, docs [][]byte, connections int) {
	loops, conns := hub(b, lib, takeover, connections)
	next := 0
	write := func() {
		if err := conns[next%connections].write(opText, docs[next%len(docs)]); err != nil {
			b.Fatal(err)
		}
		next++
	}
	wrote := docs[:min(40, len(docs))]
	wantDeflated(b, loops[0].keep(func() {
		for _, doc := range wrote {
			if err := conns[0].write(opText, doc); err != nil {
				b.Fatal(err)
			}
		}
	}), wrote)
	for range 2 * connections {
		write()
	}
	before := written(loops)
	b.ReportAllocs()
	for b.Loop() {
		write()
	}
	b.ReportMetric(float64(written(loops)-before)/float64(b.N), "wire-B/op")
}

// many is how many connections a hub has, fewer where the benchmarks are only tested.
func many() int {
	if os.Getenv(onlyBenchmarks) != "" {
		return 50
	}
	return 1000
}

// hub returns connections of lib.
func hub(b *testing.B, lib library, d deflate, connections int) (loops []*loop, conns []conn) {
	for range connections {
		l := &loop{}
		loops = append(loops, l)
		conns = append(conns, over(b, lib, l, settings{deflate: d}))
	}
	return loops, conns
}

func written(loops []*loop) (n int64) {
	for _, l := range loops {
		n += l.written
	}
	return n
}

// wantDeflated checks that wire has compressed messages with these contents.
func wantDeflated(tb testing.TB, wire []byte, contents [][]byte) {
	tb.Helper()
	var before []byte
	for i, want := range contents {
		var payload []byte
		for last, rsv := false, byte(rawpeer.RSV1); !last; rsv = 0 {
			h, length, n, err := rawpeer.ParseHeader(wire)
			if err != nil || h.RSV != rsv || length > uint64(len(wire)-n) {
				tb.Fatalf("frame of message %d: %+v, %v", i, h, err)
			}
			last = h.Fin
			payload = append(payload, wire[n:n+int(length)]...)
			wire = wire[n+int(length):]
		}
		const tail = "\x00\x00\xff\xff" + "\x01\x00\x00\xff\xff" // the end of the stream too
		r := flate.NewReaderDict(bytes.NewReader(append(payload, tail...)), before)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			tb.Fatalf("message %d: inflated %d bytes, %v; want %d", i, len(got), err, len(want))
		}
		before = append(before, want...)
		before = before[max(0, len(before)-1<<15):]
	}
	if len(wire) > 0 {
		tb.Fatalf("%d bytes after the last message", len(wire))
	}
}
