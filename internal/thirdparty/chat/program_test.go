package chat

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	buildTimeout   = 5 * time.Minute // on a machine with nothing cached
	programTimeout = 3 * time.Minute // of which it is killed, if it runs that long
)

// root is the directory of the module under test.
var root = filepath.Join("..", "..", "..")

// binaries is the directory of the programs under test.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chat-test-")
	if err != nil {
		panic(err)
	}
	binaries = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// build builds one of the examples, unless it was built, and returns the
// program's path.
func build(t *testing.T, example string) string {
	t.Helper()
	binary := filepath.Join(binaries, example)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./examples/"+example)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return binary
}

// program is one that runs.
type program struct {
	url string // of its page, without a slash at the end

	// interrupt is ctrl-C. It waits for the program's end, which has to be
	// exit code 0. What is still running at the end of the test is interrupted
	// then.
	interrupt func()
}

// start runs the program until it has told its page's address.
func start(t *testing.T, binary, addr string) program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), programTimeout)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "-addr", addr)
	cmd.Dir = root // for examples/wasm, which builds its client
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	interrupt := sync.OnceFunc(func() {
		defer cancel()
		cmd.Process.Signal(os.Interrupt) // the error of one that has ended is Wait's
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with %v\n%s", err, &stderr)
		}
	})
	t.Cleanup(interrupt)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("reading the first line: %v", err)
	}
	return program{url: strings.TrimSuffix(line, "\n"), interrupt: interrupt}
}
