package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// counts are the counts of one behavior.
type counts struct {
	connections    atomic.Int64
	sent, received atomic.Int64 // messages
	out, in        atomic.Int64 // bytes of their payloads, or of other input
	done           atomic.Int64 // ended as intended
	interrupted    atomic.Int64 // by the end of the run
	failed         atomic.Int64
	endless        atomic.Int64 // did not detect the intended end
}

func (c *counts) say(n int)  { c.sent.Add(1); c.out.Add(int64(n)) }
func (c *counts) hear(n int) { c.received.Add(1); c.in.Add(int64(n)) }

// failures are unexpected results of clients. It keeps the first ones.
type failures struct {
	mu    sync.Mutex
	n     int
	first []string
}

const keptFailures = 20

func (f *failures) add(who string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if len(f.first) < keptFailures {
		f.first = append(f.first, fmt.Sprintf("%s: %v", who, err))
	}
}

func (f *failures) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}
