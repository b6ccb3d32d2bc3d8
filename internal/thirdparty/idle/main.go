// Command idle measures the memory that a server holds for each connection that waits for a
// message: live bytes of heap and stack. Each library has a server process of its own; the
// client is another process.
//
//	go run ./idle
//
// Each connection echoes a message of 136 B and rests; with deflate and deflate12, 64
// messages of 1 KiB, compressed in both directions with context takeover. Then the server
// collects its garbage and empties its pools, and reports the increase since before the
// first connection. Afterwards each connection echoes once more. There are four situations:
// the HTTP handler reads (handler, deflate with windows of 15 bits, deflate12 with windows
// of 12), or it has returned and another goroutine reads (returned).
//
// Libraries are measured with their defaults. The message is in a buffer that is returned
// before the next read: bhojpur and coder use Reader, gorilla NextReader, gws ReadLoop, and
// gobwas reads from the connection. With deflate, gws is set to windows of 15 bits instead
// of its 12; with deflate12, bhojpur to 12 instead of its 15. gorilla-pool has a
// WriteBufferPool. nethttp is a handler that waits; nethttp-hijacked one that has hijacked
// the connection and reads from it.
//
// With -many it opens very many connections to several servers of this library, lets them
// rest, adds up the resident memory of the server processes, and has every connection echo
// once more.
//
//	go run ./idle -many -connections 100000 -processes 6
//
// Each process has at most 17,000 connections, each of which takes a descriptor. In
// addition, the kernel takes about 10 KiB for the two ends of each.
//
// With -clients it measures client connections instead, each of which waits for a
// message on its own goroutine after an echo; with -many also, 10,000 of each library
// in one process. Their server uses no library.
//
// The output is in Go's benchmark format.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1)
	}
}

// settings are the command's flags.
type settings struct {
	role, address string // of a child process
	seed          uint64

	libraries, situations string
	connections           int
	processes             int
	many, clients         bool
	rest                  time.Duration
	sites                 string
}

func run(ctx context.Context, args []string, w io.Writer) error {
	var set settings
	flags := flag.NewFlagSet("idle", flag.ContinueOnError)
	flags.StringVar(&set.libraries, "libraries", "", "libraries, separated by commas (default "+usual+", with -clients "+usualDialers+")")
	flags.StringVar(&set.situations, "situations", "", "situations, separated by commas (default handler,returned,deflate,deflate12, with -many handler,returned)")
	flags.IntVar(&set.connections, "connections", 0, "number of connections (default 1000, with -many 100000, with -many -clients 10000)")
	flags.IntVar(&set.processes, "processes", 6, "with -many: number of server processes, and of client processes")
	flags.BoolVar(&set.many, "many", false, "open very many connections")
	flags.BoolVar(&set.clients, "clients", false, "measure client connections")
	flags.DurationVar(&set.rest, "rest", 0, "rest of the connections before they are measured (default 0.5s, with -many 5s)")
	flags.StringVar(&set.sites, "sites", "", "`directory` for lists of the memory of each allocation site; slow")
	flags.StringVar(&set.role, "role", "", "of a child process: server or client, dialer or echo")
	flags.StringVar(&set.address, "address", "127.0.0.1:0", "of a child process: where to listen or connect")
	flags.Uint64Var(&set.seed, "seed", 1, "of a child process: of its messages")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case set.role == "server":
		return serveParent(set)
	case set.role == "client":
		return connectForParent(set)
	case set.role == "dialer":
		return dialForParent(set)
	case set.role == "echo":
		return echoForParent(set)
	case set.clients:
		set.libraries = cmp.Or(set.libraries, usualDialers)
		connections, rest := fewConnections, fewRest
		if set.many {
			connections, rest = manyClients, manyRest
		}
		set.connections = cmp.Or(set.connections, connections)
		set.rest = cmp.Or(set.rest, rest)
		return measureClients(ctx, set, w)
	case set.many:
		set.situations = cmp.Or(set.situations, "handler,returned")
		set.connections = cmp.Or(set.connections, manyConnections)
		set.rest = cmp.Or(set.rest, manyRest)
		return measureMany(ctx, set, w)
	}
	set.libraries = cmp.Or(set.libraries, usual)
	set.situations = cmp.Or(set.situations, "handler,returned,deflate,deflate12")
	set.connections = cmp.Or(set.connections, fewConnections)
	set.rest = cmp.Or(set.rest, fewRest)
	return measureAll(ctx, set, w)
}

// libraryNames returns the names of the libraries.
func (set settings) libraryNames() []string { return strings.Split(set.libraries, ",") }

const (
	fewConnections  = 1000
	fewRest         = 500 * time.Millisecond
	manyConnections = 100_000
	manyRest        = 5 * time.Second
)

// serveParent runs a server process.
func serveParent(set settings) error {
	l, err := libraryNamed(set.libraries)
	if err != nil {
		return err
	}
	e, err := startServer(l, situation(set.situations), set.address)
	if err != nil {
		return err
	}
	defer e.http.Close()
	return obey(e.answer)
}

// connectForParent runs a client process.
func connectForParent(set settings) error {
	l, err := libraryNamed(set.libraries)
	if err != nil {
		return err
	}
	e := &echoClient{address: set.address, s: situation(set.situations), silent: l.silent, seed: set.seed}
	defer e.close()
	return obey(e.answer)
}

// measureAll measures each library in each situation.
func measureAll(ctx context.Context, set settings, w io.Writer) error {
	chosen, err := librariesNamed(set.libraries)
	if err != nil {
		return err
	}
	situations, err := situationsNamed(set.situations)
	if err != nil {
		return err
	}
	printMachine(w)
	for _, s := range situations {
		for _, l := range chosen {
			if !l.knows(s) {
				continue
			}
			m, err := measure(ctx, set, l, s)
			if err != nil {
				return fmt.Errorf("%s/%s: %w", s, l.name, err)
			}
			each := m.each(set.connections)
			fmt.Fprintf(w, "BenchmarkIdle/%s/%s 1 %d heap-B/conn %d stack-B/conn\n", s, l.name, each.heap, each.stack)
		}
	}
	return nil
}

// measure returns the server's memory for all connections at rest.
func measure(ctx context.Context, set settings, l library, s situation) (m memory, err error) {
	file := ""
	if set.sites != "" {
		file = fmt.Sprintf("%s/%s-%s.txt", set.sites, s, l.name)
	}
	p, err := startPair(ctx, l, s, file, "127.0.0.1:0", 1)
	if err != nil {
		return memory{}, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.open(set.connections); err != nil {
		return memory{}, err
	}
	m, err = p.rested(set.rest)
	if err != nil {
		return memory{}, err
	}
	if file != "" {
		if _, err := p.server.ask("sites", set.connections, file); err != nil {
			return memory{}, err
		}
	}
	_, err = p.echo()
	return m, err
}
