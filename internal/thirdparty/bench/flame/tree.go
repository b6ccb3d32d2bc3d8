package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// node is a function on a stack, with the functions that it calls.
type node struct {
	name  string
	nanos int64
	calls []*node
}

// child returns the node for a function that n calls.
func (n *node) child(name string) *node {
	for _, c := range n.calls {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.calls = append(n.calls, c)
	return c
}

// add adds a stack.
func (n *node) add(stack []string, nanos int64) {
	n.nanos += nanos
	if len(stack) > 0 {
		n.child(stack[0]).add(stack[1:], nanos)
	}
}

// sort puts what takes the most time first.
func (n *node) sort() {
	slices.SortFunc(n.calls, func(a, b *node) int {
		return cmp.Or(cmp.Compare(b.nanos, a.nanos), cmp.Compare(a.name, b.name))
	})
	for _, c := range n.calls {
		c.sort()
	}
}

// depth returns the number of levels in which something takes least or more.
func (n *node) depth(least int64) int {
	deepest := 0
	for _, c := range n.calls {
		if c.nanos >= least {
			deepest = max(deepest, c.depth(least))
		}
	}
	return 1 + deepest
}

// loop is the function of the benchmarks that echoes messages. What calls it is left
// out of the graph.
const loop = "github.com/bhojpur/api/internal/thirdparty/bench.echoAll"

// treeOf returns the tree of all stacks.
func treeOf(samples []sample) *node {
	root := &node{name: "server"}
	for _, s := range samples {
		stack := s.stack
		if i := slices.Index(stack, loop); i >= 0 {
			stack = stack[i:]
		}
		root.add(stack, s.nanos)
	}
	root.sort()
	return root
}

// part is a kind of work.
type part int

const (
	reading    part = iota // the system call
	writing                // the system call
	scheduling             // of goroutines, and waiting for sockets
	collecting             // garbage, and allocating
	ours
	library // Go's: net, internal/poll, syscall and what they call
	program // the benchmark and net/http
)

// parts are the names of all.
var parts = map[part]string{
	reading:    "the system call read",
	writing:    "the system call write",
	scheduling: "scheduling goroutines, and waiting for sockets (epoll)",
	collecting: "allocating memory, and the garbage collector",
	ours:       "this library",
	library:    "Go's net, internal/poll and syscall, around the system calls",
	program:    "the rest: the benchmark's loop, net/http",
}

const (
	module = "github.com/bhojpur/api"
	stream = module + "/internal/netstream" // makes system calls of its own
)

// partOf returns what the time of a stack was spent on.
func partOf(stack []string) part {
	has := func(prefixes ...string) bool {
		return slices.ContainsFunc(stack, func(f string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f, p) })
		})
	}
	leaf := stack[len(stack)-1]
	inSystem := strings.Contains(leaf, "Syscall6") || strings.HasPrefix(leaf, "syscall.RawSyscall")
	switch {
	case inSystem && has("syscall.write", "syscall.Write", stream+".writeNow"):
		return writing
	case inSystem && has("syscall.read", "syscall.Read", stream+".readNow"):
		return reading
	case has("runtime.mallocgc", "runtime.gc", "runtime.bgsweep", "runtime.bgscavenge"):
		return collecting
	case has("runtime.mcall", "runtime.schedule", "runtime.park_m", "runtime.netpoll", "runtime.mstart", "runtime.sysmon",
		"runtime.entersyscall", "runtime.exitsyscall", "runtime.reentersyscall", "runtime.ready", "runtime.goready", "runtime.gopark"):
		return scheduling
	}
	// The innermost function that is not the runtime's did the work.
	for _, f := range slices.Backward(stack) {
		switch {
		case strings.HasPrefix(f, "runtime.") || strings.HasPrefix(f, "internal/runtime/") || strings.HasPrefix(f, "sync"):
		case strings.HasPrefix(f, module+"/internal/thirdparty/") || strings.HasPrefix(f, module+"/internal/rawpeer"):
			return program
		case strings.HasPrefix(f, module):
			return ours
		case strings.HasPrefix(f, "net/http."):
			return program
		case strings.HasPrefix(f, "net.") || strings.HasPrefix(f, "internal/poll.") || strings.HasPrefix(f, "syscall.") || strings.HasPrefix(f, "os."):
			return library
		}
	}
	if strings.HasPrefix(stack[0], "runtime.") {
		return scheduling
	}
	return program
}

// printShares prints the share of each part.
func printShares(w io.Writer, samples []sample) error {
	total := int64(0)
	share := map[part]int64{}
	for _, s := range samples {
		share[partOf(s.stack)] += s.nanos
		total += s.nanos
	}
	for p := reading; p <= program; p++ {
		if _, err := fmt.Fprintf(w, "| %s | %.1f %% |\n", parts[p], 100*float64(share[p])/float64(total)); err != nil {
			return err
		}
	}
	return nil
}
