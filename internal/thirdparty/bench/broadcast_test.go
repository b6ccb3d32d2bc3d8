package bench

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/internal/thirdparty/child"
)

// listeners are the connections of a broadcast. The first ones have peers that do not
// read. The peers are in a process of their own, since each process may have 10,000
// connections only.
type listeners struct {
	conns   []*websocket.Conn
	stalled int
	process *child.Process
	sent    int // bytes to each peer that reads
	waited  int // of these, what was waited for
}

// asListeners is set in the process of the peers, to the address of the server.
const asListeners = "BENCH_LISTENERS"

// peers are the connections of the process of the peers.
type peers struct {
	addr    string
	conns   []net.Conn // kept, since a connection that is collected is closed
	reading int64
	read    atomic.Int64 // by all that read, without the response of the handshake
	wanted  atomic.Int64
	enough  chan struct{} // of capacity 1; a value says that read is wanted, or more
}

// listenAt is the process of the peers. It obeys "connect n stalled", and "read n", which
// is done when each peer that reads has read n bytes.
func listenAt(addr string) error {
	ps := &peers{addr: addr, enough: make(chan struct{}, 1)}
	return child.Obey(os.Stdin, os.Stdout, func(line string) (string, error) {
		var n, stalled int64
		if _, err := fmt.Sscanf(line, "read %d", &n); err == nil {
			ps.wanted.Store(n * ps.reading)
			for ps.read.Load() < n*ps.reading {
				<-ps.enough
			}
			return "", nil
		}
		if _, err := fmt.Sscanf(line, "connect %d %d", &n, &stalled); err != nil {
			return "", err
		}
		return "", ps.connect(n, stalled)
	})
}

// connect makes n connections. All but the first stalled ones are read.
func (ps *peers) connect(n, stalled int64) error {
	for range n {
		conn, err := net.Dial("tcp", ps.addr)
		if err != nil {
			return err
		}
		if ps.conns = append(ps.conns, conn); int64(len(ps.conns)) > stalled {
			ps.reading++
			go ps.count(conn)
		}
	}
	return nil
}

// count reads a connection.
func (ps *peers) count(conn net.Conn) {
	p, n := make([]byte, 4<<10), 0
	for !bytes.Contains(p[:n], []byte("\r\n\r\n")) {
		m, err := conn.Read(p[n:])
		if err != nil {
			return
		}
		n += m
	}
	n -= bytes.Index(p[:n], []byte("\r\n\r\n")) + 4
	for {
		if ps.read.Add(int64(n)) >= ps.wanted.Load() {
			select {
			case ps.enough <- struct{}{}:
			default:
			}
		}
		var err error
		if n, err = conn.Read(p); err != nil {
			return
		}
	}
}

// connected makes n connections over TCP.
func connected(b *testing.B, n, stalled int) *listeners {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	process, err := child.Start(b.Context(), []string{asListeners + "=" + ln.Addr().String()})
	if err != nil {
		b.Fatal(err)
	}
	all := &listeners{stalled: stalled, process: process}
	b.Cleanup(func() {
		for _, c := range all.conns {
			c.CloseNow()
		}
		process.Stop()
	})
	// The peers connect in order, and are accepted in that order.
	connecting := rawpeer.GoErr(b, func() error {
		_, err := process.Ask(fmt.Sprintf("connect %d %d", n, stalled))
		return err
	})
	for range n {
		conn, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		all.conns = append(all.conns, rawpeer.AcceptedOn(b, conn, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			return websocket.Accept(w, r, nil)
		}))
	}
	if err := connecting.Err(); err != nil {
		b.Fatal(err)
	}
	return all
}

// maxWaiting bounds what the sockets hold for peers that read.
const maxWaiting = 64 << 10

// wrote notes that n bytes were written to each peer that reads, and waits until they
// were read when there are many.
func (l *listeners) wrote(b *testing.B, n int) {
	if l.sent += n; l.sent-l.waited < maxWaiting {
		return
	}
	b.StopTimer()
	if _, err := l.process.Ask(fmt.Sprintf("read %d", l.sent)); err != nil {
		b.Fatal(err)
	}
	l.waited = l.sent
	b.StartTimer()
}

// fill posts to the stalled connections until they take no more.
func (l *listeners) fill(b *testing.B) {
	large, err := websocket.NewPreparedMessage(websocket.MessageBinary, make([]byte, 16<<20))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range l.conns[:l.stalled] {
		for err = nil; err == nil; err = c.Post(large) {
		}
		if !errors.Is(err, websocket.ErrBacklog) {
			b.Fatal(err)
		}
	}
}

// BenchmarkBroadcast posts a message to many connections, of which some do not read. The
// comparison is with writes to the others.
func BenchmarkBroadcast(b *testing.B) {
	n, stalled := 10_000, 100
	if os.Getenv(onlyBenchmarks) != "" {
		n, stalled = 100, 1
	}
	const size, header = 512, 4
	m, err := websocket.NewPreparedMessage(websocket.MessageBinary, make([]byte, size))
	if err != nil {
		b.Fatal(err)
	}
	rows := []library{{name: "bhojpur"}, {name: "writes"}}
	for _, row := range inTurn(rows) {
		b.Run("stalled/"+row.name, func(b *testing.B) {
			all := connected(b, n, stalled)
			all.fill(b)
			for b.Loop() {
				if row.name == "writes" {
					for _, c := range all.conns[stalled:] {
						if err := c.WritePrepared(b.Context(), m); err != nil {
							b.Fatal(err)
						}
					}
				} else {
					dropped := 0
					for _, c := range all.conns {
						if err := c.Post(m); errors.Is(err, websocket.ErrBacklog) {
							dropped++
						} else if err != nil {
							b.Fatal(err)
						}
					}
					if dropped != stalled {
						b.Fatalf("%d of %d connections took no more, want %d", dropped, n, stalled)
					}
				}
				all.wrote(b, header+size)
			}
		})
	}
}
