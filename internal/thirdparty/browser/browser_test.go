package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/behaviour"
	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
)

const (
	buildTimeout = 5 * time.Minute // on a machine with an empty cache
	startTimeout = time.Minute
	runTimeout   = 5 * time.Minute
)

// root is the directory of the package under test.
var root = filepath.Join("..", "..", "..")

// TestEnvironments runs the root package's tests for a browser in each environment, and
// the table of behaviour natively, and compares which tests of the table passed.
// Arguments after go test's -args -- are passed on to the tests, such as -test.run and
// -test.bench; nothing is compared then.
func TestEnvironments(t *testing.T) {
	ts, url := newTests(t)
	var native passed
	places := []struct {
		name   string
		run    func(*testing.T) (output string)
		passed passed
	}{
		{name: "page", run: func(t *testing.T) string { return runInChromium(t, ts, url, "runHere", "page") }},
		{name: "worker", run: func(t *testing.T) string { return runInChromium(t, ts, url, "runInWorker", "worker") }},
		{name: "node", run: func(t *testing.T) string { return runInNode(t, ts) }},
	}
	t.Run("in", func(t *testing.T) {
		for i := range places {
			t.Run(places[i].name, func(t *testing.T) {
				t.Parallel()
				places[i].passed = parsePassed(places[i].run(t))
			})
		}
		t.Run("native", func(t *testing.T) {
			t.Parallel()
			native = parsePassed(runNatively(t))
		})
	})
	if t.Failed() || flag.NArg() > 0 {
		return
	}
	here := native.ofTable()
	if len(here) == 0 {
		t.Fatal("no test of the table passed natively")
	}
	fmt.Printf("natively %d tests of the table passed\n", len(here))
	for _, place := range places {
		there := place.passed.ofTable()
		for _, diff := range differences(here, there, nativeOnly, browserOnly) {
			t.Errorf("in %s: %s", place.name, diff)
		}
		fmt.Printf("in %s %d tests of the table passed, and %d others\n", place.name, len(there), len(place.passed)-len(there))
	}
}

// tests are the root package's tests, built for a browser.
type tests struct {
	binary string
	args   []string
	server string // URL, of scheme ws
}

// newTests builds the tests, and serves them at url together with the server that they
// use.
func newTests(t *testing.T) (ts tests, url string) {
	ts.binary = filepath.Join(t.TempDir(), "ws.wasm")
	build(t, ts.binary, ".", "GOOS=js", "GOARCH=wasm")
	mux := http.NewServeMux()
	b := behaviour.NewServer()
	mux.Handle("/", b)
	mux.Handle("/page.html", http.FileServer(http.Dir("testdata")))
	mux.Handle("/run.js", http.FileServer(http.Dir("testdata")))
	mux.HandleFunc("/ws.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, ts.binary) })
	mux.HandleFunc("/wasm_exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(wasmDir(t), "wasm_exec.js"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		b.Close()
		s.CloseClientConnections()
		s.Close()
	})
	ts.server = strings.Replace(s.URL, "http", "ws", 1)
	// Examples start servers, which is impossible in a browser.
	ts.args = append([]string{"-test.run=^Test", "-test.v", "-test.timeout=" + runTimeout.String()}, flag.Args()...)
	return ts, s.URL
}

// build builds the tests of a package.
func build(t *testing.T, binary, pkg string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// in returns the environment for a run.
func (ts tests) in(place string) map[string]string {
	return map[string]string{"WEBSOCKET_TEST_SERVER": ts.server, "WEBSOCKET_TEST_IN": place}
}

// wasmDir returns the directory of the Go distribution with the scripts that run
// WebAssembly.
var wasmDir = func() func(*testing.T) string {
	find := sync.OnceValues(func() ([]byte, error) { return exec.Command("go", "env", "GOROOT").Output() })
	return func(t *testing.T) string {
		root, err := find()
		if err != nil {
			t.Error(err)
		}
		return filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm")
	}
}()

// runNatively runs the table, with the server in the same process.
func runNatively(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "ws.test")
	build(t, binary, "./internal/behaviour")
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^"+table+"$", "-test.v", "-test.timeout="+runTimeout.String())
	cmd.Dir = root
	return output(t, cmd)
}

func runInNode(t *testing.T, ts tests) string {
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout+runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(wasmDir(t), "go_js_wasm_exec"), append([]string{ts.binary}, ts.args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_OPTIONS=--experimental-websocket --no-warnings"}
	for k, v := range ts.in("node") {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return output(t, cmd)
}

// TestSocket runs the tests of the package that calls JavaScript, which do not need a
// browser.
func TestSocket(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "wsjs.wasm")
	build(t, binary, "./internal/wsjs", "GOOS=js", "GOARCH=wasm")
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(wasmDir(t), "go_js_wasm_exec"), binary, "-test.v")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out := output(t, cmd); !strings.Contains(out, "--- PASS") {
		t.Error("no test has run")
	}
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	return string(out)
}

// runInChromium opens the page and calls its function, which returns the exit code of
// the tests.
func runInChromium(t *testing.T, ts tests, url, function, place string) string {
	var out strings.Builder
	browser := chromium.Start(t, startTimeout+runTimeout)
	tab, closeTab := chromium.NewTab(t, browser, func(m chromedp.ConsoleMessage) {
		t.Log(m.Text)
		fmt.Fprintln(&out, m.Text)
	})
	if err := chromedp.Do(tab, chromedp.Navigate(url+"/page.html")); err != nil {
		t.Fatal(err)
	}
	call := fmt.Sprintf("%s(%s, %s)", function, toJSON(t, ts.args), toJSON(t, ts.in(place)))
	code, err := chromedp.Run(tab, chromedp.Evaluate[int](call, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	closeTab() // all messages have been passed to heard
	return out.String()
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
