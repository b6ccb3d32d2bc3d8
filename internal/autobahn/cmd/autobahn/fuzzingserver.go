package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/bhojpur/api/internal/autobahn"
)

// testClients serves clients until ctx is done. It writes the report whenever a client
// requests it, and at the end. It reports whether no case has failed.
func testClients(ctx context.Context, s *settings, stdout, stderr io.Writer) (bool, error) {
	report, err := autobahn.NewReport(s.spec.OutDir, s.cases)
	if err != nil {
		return false, err
	}
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "ws://%s\n", ln.Addr())

	r := &serverRun{
		report:   report,
		cases:    len(s.cases),
		stderr:   stderr,
		progress: make(map[string]progress),
	}
	server := &autobahn.Server{
		Cases:     s.cases,
		Skip:      s.spec.Skips,
		OnResult:  func(res *autobahn.Result) { r.add(ctx, res) },
		OnReports: r.write,
		Options:   s.options,
	}
	stop := context.AfterFunc(ctx, func() {
		ln.Close()
		server.Close()
	})
	err = server.Serve(ln)
	if !stop() { // ctx ended it
		err = nil
	}
	r.end()
	ln.Close()
	err = errors.Join(err, report.WriteIndex(), r.err)
	return summarize(stdout, report, len(s.cases)), err
}

// serverRun collects the results of a fuzzing server. Its methods may be called
// concurrently.
type serverRun struct {
	report *autobahn.Report
	cases  int
	stderr io.Writer

	mu       sync.Mutex
	progress map[string]progress // by agent
	err      error               // the first write error
}

// add adds a result. Cases ended by ctx have none.
func (r *serverRun) add(ctx context.Context, res *autobahn.Result) {
	if ctx.Err() != nil {
		return
	}
	err := r.report.Add(res)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepLocked(err)
	r.progressLocked(res.Agent).done(res)
}

// progressLocked returns an agent's progress. Only the agent of the last result has a
// status line.
func (r *serverRun) progressLocked(agent string) progress {
	p := r.progress[agent]
	if p == nil {
		p = newProgress(r.stderr, agent, r.cases, nil)
		r.progress[agent] = p
	}
	return p
}

// write writes the report at an agent's request.
func (r *serverRun) write(agent string) {
	err := r.report.WriteIndex()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepLocked(err)
	if p := r.progress[agent]; p != nil {
		p.end()
		delete(r.progress, agent)
	}
	if err == nil {
		fmt.Fprintf(r.stderr, "%s: the report is at %s\n", printable(agent), r.report.Index())
	}
}

func (r *serverRun) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.progress {
		p.end()
	}
}

func (r *serverRun) keepLocked(err error) {
	if r.err == nil && err != nil {
		r.err = err
		fmt.Fprintln(r.stderr, "autobahn:", err)
	}
}
