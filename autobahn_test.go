//go:build !js

package websocket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/autobahn"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// messages is the number of messages in each case of groups 12 and 13. The original
// suite sends 1,000.
var messages = flag.Int("autobahn.messages", 0, "messages in each case of TestAutobahn with compression; 0 means 20, or fewer with the race detector")

// messagesOf returns the number of messages in a case with compression. With the race
// detector these are 3, and fewer if they are long.
func messagesOf(cs *autobahn.Case) int {
	switch {
	case *messages > 0:
		return *messages
	case !poolcheck.On:
		return 20
	case cs.Exchange == nil:
		return 3
	}
	return max(1, min(3, 64<<10/max(1, cs.Exchange.Length)))
}

// TestAutobahn runs the conformance suite against an echo peer using this library: all
// cases as a server and as a client, over in-memory streams. All verdicts must be OK;
// NON-STRICT is a failure.
//
// With AUTOBAHN=wstest in the environment the original suite runs instead; see
// originalProgram.
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
						res := role.run(t, rawpeer.Listen(nil), cs, autobahn.Options{Messages: messagesOf(cs)})
						wantPassed(t, res)
						counted.add(res.Behavior, res.Passed())
					})
				})
			}
		})
	}
}

// TestAutobahnAdditional runs the additional cases.
func TestAutobahnAdditional(t *testing.T) {
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
				// On a busy machine a correct response may be late.
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

// echoMessages echoes each message as it arrives, until the connection ends. It ends
// with CloseNow, which closes TCP at once; a peer that began to close has received the
// close frame by then.
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

// verdicts counts the verdicts in a role.
type verdicts struct {
	mu     sync.Mutex
	passed int
	by     map[autobahn.Verdict]int
}

// countVerdicts returns verdicts that are logged at the end of the test and its
// subtests.
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

// AUTOBAHN=wstest makes TestAutobahn run the original suite in both roles: the program
// wstest, if it is in PATH, or else its container, if docker works. It needs a long
// timeout:
//
//	AUTOBAHN=wstest go test -run TestAutobahn -timeout 3h .
//
// AUTOBAHN_CASES selects cases, for example AUTOBAHN_CASES=6.*,7.*.
const (
	originalVariable      = "AUTOBAHN"
	originalCasesVariable = "AUTOBAHN_CASES"
	originalProgram       = "wstest"
	originalImage         = "crossbario/autobahn-testsuite"
)

const (
	// originalPatience bounds the start of the original.
	originalPatience = time.Minute
	// originalRest bounds its end after an interrupt.
	originalRest = 10 * time.Second
	// originalAttempts is the number of ports to try.
	originalAttempts = 5
)

// original is the original suite: a command with wstest's arguments.
type original struct {
	command []string
	cases   []string // patterns
	ids     []string // of the matching cases, in order
}

// wantOriginal returns the original suite if the environment selects it.
func wantOriginal(t *testing.T) *original {
	t.Helper()
	switch os.Getenv(originalVariable) {
	case "":
		return nil
	case originalProgram:
	default:
		t.Fatalf("%s=%s, which is not %s", originalVariable, os.Getenv(originalVariable), originalProgram)
	}
	o := &original{cases: []string{"*"}}
	if v := os.Getenv(originalCasesVariable); v != "" {
		o.cases = strings.Split(v, ",")
	}
	cases, err := autobahn.Select(autobahn.Cases(), o.cases, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cs := range cases {
		o.ids = append(o.ids, cs.ID)
	}
	if path, err := exec.LookPath(originalProgram); err == nil {
		o.command = []string{path}
		return o
	}
	if err := exec.Command("docker", "info").Run(); err != nil {
		t.Fatalf("%s is not on PATH, and docker fails: %v", originalProgram, err)
	}
	return o
}

// An originalRun is a running original.
type originalRun struct {
	stop context.CancelFunc // interrupts it
	done chan struct{}      // closed after its end
	err  error              // its error, after done is closed
}

// start starts the original in a mode, with a spec file in dir. It ends with the test
// at the latest, even if the test times out.
func (o *original) start(t *testing.T, mode, dir string, spec map[string]any) *originalRun {
	t.Helper()
	spec["cases"] = o.cases
	spec["exclude-cases"] = []string{}
	spec["exclude-agent-cases"] = map[string]any{}
	spec["options"] = map[string]any{"failByDrop": false}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "spec.json")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	command := o.command
	if command == nil {
		command = []string{"docker", "run", "--rm", "--network=host", "-v", dir + ":" + dir, originalImage, originalProgram}
	}
	ctx, stop := context.WithCancel(context.Background())
	if end, ok := t.Deadline(); ok {
		ctx, stop = context.WithDeadline(context.Background(), end.Add(-2*originalRest))
	}
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], "-m", mode, "-s", file)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = originalRest
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	r := &originalRun{stop: stop, done: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() {
		r.end()
		if t.Failed() {
			t.Logf("%s says:\n%s", originalProgram, out.Bytes())
		}
	})
	return r
}

// end interrupts the original and waits until it has ended.
func (r *originalRun) end() {
	r.stop()
	<-r.done
}

// uncached prevents go test from caching the result: tests that opened a file of the
// module which was modified recently are not cached.
func uncached(t *testing.T) {
	t.Helper()
	const file = "autobahn_test.go"
	if err := os.Chtimes(file, time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// originalAgent is the name of the library in the original's reports.
const originalAgent = "bhojpur"

// run runs the original in both roles.
func (o *original) run(t *testing.T) {
	defer uncached(t)
	t.Run("server", func(t *testing.T) {
		dir := t.TempDir()
		srv := httptest.NewServer(http.HandlerFunc(serveEcho))
		defer srv.Close()
		url := "ws" + strings.TrimPrefix(srv.URL, "http")
		r := o.start(t, "fuzzingclient", dir, map[string]any{
			"outdir":  dir,
			"servers": []any{map[string]any{"agent": originalAgent, "url": url}},
		})
		// The command in this module, which can replace the original, exits with 1 if a
		// case failed. The reports have the details.
		if <-r.done; r.err != nil {
			t.Logf("%s: %v", originalProgram, r.err)
		}
		o.wantReports(t, dir)
	})
	t.Run("client", func(t *testing.T) {
		dir := t.TempDir()
		r, url := o.listen(t, dir)
		o.drive(t, r, url)
		r.end()
		o.wantReports(t, dir)
	})
}

// listen starts the original as a server. It does not report its port, so it is given a
// free one, and another one if that is taken meanwhile. The page that it serves may use
// any port.
func (o *original) listen(t *testing.T, dir string) (r *originalRun, url string) {
	t.Helper()
	for range originalAttempts {
		url = "ws://" + freeAddress(t)
		r = o.start(t, "fuzzingserver", dir, map[string]any{"outdir": dir, "url": url, "webport": 0})
		if o.listens(t, r, url) {
			return r, url
		}
	}
	t.Fatalf("%s ended before it listened, %d times: %v", originalProgram, originalAttempts, r.err)
	return nil, ""
}

// listens waits until the original listens or has ended.
func (o *original) listens(t *testing.T, r *originalRun, url string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), originalPatience)
	defer cancel()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		_, err := caseCount(ctx, url)
		select {
		case <-r.done: // another program has answered
			return false
		default:
		}
		if err == nil {
			return true
		}
		select {
		case <-retry.C:
		case <-r.done:
			return false
		case <-ctx.Done():
			t.Fatalf("%s does not listen: %v", originalProgram, err)
		}
	}
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return // Accept has sent the response
	}
	echoMessages(context.Background(), c)
}

// freeAddress returns an unused address: the original does not report its port.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// drive runs all cases of a fuzzing server, as a client, and requests its reports. It
// ends with the server.
func (o *original) drive(t *testing.T, r *originalRun, url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-r.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	n, err := caseCount(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c, _, err := dialEcho(ctx, fmt.Sprintf("%s/runCase?case=%d&agent=%s", url, i+1, originalAgent))
		if ctx.Err() != nil {
			t.Fatalf("%s ended in case %d of %d: %v", originalProgram, i+1, n, r.err)
		}
		if err != nil {
			t.Errorf("case %d: %v", i+1, err)
			continue
		}
		echoMessages(ctx, c)
	}
	c, _, err := dialEcho(ctx, url+"/updateReports?agent="+originalAgent)
	if err != nil {
		t.Fatal(err)
	}
	echoMessages(ctx, c)
}

func dialEcho(ctx context.Context, url string) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
}

func caseCount(ctx context.Context, url string) (int, error) {
	c, _, err := dialEcho(ctx, url+"/getCaseCount")
	if err != nil {
		return 0, err
	}
	defer c.CloseNow()
	_, p, err := c.Read(ctx)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(p))
}

// wantReports checks that the reports in dir contain all cases, and that each is OK.
func (o *original) wantReports(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index map[string]map[string]struct {
		Behavior      autobahn.Verdict
		BehaviorClose autobahn.Verdict
		ReportFile    string
	}
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	reports := index[originalAgent]
	if len(reports) != len(o.ids) {
		t.Errorf("got %d reports, want %d", len(reports), len(o.ids))
	}
	counted := countVerdicts(t, len(o.ids))
	for _, id := range o.ids {
		t.Run(id, func(t *testing.T) {
			report, ok := reports[id]
			if !ok {
				t.Fatal("got no report")
			}
			passed := slices.Contains([]autobahn.Verdict{autobahn.OK, autobahn.Informational}, report.Behavior) &&
				slices.Contains([]autobahn.Verdict{autobahn.OK, autobahn.Informational}, report.BehaviorClose)
			counted.add(report.Behavior, passed)
			if !passed {
				whole, _ := os.ReadFile(filepath.Join(dir, filepath.Base(report.ReportFile)))
				t.Errorf("%s, closing %s\n%s", report.Behavior, report.BehaviorClose, whole)
			}
		})
	}
}
