package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/autobahn"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// serve runs a fuzzing server until the end of the test, and returns its URL.
func serve(t *testing.T, server *autobahn.Server) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serving := rawpeer.GoErr(t, func() error { return server.Serve(l) })
	t.Cleanup(func() {
		l.Close()
		server.Close()
		if err := serving.Err(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving: %v", err)
		}
	})
	return "ws://" + l.Addr().String()
}

// selected returns one case of each group, and some with other ends.
func selected(t *testing.T) []*autobahn.Case {
	t.Helper()
	cases, err := autobahn.Select(autobahn.Cases(), strings.Fields(
		"1.1.1 1.2.6 2.10 3.3 4.1.5 5.19 6.3.1 7.1.5 7.3.6 7.9.1 9.1.1 10.1.1 12.1.1 13.3.1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestCases(t *testing.T) {
	const agent = "me & you/1.0"
	cases := selected(t)
	ran := make(chan string, 2*len(cases)) // there is room for unexpected ones
	reported := make(chan string, 2)
	url := serve(t, &autobahn.Server{
		Cases: cases,
		OnResult: func(res *autobahn.Result) {
			if !res.Passed() {
				t.Errorf("%v", res)
			}
			ran <- res.Agent + " " + res.Case.ID
		},
		OnReports: func(agent string) { reported <- agent },
		Options:   autobahn.Options{Messages: 10, Patience: 20},
	})
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"-agent", agent, url + "/"}, &stdout); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, cs := range cases {
		want = append(want, agent+" "+cs.ID)
	}
	wantAll(t, ran, want...)
	wantAll(t, reported, agent)
	if stdout.Len() == 0 {
		t.Error("nothing was printed")
	}
}

// wantAll compares the contents of a channel, in any order.
func wantAll(t *testing.T, from chan string, want ...string) {
	t.Helper()
	close(from)
	var got []string
	for s := range from {
		got = append(got, s)
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A context that ends in the middle of a case ends run.
func TestInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	url := serve(t, &autobahn.Server{
		Cases:     selected(t),
		Skip:      func(string, *autobahn.Case) bool { interrupt(); return false },
		OnReports: func(string) { t.Error("the client requested the reports") },
	})
	if err := run(ctx, []string{url}, new(bytes.Buffer)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var refused *net.OpError
	if err := run(t.Context(), []string{"ws://" + l.Addr().String()}, new(bytes.Buffer)); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

// The close frame of /updateReports may have code 1000 or, as in the original suite,
// none.
func TestReportsClose(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*rawpeer.Peer)
		ok   bool
	}{
		{"code 1000", func(p *rawpeer.Peer) { p.SendClose(1000, "") }, true},
		{"no code", func(p *rawpeer.Peer) { p.Send(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpClose}) }, true},
		{"code 1011", func(p *rawpeer.Peer) { p.SendClose(1011, "") }, false},
		{"no close frame", func(p *rawpeer.Peer) { p.Close() }, false},
		{"a message", func(p *rawpeer.Peer) { p.SendText("done") }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ran := rawpeer.GoErr(t, func() error {
				return run(t.Context(), []string{"ws://" + l.Addr().String()}, new(bytes.Buffer))
			})
			for _, answer := range []func(*rawpeer.Peer){
				func(p *rawpeer.Peer) { p.SendText("0") }, // the number of cases
				test.end,
			} {
				conn, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				answer(rawpeer.ServeHandshake(t, conn, nil))
			}
			if err := ran.Err(); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A server with an unexpected answer makes run fail.
func TestNoFuzzingServer(t *testing.T) {
	for name, answer := range map[string]func(*rawpeer.Peer){
		"no number":  func(p *rawpeer.Peer) { p.SendText("many") },
		"no message": func(p *rawpeer.Peer) { p.SendClose(1000, "") },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ran := rawpeer.GoErr(t, func() error {
				return run(t.Context(), []string{"ws://" + l.Addr().String()}, new(bytes.Buffer))
			})
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			answer(rawpeer.ServeHandshake(t, conn, nil))
			if err := ran.Err(); err == nil || (websocket.CloseStatus(err) == websocket.StatusNormalClosure) != (name == "no message") {
				t.Errorf("got %v", err)
			}
		})
	}
}
