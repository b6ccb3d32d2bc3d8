package bench

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkFair writes from several goroutines to one connection, beside others that
// compute. A run takes as long as fairTime whatever -benchtime is: beside goroutines
// that compute, writes come in bursts that are many milliseconds apart.
func BenchmarkFair(b *testing.B) {
	for _, busy := range Busy {
		for _, writers := range Writers {
			for _, lib := range inTurn([]library{bhojpur, bhojpurMutex}) {
				b.Run(fmt.Sprintf("%dbusy/%dwriters/%s", busy, writers, lib.name), func(b *testing.B) {
					defer compute(busy)()
					writeFairly(b, lib, writers, fairTime())
				})
			}
		}
	}
}

// fairTime is how long writes are counted, less if the benchmarks are only tested.
func fairTime() time.Duration {
	if os.Getenv(onlyBenchmarks) != "" {
		return 10 * time.Millisecond
	}
	return time.Second
}

// writeFairly counts the messages that writers write within d, after half of that. The
// time for each is reported.
func writeFairly(b *testing.B, lib library, writers int, d time.Duration) {
	p := binary(100)
	c, client := acceptTCP(b, lib, settings{})
	received := newSink(client)
	write := c.write
	if lib.oneWriter {
		write = alone(write)
	}
	var all sync.WaitGroup
	var counted, sent atomic.Int64
	begin := time.Now().Add(d / 2)
	end := begin.Add(d)
	for range writers {
		all.Go(func() {
			var n, before int64
			for now := time.Now(); now.Before(end); now = time.Now() {
				if err := write(opBinary, p); err != nil {
					b.Error(err)
					break
				}
				if n++; now.Before(begin) {
					before = n
				}
			}
			sent.Add(n)
			counted.Add(n - before)
		})
	}
	all.Wait()
	c.close()
	received.all.Wait()
	if want := sent.Load() * int64(2+len(p)); received.total != want {
		b.Fatalf("%d bytes arrived, want %d", received.total, want)
	}
	b.ReportMetric(float64(d)/float64(max(counted.Load(), 1)), "ns/op")
}

// bhojpurMutex is bhojpur whose writes hold a mutex.
var bhojpurMutex = library{
	name: "mutex",
	accept: func(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
		return acceptBhojpur(w, r, s)
	},
	oneWriter: true,
}

// compute starts goroutines that compute until stop is called.
func compute(goroutines int) (stop func()) {
	var stopping atomic.Bool
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for n := uint32(1); !stopping.Load(); {
				for range 1000 {
					n = n*1664525 + 1013904223
				}
				runtime.KeepAlive(n)
			}
		})
	}
	return func() {
		stopping.Store(true)
		all.Wait()
	}
}
