package conformance

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/autobahn"
	"github.com/bhojpur/api/internal/rawpeer"
)

var messages = flag.Int("messages", fewMessages, "messages in each case of groups 12 and 13")

// outcome is the result of a case.
type outcome struct {
	*autobahn.Result
	end error // of the peer's echo function
}

// Errors of peers that misbehave.
var (
	errPanicked = errors.New("the peer panicked")
	errStuck    = errors.New("the peer is stuck, its connection closed")
)

// play runs a case with a peer in a role, in a separate bubble. A peer that panics or
// blocks for good ends with errPanicked or errStuck, without an effect on other cases.
func play(t *testing.T, p peer, role autobahn.Role, cs *autobahn.Case) (out outcome) {
	cs = shortened(cs, shortness)
	out.Result = &autobahn.Result{Case: cs, Agent: p.name, Role: role, Behavior: autobahn.Failed, BehaviorClose: autobahn.Failed}
	defer func() {
		// The goroutines of a stuck peer make the end of the bubble panic.
		if v := recover(); v != nil && !errors.Is(out.end, errStuck) {
			panic(v)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		n := rawpeer.Listen(nil)
		opts := autobahn.Options{Messages: *messages}
		if role == autobahn.ServerRole {
			out.playServer(t, p, n, opts)
		} else {
			out.playClient(t, p, n, opts)
		}
	})
	return out
}

// playServer runs a case with a peer's server.
func (out *outcome) playServer(t *testing.T, p peer, n rawpeer.Network, opts autobahn.Options) {
	ended := make(chan error, 1)
	srv := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ended <- contain(func() error { return p.serve(w, r) })
		}),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(n) }()
	client := &autobahn.Client{URL: rawpeer.URL, Agent: p.name, Dial: n.Dial, Options: opts}
	out.Result = client.Run(t.Context(), out.Case)
	out.wait(ended)
	srv.Close()
	<-served
}

// playClient runs a case with a peer's client.
func (out *outcome) playClient(t *testing.T, p peer, n rawpeer.Network, opts autobahn.Options) {
	results := make(chan *autobahn.Result, 1)
	server := &autobahn.Server{
		Cases:    []*autobahn.Case{out.Case},
		OnResult: func(res *autobahn.Result) { results <- res },
		Options:  opts,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(n) }()
	ended := make(chan error, 1)
	go func() {
		url := rawpeer.URL + "runCase?case=1&agent=" + p.name
		ended <- contain(func() error { return p.dial(t.Context(), url, n.Dial) })
	}()
	if res, ok := await(results); ok {
		out.Result = res
	}
	out.wait(ended)
	n.Close()
	server.Close()
	<-served
}

// shortened returns a case with long messages shorter, and many messages fewer, by a
// factor.
func shortened(cs *autobahn.Case, by int) *autobahn.Case {
	const long = 64 << 10
	c := *cs
	switch {
	case c.Exchange != nil && c.Exchange.Deflate == nil:
		x := *c.Exchange
		x.Messages /= by
		c.Exchange = &x
	case c.Exchange == nil && c.Expect == nil:
		c.Steps = slices.Clone(c.Steps)
		for i, step := range c.Steps {
			if step.Payload.Length >= long {
				c.Steps[i].Payload.Length /= by
			}
		}
	}
	return &c
}

// contain calls f, and converts a panic to an error.
func contain(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanicked, v, debug.Stack())
		}
	}()
	return f()
}

// wait waits for the end of a peer whose connection is closed.
func (out *outcome) wait(ended <-chan error) {
	var ok bool
	if out.end, ok = await(ended); !ok {
		out.end = errStuck
	}
}

// await receives a value after the end of a case. Its timeout is longer than any case.
func await[T any](c <-chan T) (v T, ok bool) {
	timeout := time.NewTimer(time.Hour)
	defer timeout.Stop()
	select {
	case v = <-c:
		return v, true
	case <-timeout.C:
		return v, false
	}
}
