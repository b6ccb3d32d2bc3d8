package bench

import (
	"net"
	"net/http"
	"os"
	"sync"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// quiet is a network connection that takes the response, and on which nothing arrives.
type quiet struct{ net.Conn }

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
func (quiet) Close() error                { return nil }

// members is what a Group and a mapGroup have in common.
type members interface {
	Add(*websocket.Conn) bool
	Remove(*websocket.Conn)
	Len() int
}

// mapGroup is a mutex and a map.
type mapGroup struct {
	mu    sync.Mutex
	conns map[*websocket.Conn]struct{}
}

func (g *mapGroup) Add(c *websocket.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[c] = struct{}{}
	return true
}

func (g *mapGroup) Remove(c *websocket.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

func (g *mapGroup) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// BenchmarkMembers has one connection of many leave a group and enter it again.
func BenchmarkMembers(b *testing.B) {
	n := 100_000
	if os.Getenv(onlyBenchmarks) != "" {
		n = 100
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	var conns []*websocket.Conn
	for range n {
		conns = append(conns, rawpeer.AcceptedOn(b, quiet{ours}, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			return websocket.Accept(w, r, nil)
		}))
	}
	defer func() {
		for _, c := range conns {
			c.CloseNow()
		}
	}()
	rows := []library{{name: "bhojpur"}, {name: "map"}}
	for _, row := range inTurn(rows) {
		b.Run("enter-and-leave/"+row.name, func(b *testing.B) {
			var g members = new(websocket.Group)
			if row.name == "map" {
				g = &mapGroup{conns: make(map[*websocket.Conn]struct{})}
			}
			for _, c := range conns {
				g.Add(c)
			}
			next := 0
			b.ReportAllocs()
			for b.Loop() {
				g.Remove(conns[next])
				g.Add(conns[next])
				next = (next + 1) % n
			}
			if g.Len() != n {
				b.Fatalf("%d members, want %d", g.Len(), n)
			}
			for _, c := range conns {
				g.Remove(c)
			}
		})
	}
}
