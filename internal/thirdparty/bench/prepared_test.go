package bench

import (
	"sync"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

// BenchmarkPrepared writes the same message to 1,000 connections, one after the
// other; an operation is one of these.
func BenchmarkPrepared(b *testing.B) {
	p := document(random(), 4*kib)
	for _, row := range []struct {
		name string
		deflate
	}{{"plain", plain}, {"deflated", takeover}} {
		for _, lib := range inTurn([]library{bhojpur, gorilla, gwsLibrary}) {
			b.Run(row.name+"/"+lib.name, func(b *testing.B) { writePrepared(b, lib, row.deflate, p) })
		}
	}
}

func writePrepared(b *testing.B, lib library, d deflate, p []byte) {
	connections := many()
	loops, conns := hub(b, lib, d, connections)
	m, err := lib.prepare(opText, p)
	if err != nil {
		b.Fatal(err)
	}
	var arrived sync.WaitGroup
	if lib.later {
		for _, l := range loops {
			l.arrived = &arrived
		}
	}
	write := func(c conn) {
		if lib.later {
			arrived.Add(1)
		}
		if err := m.writeTo(c); err != nil {
			b.Fatal(err)
		}
	}
	wire := loops[0].keep(func() {
		write(conns[0])
		arrived.Wait()
	})
	if d == plain {
		wantFrame(b, wire, opText, p)
	} else {
		wantDeflated(b, wire, [][]byte{p})
	}
	_, length, n, _ := rawpeer.ParseHeader(wire)
	each := int64(length) + int64(n)
	before := written(loops)
	next := 0
	b.ReportAllocs()
	for b.Loop() {
		write(conns[next])
		if next++; next == connections {
			next = 0
			arrived.Wait()
		}
	}
	arrived.Wait()
	if got, want := written(loops)-before, each*int64(b.N); got != want {
		b.Fatalf("wrote %d bytes, want %d", got, want)
	}
}
