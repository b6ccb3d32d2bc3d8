package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxEach is the most connections of a process: the usual limit of 20,000 descriptors,
// and the number of ports between two addresses, allow somewhat more.
const maxEach = 17_000

// crowd are the pairs of processes of a run with very many connections.
type crowd []*pair

// measureMany runs each situation with very many connections of this library.
func measureMany(ctx context.Context, set settings, w io.Writer) error {
	if set.processes < 1 || (set.connections+set.processes-1)/set.processes > maxEach {
		return fmt.Errorf("%d connections need %d processes, of %d each at most",
			set.connections, (set.connections+maxEach-1)/maxEach, maxEach)
	}
	l, err := libraryNamed("bhojpur")
	if err != nil {
		return err
	}
	situations, err := situationsNamed(set.situations)
	if err != nil {
		return err
	}
	printMachine(w)
	for _, s := range situations {
		if err := runMany(ctx, set, l, s, w); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// runMany opens the connections, measures them at rest, and has each one echo once
// more.
func runMany(ctx context.Context, set settings, l library, s situation, w io.Writer) (err error) {
	c, err := startCrowd(ctx, l, s, set.processes)
	defer func() { err = errors.Join(err, c.stop()) }()
	if err != nil {
		return err
	}
	began := time.Now()
	err = c.all(func(i int, p *pair) error { return p.open(share(set.connections, set.processes, i)) })
	if err != nil {
		return err
	}
	opened := time.Since(began)
	total, err := c.rested(set.rest)
	if err != nil {
		return err
	}
	began = time.Now()
	answered, err := c.echo()
	if err != nil {
		return err
	}
	each := total.each(set.connections)
	fmt.Fprintf(w, "BenchmarkMany/%s/%s 1 %d conns %d rss-B/conn %d pss-B/conn %d heap-B/conn %d stack-B/conn %d rss-B/total %d answered %.1f open-s %.1f echo-s\n",
		s, l.name, set.connections, each.resident, each.pss, each.heap, each.stack, total.resident, answered,
		opened.Seconds(), time.Since(began).Seconds())
	return nil
}

// share returns the number of process i's connections, of n in total.
func share(n, processes, i int) int {
	return (n*(i+1))/processes - n*i/processes
}

// startCrowd starts the pairs, each with a server address of its own. If it fails, it
// also returns the pairs that were started.
func startCrowd(ctx context.Context, l library, s situation, processes int) (crowd, error) {
	var c crowd
	for i := range processes {
		p, err := startPair(ctx, l, s, "", fmt.Sprintf("127.0.0.%d:0", 1+i%250), uint64(i+1))
		if err != nil {
			return c, err
		}
		c = append(c, p)
	}
	return c, nil
}

// all calls f for all pairs concurrently and returns the errors.
func (c crowd) all(f func(i int, p *pair) error) error {
	errs := make([]error, len(c))
	var done sync.WaitGroup
	for i, p := range c {
		done.Go(func() { errs[i] = f(i, p) })
	}
	done.Wait()
	return errors.Join(errs...)
}

// rested lets the connections rest, and returns the memory of all servers: the increase
// of heap and stack for the connections, and the total resident memory.
func (c crowd) rested(rest time.Duration) (memory, error) {
	readings := make([]memory, len(c))
	err := c.all(func(i int, p *pair) (err error) {
		readings[i], err = p.memory(rest)
		return err
	})
	var total memory
	for i, m := range readings {
		added := m.minus(c[i].before)
		added.resident, added.pss = m.resident, m.pss
		total = total.plus(added)
	}
	return total, err
}

// echo has each connection echo once more, and returns the number of those that did.
func (c crowd) echo() (int, error) {
	counts := make([]int, len(c))
	err := c.all(func(i int, p *pair) (err error) {
		counts[i], err = p.echo()
		return err
	})
	answered := 0
	for _, n := range counts {
		answered += n
	}
	return answered, err
}

// stop ends all processes.
func (c crowd) stop() error {
	return c.all(func(_ int, p *pair) error { return p.stop() })
}
