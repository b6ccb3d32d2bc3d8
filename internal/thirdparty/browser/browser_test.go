package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
)

const (
	buildTimeout = 5 * time.Minute // of a machine with nothing cached
	startTimeout = time.Minute
	runTimeout   = 3 * time.Minute
)

// tests are what each environment runs: the root package's, which know by
// WEBSOCKET_TEST_IN where they are. The arguments after go test's -args -- go
// on to them, such as -test.run and -test.bench.
type tests struct {
	binary string
	args   []string
	env    map[string]string
}

// newTests builds the root package's tests for a browser.
func newTests(t *testing.T) (tests, *server) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "ws.wasm")
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
	build.Dir = filepath.Join("..", "..", "..")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("testdata")))
	mux.HandleFunc("/ws.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, binary) })
	mux.HandleFunc("/wasm_exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(wasmDir(t), "wasm_exec.js"))
	})
	s := newServer(t, mux)
	// Examples serve, which a browser can't.
	args := []string{"-test.run=^Test", "-test.timeout=" + runTimeout.String()}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	return tests{
		binary: binary,
		args:   append(args, flag.Args()...),
		env:    map[string]string{"WEBSOCKET_TEST_SERVER": strings.Replace(s.URL, "http", "ws", 1)},
	}, s
}

// in returns the environment for a run.
func (ts tests) in(where string) map[string]string {
	env := map[string]string{"WEBSOCKET_TEST_IN": where}
	for k, v := range ts.env {
		env[k] = v
	}
	return env
}

// wasmDir is where the Go distribution has what runs WebAssembly.
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

func TestEnvironments(t *testing.T) {
	ts, s := newTests(t)
	t.Run("node", func(t *testing.T) {
		t.Parallel()
		runInNode(t, ts)
	})
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		runInChromium(t, ts, s.URL+"/page.html", "runHere", "page")
	})
	t.Run("worker", func(t *testing.T) {
		t.Parallel()
		runInChromium(t, ts, s.URL+"/page.html", "runInWorker", "worker")
	})
}

func runInNode(t *testing.T, ts tests) {
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout+runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(wasmDir(t), "go_js_wasm_exec"), append([]string{ts.binary}, ts.args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_OPTIONS=--experimental-websocket --no-warnings"}
	for k, v := range ts.in("node") {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// runInChromium opens the page and calls its function, which returns the exit
// code of the tests.
func runInChromium(t *testing.T, ts tests, page, function, where string) {
	browser := chromium.Start(t, startTimeout+runTimeout)
	tab, _ := chromium.NewTab(t, browser, func(m chromedp.ConsoleMessage) { t.Log(m.Text) })
	if err := chromedp.Do(tab, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	call := fmt.Sprintf("%s(%s, %s)", function, toJSON(t, ts.args), toJSON(t, ts.in(where)))
	code, err := chromedp.Run(tab, chromedp.Evaluate[int](call, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
