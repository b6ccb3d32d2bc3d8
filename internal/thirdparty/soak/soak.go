package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/child"
	"github.com/bhojpur/api/internal/thirdparty/machine"
)

// outcome is the result of a run.
type outcome struct {
	set      settings
	machine  machine.Machine
	crowd    *crowd
	readings []reading // of the server, during the run and after it
	ends     map[string]int

	server, clients ends // of the two processes
	verdicts        []verdict
}

// ends are the readings of a process without connections: before the run and after it.
type ends struct{ before, after reading }

// soak runs everything and reports the result.
func soak(ctx context.Context, set settings, w io.Writer) error {
	o, err := play(ctx, set, w)
	if err != nil {
		return err
	}
	o.print(w)
	if set.svg != "" {
		if err := os.WriteFile(set.svg, o.draw(), 0o644); err != nil {
			return err
		}
	}
	return o.failure()
}

// play runs the server and the clients, and judges the readings.
func play(ctx context.Context, set settings, w io.Writer) (o *outcome, err error) {
	p, err := child.Start(ctx, nil, set.childArgs()...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	if o, err = measure(ctx, set, serverProcess{p}, w); err != nil {
		return nil, err
	}
	return o, o.judge()
}

// serverProcess is the server process, for its parent.
type serverProcess struct{ *child.Process }

func (p serverProcess) ask(question string, answer any) error {
	text, err := p.Ask(question)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), answer)
}

func (p serverProcess) reading() (r reading, err error) {
	err = p.ask("reading", &r)
	return r, err
}

// measure runs the clients, reads the server's resources meanwhile, and waits until
// they are released.
func measure(ctx context.Context, set settings, p serverProcess, w io.Writer) (*outcome, error) {
	address, err := p.Ask("address")
	if err != nil {
		return nil, err
	}
	o := &outcome{set: set, machine: machine.This(), crowd: newCrowd(set, address)}
	if o.server.before, err = p.reading(); err != nil {
		return nil, err
	}
	if o.clients.before, err = readProcess(); err != nil {
		return nil, err
	}
	// This is not a deadline: a connection that derives its deadline from the context
	// may time out before the context is done, and the end of the run would look like a
	// failure.
	crowding, over := context.WithCancel(ctx)
	defer over()
	began := time.Now()
	defer time.AfterFunc(set.duration(), over).Stop()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		o.crowd.run(crowding)
	}()
	err = o.watch(crowding, began, p, w)
	over()
	<-gone
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	o.server.after, err = settled(ctx, set.settling, o.server.before, func() (reading, error) {
		r, err := p.reading()
		r.At = time.Since(began)
		o.readings = append(o.readings, r)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	if o.clients.after, err = settled(ctx, set.settling, o.clients.before, readProcess); err != nil {
		return nil, err
	}
	return o, p.ask("ends", &o.ends)
}

// watch takes readings until ctx ends.
func (o *outcome) watch(ctx context.Context, began time.Time, p serverProcess, w io.Writer) error {
	ticker := time.NewTicker(max(o.set.duration()/time.Duration(o.set.samples), time.Millisecond))
	defer ticker.Stop()
	printed := began
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		r, err := p.reading()
		if err != nil {
			return err
		}
		r.At, r.Open = time.Since(began), int(o.crowd.open.Load())
		o.readings = append(o.readings, r)
		const often = 30 * time.Second
		if time.Since(printed) > often {
			printed = time.Now()
			fmt.Fprintf(w, "%v: %d connections, %d goroutines, %d descriptors, heap %.1f MiB, %d failures\n",
				r.At.Round(time.Second), r.Open, r.Goroutines, r.Descriptors, float64(r.Heap)/mib, o.crowd.failures.count())
		}
	}
}

// settled takes readings until goroutines and descriptors are at their level of before,
// or for at most long, and then the final one: clients that left during the previous
// reading may have filled the pools again.
func settled(ctx context.Context, long time.Duration, before reading, read func() (reading, error)) (reading, error) {
	const often = 100 * time.Millisecond
	end := time.Now().Add(long)
	for {
		r, err := read()
		if err != nil {
			return reading{}, err
		}
		if r.Goroutines == before.Goroutines && r.Descriptors == before.Descriptors || time.Now().After(end) {
			return read()
		}
		if !wait(ctx, often) {
			return reading{}, ctx.Err()
		}
	}
}

// judge compares the readings.
func (o *outcome) judge() (err error) {
	o.verdicts, err = judgeFlat(o.readings, o.set.duration())
	o.verdicts = append(o.verdicts, judgeReturned(o.server.before, o.server.after, o.set.connections)...)
	return err
}

// errGrown and errFailures are the two ways in which a run fails.
var (
	errGrown    = errors.New("the use of resources has grown")
	errFailures = errors.New("clients had unexpected results")
)

// failure returns why the run failed, or nil.
func (o *outcome) failure() error {
	var errs []error
	for _, v := range o.verdicts {
		if !v.ok() {
			errs = append(errs, fmt.Errorf("%w: %v", errGrown, v))
		}
	}
	for _, v := range judgeReturned(o.clients.before, o.clients.after, o.set.connections) {
		if v.exact && !v.ok() {
			errs = append(errs, fmt.Errorf("of the clients' process: %w: %v", errGrown, v))
		}
	}
	for _, b := range behaviours {
		c := o.crowd.counts[b.name]
		if n, all := c.endless.Load(), c.done.Load(); n > 1+all/10 {
			errs = append(errs, fmt.Errorf("%w: %d of %d (%s) did not see the end of the connection", errFailures, n, all, b.name))
		}
	}
	if n := o.crowd.failures.count(); n > 0 {
		errs = append(errs, fmt.Errorf("%w, %d times", errFailures, n))
	}
	return errors.Join(errs...)
}
