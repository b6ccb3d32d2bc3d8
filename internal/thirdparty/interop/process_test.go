package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The peers that run in a process of their own. The scripts in testdata document their
// input and output.
var (
	nodePeer = peer{
		name:    "ws",
		install: installWS,
		can:     anySettings,
		server:  func(t *testing.T, s settings) server { return startServer(t, s, node) },
		client:  func(t *testing.T, s settings) client { return startClient(t, s, node) },
	}
	pythonPeer = peer{
		name:    "websockets",
		install: installWebsockets,
		can:     anySettings,
		server:  func(t *testing.T, s settings) server { return startServer(t, s, python) },
		client:  func(t *testing.T, s settings) client { return startClient(t, s, python) },
	}

	node   = []string{"node", "peer.js"}
	python = []string{debianPython, "peer.py"}
)

// debianPython is the interpreter of Debian's packages; another python3 may come first
// in PATH.
const debianPython = "/usr/bin/python3"

func anySettings(settings) bool { return true }

const (
	startTimeout = 30 * time.Second // of an interpreter, on a busy machine
	stopTimeout  = 5 * time.Second
)

// process runs a peer's script.
type process struct {
	*reports
	port chan int // of a server

	mu    sync.Mutex
	stdin *json.Encoder
}

func start(t *testing.T, s settings, command ...string) *process {
	t.Helper()
	arg, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(command[0], append(command[1:], string(arg))...)
	cmd.Dir = "testdata"
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{reports: newReports(), port: make(chan int, 1), stdin: json.NewEncoder(stdin)}
	go p.receive(stdout)
	t.Cleanup(func() {
		stdin.Close()
		kill := time.AfterFunc(stopTimeout, func() { cmd.Process.Kill() })
		defer kill.Stop()
		<-p.ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", command[0], err)
		}
		if stderr.Len() > 0 {
			t.Logf("%s: %s", command[0], &stderr)
		}
	})
	return p
}

// receive reads the process's output to the end.
func (p *process) receive(stdout io.Reader) {
	defer close(p.ended)
	dec := json.NewDecoder(stdout)
	for {
		var line struct {
			Port int `json:"port"`
			report
		}
		if err := dec.Decode(&line); err != nil {
			return
		}
		if line.Port != 0 {
			p.port <- line.Port
		} else {
			p.of(line.ID) <- line.report
		}
	}
}

func (p *process) dial(j job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stdin.Encode(j)
}

func startClient(t *testing.T, s settings, command []string) client {
	t.Helper()
	return start(t, s, command[0], command[1], "client")
}

type processServer struct {
	*process
	base string
}

func (s processServer) url() string { return s.base }

func startServer(t *testing.T, s settings, command []string) server {
	t.Helper()
	p := start(t, s, command[0], command[1], "server")
	select {
	case port := <-p.port:
		return processServer{p, fmt.Sprintf("ws://127.0.0.1:%d", port)}
	case <-p.ended:
		t.Fatalf("%s ended before it listened", command[0])
	case <-time.After(startTimeout):
		t.Fatalf("%s does not listen", command[0])
	}
	return nil
}

// installWS installs the version in the lock file with npm, if it is missing.
var installWS = onceWithContext(func(ctx context.Context) error {
	var want struct {
		Dependencies struct{ WS string }
	}
	if err := readJSON(filepath.Join("testdata", "package.json"), &want); err != nil {
		return err
	}
	var have struct{ Version string }
	err := readJSON(filepath.Join("testdata", "node_modules", "ws", "package.json"), &have)
	if err == nil && have.Version == want.Dependencies.WS {
		return nil
	}
	return run(ctx, "npm", "ci", "--no-audit", "--no-fund")
})

// installWebsockets installs Debian's package with apt-get, if it is missing.
var installWebsockets = onceWithContext(func(ctx context.Context) error {
	missing := run(ctx, debianPython, "-c", "import websockets")
	if missing == nil {
		return nil
	}
	if os.Getuid() != 0 {
		return fmt.Errorf("install Debian's python3-websockets: %w", missing)
	}
	install := []string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", "python3-websockets"}
	if err := run(ctx, "env", install...); err == nil {
		return nil
	}
	// The package lists may be old or missing.
	if err := run(ctx, "apt-get", "update"); err != nil {
		return err
	}
	return run(ctx, "env", install...)
})

// onceWithContext returns a function that calls f the first time, and returns the same
// result afterwards.
func onceWithContext(f func(context.Context) error) func(context.Context) error {
	var once sync.Once
	var err error
	return func(ctx context.Context) error {
		once.Do(func() { err = f(ctx) })
		return err
	}
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// run runs a command in testdata. If it fails, the error contains its output.
func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "testdata"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}
