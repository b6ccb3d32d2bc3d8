package bench

import (
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// quiet is a network connection that takes the response, and on which nothing arrives.
type quiet struct{ net.Conn }

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
func (quiet) Close() error                { return nil }

// members are the common methods of a Group and a mapGroup.
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

// manyMembers is the number of connections of a group.
func manyMembers() int {
	if os.Getenv(onlyBenchmarks) != "" {
		return 100
	}
	return 100_000
}

// groups are the groups of a row.
var groups = []library{{name: "bhojpur"}, {name: "map"}}

// newGroup returns an empty group.
func newGroup(name string) members {
	if name == "map" {
		return &mapGroup{conns: make(map[*websocket.Conn]struct{})}
	}
	return new(websocket.Group)
}

// quietConns returns n connections over conn.
func quietConns(b *testing.B, conn net.Conn, n int) (conns []*websocket.Conn) {
	b.Helper()
	for range n {
		conns = append(conns, rawpeer.AcceptedOn(b, quiet{conn}, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			return websocket.Accept(w, r, nil)
		}))
	}
	return conns
}

// BenchmarkMembers has one connection of many leave a group and enter it again, and
// connections of a full group end.
func BenchmarkMembers(b *testing.B) {
	n := manyMembers()
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	conns := quietConns(b, ours, n)
	defer func() {
		for _, c := range conns {
			c.CloseNow()
		}
	}()
	for _, row := range inTurn(groups) {
		b.Run("enter-and-leave/"+row.name, func(b *testing.B) {
			g := newGroup(row.name)
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
	for _, row := range inTurn(groups) {
		b.Run("end/"+row.name, func(b *testing.B) { membersEnd(b, newGroup(row.name), ours) })
	}
}

// membersEnd has connections enter a group and end. A map needs a call for that.
func membersEnd(b *testing.B, g members, conn net.Conn) {
	m, needsCall := g.(*mapGroup)
	var conns []*websocket.Conn
	b.ReportAllocs()
	for b.Loop() {
		if len(conns) == 0 {
			b.StopTimer()
			conns = quietConns(b, conn, manyMembers())
			for _, c := range conns {
				g.Add(c)
			}
			runtime.GC()
			b.StartTimer()
		}
		c := conns[len(conns)-1]
		conns = conns[:len(conns)-1]
		if needsCall {
			m.Remove(c)
		}
		c.CloseNow()
	}
	if g.Len() != len(conns) {
		b.Fatalf("%d members, want %d", g.Len(), len(conns))
	}
	for _, c := range conns {
		c.CloseNow()
	}
}
