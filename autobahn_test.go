//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/autobahn"
	"github.com/bhojpur/api/internal/rawpeer"
)

// messages is how many messages each case of groups 12 and 13 sends. The original
// sends 1,000.
var messages = flag.Int("autobahn.messages", autobahnMessages, "messages in each case of TestAutobahn with compression")

// TestAutobahn runs the conformance suite against an echo peer that is made of
// this library: all cases as a server and as a client, over streams in memory. A
// case has to be OK in every respect; NON-STRICT is not enough.
//
// With AUTOBAHN=wstest in the environment the original suite runs instead; see
// autobahn_original_test.go.
func TestAutobahn(t *testing.T) {
	if o := wantOriginal(t); o != nil {
		o.run(t)
		return
	}
	for _, role := range autobahnRoles {
		t.Run(role.name, func(t *testing.T) {
			cases := autobahn.Cases()
			counted := countVerdicts(t, len(cases))
			for _, cs := range cases {
				t.Run(cs.ID, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						res := role.run(t, rawpeer.Listen(nil), cs, autobahn.Options{Messages: *messages})
						wantPassed(t, res)
						counted.add(res.Behavior, res.Passed())
					})
				})
			}
		})
	}
}

// TestAutobahnBeside runs the suite's cases beside those of the original.
func TestAutobahnBeside(t *testing.T) {
	for _, role := range autobahnRoles {
		for _, cs := range autobahn.W() {
			t.Run(role.name+"/"+cs.ID, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					wantPassed(t, role.run(t, rawpeer.Listen(nil), cs, autobahn.Options{}))
				})
			})
		}
	}
}

// TestAutobahnTCP runs one case of each group over loopback TCP.
func TestAutobahnTCP(t *testing.T) {
	one := []string{"1.1.8", "2.10", "3.3", "4.1.5", "5.20", "6.4.4", "7.1.6", "7.9.1", "9.1.6", "10.1.1", "12.5.13", "13.7.18"}
	cases, err := autobahn.Select(autobahn.Cases(), one, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range autobahnRoles {
		for _, cs := range cases {
			t.Run(role.name+"/"+cs.ID, func(t *testing.T) {
				t.Parallel()
				// On a busy machine a right answer may be late.
				opts := autobahn.Options{Messages: 10, Patience: 20}
				wantPassed(t, role.run(t, rawpeer.ListenLoopback(t), cs, opts))
			})
		}
	}
}

// autobahnRoles are the two roles of the library under test.
var autobahnRoles = []struct {
	name string
	run  func(t *testing.T, n rawpeer.Network, cs *autobahn.Case, opts autobahn.Options) *autobahn.Result
}{
	{"server", fuzzServer},
	{"client", fuzzClient},
}

// fuzzServer runs a case with the library as the server.
func fuzzServer(t *testing.T, n rawpeer.Network, cs *autobahn.Case, opts autobahn.Options) *autobahn.Result {
	rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			t.Error(err)
			return
		}
		echoMessages(t.Context(), c)
	}))
	client := &autobahn.Client{URL: rawpeer.URL, Agent: "this library", Dial: n.Dial, Options: opts}
	return client.Run(t.Context(), cs)
}

// fuzzClient runs a case with the library as the client.
func fuzzClient(t *testing.T, n rawpeer.Network, cs *autobahn.Case, opts autobahn.Options) *autobahn.Result {
	results := make(chan *autobahn.Result, 1)
	server := &autobahn.Server{
		Cases:    []*autobahn.Case{cs},
		OnResult: func(res *autobahn.Result) { results <- res },
		Options:  opts,
	}
	serving := rawpeer.GoErr(t, func() error { return server.Serve(n) })
	defer func() {
		server.Close()
		n.Close()
		if err := serving.Err(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving: %v", err)
		}
	}()
	c, _, err := websocket.Dial(t.Context(), rawpeer.URL+"runCase?case=1&agent=this+library", &websocket.DialOptions{
		HTTPClient:      rawpeer.HTTPClient(n),
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		t.Fatal(err)
	}
	echoMessages(t.Context(), c)
	return <-results
}

// echoMessages sends each message back as it comes, until the connection ends. It ends
// with CloseNow, which leaves nothing of TCP behind: a peer that began to close
// has its close frame by then.
func echoMessages(ctx context.Context, c *websocket.Conn) error {
	defer c.CloseNow()
	c.SetReadLimit(-1)
	buf := make([]byte, 32<<10)
	for {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		w, err := c.Writer(ctx, typ)
		if err != nil {
			return err
		}
		if _, err := io.CopyBuffer(w, r, buf); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

func wantPassed(t *testing.T, res *autobahn.Result) {
	t.Helper()
	if !res.Passed() {
		t.Errorf("%v", res)
	}
}

// verdicts counts how the cases of a role went.
type verdicts struct {
	mu     sync.Mutex
	passed int
	by     map[autobahn.Verdict]int
}

// countVerdicts returns verdicts that are logged when the test and its subtests are
// over.
func countVerdicts(t *testing.T, all int) *verdicts {
	v := &verdicts{by: make(map[autobahn.Verdict]int)}
	t.Cleanup(func() {
		t.Logf("%d of %d passed: %v", v.passed, all, v.by)
	})
	return v
}

func (v *verdicts) add(behavior autobahn.Verdict, passed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.by[behavior]++
	if passed {
		v.passed++
	}
}
