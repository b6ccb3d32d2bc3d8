package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// pair is a server process and the client process that is connected to it.
type pair struct {
	server, client *process
	before         memory // of the server, with no connection
	silent         bool
	connections    int
}

// startPair starts both. With a file for sites the server counts every
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

// stop ends both processes, the client first, and returns how they failed.
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

// memoryOf returns what a process holds after a rest.
func memoryOf(p *process, rest time.Duration) (memory, error) {
	text, err := p.ask("memory", int(rest.Milliseconds()), "")
	if err != nil {
		return memory{}, err
	}
	return parseMemory(text)
}

// open opens n connections and lets each echo its messages.
func (p *pair) open(n int) error {
	p.connections = n
	if _, err := p.client.ask("open", n, ""); err != nil {
		return err
	}
	if !p.silent {
		return nil // each one has had its echo
	}
	_, err := p.server.ask("await", n, "")
	return err
}

// rested is what the connections hold after a rest.
func (p *pair) rested(rest time.Duration) (memory, error) {
	m, err := p.memory(rest)
	return m.minus(p.before), err
}

// echo lets each connection echo once more, and returns how many did, which is
// all of them when there is no error.
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
