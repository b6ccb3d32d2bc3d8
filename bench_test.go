//go:build !js

package websocket_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// loop is an in-memory connection that returns the same bytes repeatedly and discards
// writes, so that only the library is measured.
type loop struct {
	net.Conn // nil: its other methods are not called
	bytes    []byte
	off      int
	writes   int
}

func (l *loop) Read(p []byte) (n int, err error) {
	for n < len(p) && len(l.bytes) > 0 {
		k := copy(p[n:], l.bytes[l.off:])
		n += k
		l.off = (l.off + k) % len(l.bytes)
	}
	return n, nil
}

func (l *loop) Write(p []byte) (int, error)      { l.writes++; return len(p), nil }
func (l *loop) Close() error                     { return nil }
func (l *loop) SetDeadline(time.Time) error      { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }

// hijacked is a ResponseWriter of a request over a loop.
type hijacked struct {
	header http.Header
	conn   net.Conn
}

func (h *hijacked) Header() http.Header         { return h.header }
func (h *hijacked) Write(p []byte) (int, error) { return h.conn.Write(p) }
func (h *hijacked) WriteHeader(int)             {}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(strings.NewReader("")), bufio.NewWriter(io.Discard)), nil
}

func acceptLoop(b *testing.B, l *loop) *websocket.Conn {
	b.Helper()
	c, err := websocket.Accept(&hijacked{header: http.Header{}, conn: l}, conntest.Request(), nil)
	if err != nil {
		b.Fatal(err)
	}
	c.SetReadLimit(-1)
	b.Cleanup(func() { c.CloseNow() })
	l.writes = 0
	return c
}

var (
	benchTypes = []websocket.MessageType{websocket.MessageBinary, websocket.MessageText}
	benchSizes = []int{16, 1 << 10, 16 << 10, 1 << 20}
)

// BenchmarkReader is a server that reads into the same slice, with a context that can
// be canceled.
func BenchmarkReader(b *testing.B) {
	for _, typ := range benchTypes {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", typ, size), func(b *testing.B) {
				f := rawpeer.Binary([]byte(strings.Repeat("a", size)))
				f.Opcode, f.Masked, f.Key = rawpeer.Opcode(typ), true, [4]byte{1, 2, 3, 4}
				l := &loop{}
				c := acceptLoop(b, l)
				l.bytes = rawpeer.AppendFrame(nil, f)
				p := make([]byte, size+1)
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					_, r, err := c.Reader(ctx)
					n := 0
					for err == nil {
						var k int
						k, err = r.Read(p[n:])
						n += k
					}
					if n != size || err != io.EOF {
						b.Fatalf("read %d bytes, %v", n, err)
					}
				}
			})
		}
	}
}

// BenchmarkWrite is a server that writes, with a context that can be canceled.
func BenchmarkWrite(b *testing.B) {
	for _, typ := range benchTypes {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", typ, size), func(b *testing.B) {
				l := &loop{}
				c := acceptLoop(b, l)
				p := []byte(strings.Repeat("a", size))
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Write(ctx, typ, p); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(l.writes)/float64(b.N), "calls/op")
			})
		}
	}
}

// Calls that send a message do not allocate in the steady state.
func TestSendingAllocatesNothing(t *testing.T) {
	const runs = 100 // a garbage collection may empty pools in one of them
	most := 0.0
	if poolcheck.On {
		most = runs // with the race detector, pools drop objects
	}
	for _, compressed := range []bool{false, true} {
		r := conntest.Request()
		if compressed {
			r.Header.Set("Sec-WebSocket-Extensions", pmd)
		}
		c, err := websocket.Accept(&hijacked{header: http.Header{}, conn: &loop{}}, r,
			&websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
		conntest.WantNoError(t, err)
		defer c.CloseNow()
		for _, size := range []int{1, 1000, 20_000} {
			p := []byte(conntest.Filler(size))
			m, err := websocket.NewPreparedMessage(websocket.MessageText, p)
			conntest.WantNoError(t, err)
			for name, send := range map[string]func() error{
				"Write":             func() error { return c.Write(t.Context(), websocket.MessageText, p) },
				"WriteUncompressed": func() error { return c.WriteUncompressed(t.Context(), websocket.MessageText, p) },
				"WritePrepared":     func() error { return c.WritePrepared(t.Context(), m) },
			} {
				checked := func() {
					if err := send(); err != nil {
						t.Error(err)
					}
				}
				for range 3 {
					checked()
				}
				if n := testing.AllocsPerRun(runs, checked); n > most {
					t.Errorf("%s of %d bytes, compressed %t, allocates %v times", name, size, compressed, n)
				}
			}
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	r := conntest.Request()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := websocket.Accept(&hijacked{header: http.Header{}, conn: &loop{}}, r, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriters is a server that writes from several goroutines, beside others that
// compute. An operation is one second of that and one second with a mutex around Write;
// the result compares the numbers of messages.
func BenchmarkWriters(b *testing.B) {
	for _, busy := range []int{0, 2, 8} {
		for _, writers := range []int{2, 8, 16, 64, 300} {
			b.Run(fmt.Sprintf("busy=%d/writers=%d", busy, writers), func(b *testing.B) {
				defer compute(busy)()
				ours, mutex := 0, 0
				for b.Loop() {
					ours += countWrites(b, writers, nil)
					mutex += countWrites(b, writers, new(sync.Mutex))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(ours)/float64(b.N), "writes/s")
				b.ReportMetric(float64(ours)/float64(mutex), "x-mutex")
			})
		}
	}
}

// countWrites returns the number of messages of 100 bytes written in a second, after a
// warm-up. Each Write holds mu, unless mu is nil.
func countWrites(tb testing.TB, writers int, mu sync.Locker) (n int) {
	c := acceptTCP(tb)
	defer c.CloseNow()
	p := make([]byte, 100)
	var all sync.WaitGroup
	written := make([]int, writers)
	begin := time.Now().Add(time.Second / 2)
	end := begin.Add(time.Second)
	for i := range writers {
		all.Go(func() {
			for now := time.Now(); now.Before(end); now = time.Now() {
				if mu != nil {
					mu.Lock()
				}
				err := c.Write(tb.Context(), websocket.MessageBinary, p)
				if mu != nil {
					mu.Unlock()
				}
				if err != nil {
					tb.Error(err)
					return
				}
				if now.After(begin) {
					written[i]++
				}
			}
		})
	}
	all.Wait()
	for _, k := range written {
		n += k
	}
	return n
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

// acceptTCP returns a server's connection on the loopback network, whose peer reads and
// discards all bytes.
func acceptTCP(tb testing.TB) *websocket.Conn {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { client.Close() })
	server, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	go io.Copy(io.Discard, client)
	c, err := websocket.Accept(&hijacked{header: http.Header{}, conn: server}, conntest.Request(), nil)
	if err != nil {
		server.Close()
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.CloseNow() })
	return c
}
