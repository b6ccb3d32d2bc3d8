package bench

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkFair writes from several goroutines to one connection, beside others that
// compute.
func BenchmarkFair(b *testing.B) {
	for _, busy := range Busy {
		for _, writers := range Writers {
			for _, lib := range inTurn([]library{bhojpur, bhojpurMutex}) {
				b.Run(fmt.Sprintf("%dbusy/%dwriters/%s", busy, writers, lib.name), func(b *testing.B) {
					if os.Getenv(onlyBenchmarks) == "" {
						defer compute(busy)()
					}
					writeConcurrently(b, lib, writers, 100)
				})
			}
		}
	}
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
