package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/bhojpur/api/internal/autobahn"
)

// testServers runs the cases against each server, and writes the report. It reports
// whether all have passed.
func testServers(ctx context.Context, s *settings, stdout, stderr io.Writer) (bool, error) {
	report, err := autobahn.NewReport(s.spec.OutDir, s.cases)
	if err != nil {
		return false, err
	}
	ok := true
	for _, target := range s.spec.Servers {
		if ctx.Err() != nil {
			break
		}
		client := &autobahn.Client{URL: target.URL, Agent: target.Agent, Options: s.options}
		if s.insecure {
			client.TLS = &tls.Config{InsecureSkipVerify: true}
		}
		cases := casesFor(s, target.Agent)
		r := &clientRun{
			client:   client,
			cases:    cases,
			parallel: s.parallel,
			report:   report,
			progress: newProgress(stderr, target.Agent, len(cases), cases),
		}
		switch err := r.run(ctx); {
		case errors.Is(err, errUnreachable):
			fmt.Fprintf(stderr, "autobahn: %s: %v\n", target.Agent, err)
			ok = false
		case err != nil:
			return false, err
		}
	}
	if err := report.WriteIndex(); err != nil {
		return false, err
	}
	if !summarize(stdout, report, len(s.cases)) {
		ok = false
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "autobahn: interrupted; not all cases have run")
		ok = false
	}
	return ok, nil
}

// casesFor returns the cases that an agent runs.
func casesFor(s *settings, agent string) []*autobahn.Case {
	var cases []*autobahn.Case
	for _, cs := range s.cases {
		if !s.spec.Skips(agent, cs) {
			cases = append(cases, cs)
		}
	}
	return cases
}

// errUnreachable means that no connection to the server was possible, so no case was
// run.
var errUnreachable = errors.New("no connection")

// clientRun runs cases against one server, several concurrently.
type clientRun struct {
	client   *autobahn.Client
	cases    []*autobahn.Case
	parallel int
	report   *autobahn.Report
	progress progress

	mu      sync.Mutex
	reached bool  // a connection succeeded once
	err     error // the first error
}

// run runs the cases. It returns when all have ended, when ctx is done, or when a
// result cannot be written. Cases ended by ctx have no result.
func (r *clientRun) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer r.progress.end()

	next := make(chan *autobahn.Case)
	var workers sync.WaitGroup
	for range min(r.parallel, len(r.cases)) {
		workers.Go(func() {
			for cs := range next {
				r.progress.start(cs)
				res := r.client.Run(ctx, cs)
				if ctx.Err() != nil {
					continue
				}
				if err := r.add(res); err != nil {
					r.fail(err)
					cancel()
				}
			}
		})
	}
	for _, cs := range r.cases {
		if ctx.Err() != nil {
			break
		}
		select {
		case next <- cs:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return r.err
}

// add adds a result. If the first one is a failure to connect, it returns
// errUnreachable.
func (r *clientRun) add(res *autobahn.Result) error {
	r.mu.Lock()
	r.reached = r.reached || res.Request != ""
	reached := r.reached
	r.mu.Unlock()
	if !reached {
		return fmt.Errorf("%w to %s: %s", errUnreachable, r.client.URL, res.Why)
	}
	if err := r.report.Add(res); err != nil {
		return err
	}
	r.progress.done(res)
	return nil
}

func (r *clientRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}
