//go:build !js

package websocket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/autobahn"
)

// AUTOBAHN=wstest makes TestAutobahn drive the original suite instead of ours, in
// both roles: the program wstest, where PATH has one, or else its container, where
// docker works. It takes long; give it time:
//
//	AUTOBAHN=wstest go test -run TestAutobahn -timeout 3h .
//
// AUTOBAHN_CASES narrows it down, as in AUTOBAHN_CASES=6.*,7.*.
const (
	originalVariable      = "AUTOBAHN"
	originalCasesVariable = "AUTOBAHN_CASES"
	originalProgram       = "wstest"
	originalImage         = "crossbario/autobahn-testsuite"
)

// originalPatience is how long the original may take to begin to listen.
const originalPatience = time.Minute

// original is the original suite: a command that takes wstest's arguments.
type original struct {
	command []string
	cases   []string // patterns
	ids     []string // that the patterns stand for, in order
}

// wantOriginal returns the original suite when the environment asks for it.
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
		t.Fatalf("there is no %s on PATH, and docker does not work: %v", originalProgram, err)
	}
	return o
}

// start starts the original in a mode, with a spec file in dir. It is killed when
// ctx ends.
func (o *original) start(ctx context.Context, t *testing.T, mode, dir string, spec map[string]any) *exec.Cmd {
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
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], "-m", mode, "-s", file)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = originalPatience
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s says:\n%s", originalProgram, out.Bytes())
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// originalAgent is what the library is called in the original's reports.
const originalAgent = "bhojpur"

// run runs the original in both roles.
func (o *original) run(t *testing.T) {
	t.Run("server", func(t *testing.T) {
		dir := t.TempDir()
		srv := httptest.NewServer(http.HandlerFunc(serveEcho))
		defer srv.Close()
		url := "ws" + strings.TrimPrefix(srv.URL, "http")
		cmd := o.start(t.Context(), t, "fuzzingclient", dir, map[string]any{
			"outdir":  dir,
			"servers": []any{map[string]any{"agent": originalAgent, "url": url}},
		})
		// Our own tool, which can stand in for the original, exits with 1 when
		// a case failed. The reports have more to say.
		if err := cmd.Wait(); err != nil {
			t.Logf("%s: %v", originalProgram, err)
		}
		o.wantReports(t, dir)
	})
	t.Run("client", func(t *testing.T) {
		dir := t.TempDir()
		url := "ws://" + freeAddress(t)
		ctx, cancel := context.WithCancel(t.Context())
		cmd := o.start(ctx, t, "fuzzingserver", dir, map[string]any{"outdir": dir, "url": url})
		o.drive(t, url)
		cancel()
		cmd.Wait()
		o.wantReports(t, dir)
	})
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return // the request has been answered
	}
	echoMessages(context.Background(), c)
}

// freeAddress returns an address where nobody listened a moment ago: the original
// does not say which port it got.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// drive runs all cases of a fuzzing server, as a client, and has it write its
// reports.
func (o *original) drive(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), originalPatience)
	defer cancel()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	n, err := caseCount(ctx, url)
	for err != nil && ctx.Err() == nil {
		<-retry.C
		n, err = caseCount(ctx, url)
	}
	if err != nil {
		t.Fatalf("%s does not listen: %v", originalProgram, err)
	}
	for i := range n {
		c, _, err := dialEcho(t.Context(), fmt.Sprintf("%s/runCase?case=%d&agent=%s", url, i+1, originalAgent))
		if err != nil {
			t.Errorf("case %d: %v", i+1, err)
			continue
		}
		echoMessages(t.Context(), c)
	}
	c, _, err := dialEcho(t.Context(), url+"/updateReports?agent="+originalAgent)
	if err != nil {
		t.Fatal(err)
	}
	echoMessages(t.Context(), c)
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

// wantReports checks that the reports in dir have all cases, and each case OK.
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
		t.Errorf("there are %d reports, want %d", len(reports), len(o.ids))
	}
	counted := countVerdicts(t, len(o.ids))
	for _, id := range o.ids {
		t.Run(id, func(t *testing.T) {
			report, ok := reports[id]
			if !ok {
				t.Fatal("there is no report")
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
