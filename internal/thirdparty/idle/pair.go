package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// pair is a server process with its client process.
type pair struct {
	server, client *process
	before         memory // of the server, without connections
	silent         bool
	connections    int
}

// startPair starts both processes. If sites is not "", the server records every
// allocation.
func startPair(ctx context.Context, l library, s situation, sites, address string, seed uint64) (*pair, error) {
	p := &pair{silent: l.silent}
	var env []string
	if sites != "" {
		env = []string{"GODEBUG=memprofilerate=1"}
	}
	var err error
	p.server, err = startProcess(ctx, env, "-role", "server", "-libraries", l.name, "-situations", string(s), "-address", address)
	if err != nil {
		return nil, err
	}
	actual, err := p.server.ask("address", 0, "")
	if err == nil {
		p.client, err = startProcess(ctx, nil, "-role", "client", "-libraries", l.name, "-situations", string(s),
			"-address", actual, "-seed", strconv.FormatUint(seed, 10))
	}
	if err == nil {
		p.before, err = p.memory(0)
	}
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// stop ends both processes, the client first, and returns their errors.
func (p *pair) stop() error {
	var err error
	if p.client != nil {
		err = p.client.Stop()
	}
	return errors.Join(err, p.server.Stop())
}

func (p *pair) memory(rest time.Duration) (memory, error) {
	return memoryOf(p.server, rest)
}

// memoryOf returns the memory of a process after a rest.
func memoryOf(p *process, rest time.Duration) (memory, error) {
	text, err := p.ask("memory", int(rest.Milliseconds()), "")
	if err != nil {
		return memory{}, err
	}
	return parseMemory(text)
}

// open opens n connections, which echo their first messages.
func (p *pair) open(n int) error {
	p.connections = n
	if _, err := p.client.ask("open", n, ""); err != nil {
		return err
	}
	if !p.silent {
		return nil // each connection has had its echo
	}
	_, err := p.server.ask("await", n, "")
	return err
}

// rested returns the memory of the connections after a rest.
func (p *pair) rested(rest time.Duration) (memory, error) {
	m, err := p.memory(rest)
	return m.minus(p.before), err
}

// echo has each connection echo once more, and returns the number of those that did.
// Without an error, all did.
func (p *pair) echo() (int, error) {
	if p.silent {
		return 0, nil
	}
	text, err := p.client.ask("echo", 0, "")
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	if err == nil && n != p.connections {
		err = fmt.Errorf("%d of %d connections answered", n, p.connections)
	}
	return n, err
}
