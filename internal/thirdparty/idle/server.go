package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// echoServer is the server process: it serves one library in one situation, and reports
// its memory.
type echoServer struct {
	http     *http.Server
	listener net.Listener
}

func startServer(l library, s situation, address string) (*echoServer, error) {
	if !l.knows(s) {
		return nil, fmt.Errorf("%s is not measured in the situation %q", l.name, s)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	e := &echoServer{http: &http.Server{Handler: l.handler(s)}, listener: listener}
	go e.http.Serve(listener)
	return e, nil
}

// counter counts events, and waits for a number of them.
type counter struct {
	mu      sync.Mutex
	changed *sync.Cond
	n       int
}

func newCounter() *counter {
	c := new(counter)
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.changed.Broadcast()
}

// await waits for a total of n events.
func (c *counter) await(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.n < n {
		c.changed.Wait()
	}
}

// answer executes the parent's commands.
func (e *echoServer) answer(command string, n int, file string) (string, error) {
	switch command {
	case "address":
		return e.listener.Addr().String(), nil
	case "await":
		entries.await(n)
		return "ok", nil
	case "memory":
		time.Sleep(time.Duration(n) * time.Millisecond)
		m, err := readMemory()
		return m.String(), err
	case "sites":
		return "ok", writeSites(file, n)
	}
	return "", errors.New("unknown command " + command)
}

// memory is the memory of a process.
type memory struct {
	heap, stack   int64 // live, in the Go runtime
	resident, pss int64 // reported by the operating system
}

// collections is the number of garbage collections: two empty the pools, and each lets
// stacks shrink by half.
const collections = 4

func readMemory() (memory, error) {
	for range collections {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m := memory{heap: int64(stats.HeapAlloc), stack: int64(stats.StackInuse)}
	return m, m.readProcess()
}

func (m memory) String() string {
	return fmt.Sprintf("%d %d %d %d", m.heap, m.stack, m.resident, m.pss)
}

func parseMemory(text string) (m memory, err error) {
	_, err = fmt.Sscanf(text, "%d %d %d %d", &m.heap, &m.stack, &m.resident, &m.pss)
	return m, err
}

// minus returns the increase since an earlier reading.
func (m memory) minus(earlier memory) memory {
	return memory{
		heap: m.heap - earlier.heap, stack: m.stack - earlier.stack,
		resident: m.resident - earlier.resident, pss: m.pss - earlier.pss,
	}
}

func (m memory) plus(other memory) memory {
	return memory{
		heap: m.heap + other.heap, stack: m.stack + other.stack,
		resident: m.resident + other.resident, pss: m.pss + other.pss,
	}
}

// each returns the share of one of n connections, rounded.
func (m memory) each(n int) memory {
	share := func(v int64) int64 { return (v + int64(n)/2) / int64(n) }
	return memory{heap: share(m.heap), stack: share(m.stack), resident: share(m.resident), pss: share(m.pss)}
}
