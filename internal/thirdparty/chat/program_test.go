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
	buildTimeout   = 5 * time.Minute // on a machine with an empty cache
	programTimeout = 3 * time.Minute // it is killed then
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

// build builds one of the examples, if it has not been built yet, and returns the
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

// program is a running program.
type program struct {
	url string // of its page, without a trailing slash

	// interrupt sends an interrupt and waits for the program's end, which must have
	// exit code 0. The end of the test interrupts a program that is still running.
	interrupt func()
}

// start starts the program, and waits for its page's address.
func start(t *testing.T, binary, addr string) program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), programTimeout)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "-addr", addr)
	cmd.Dir = root // examples/wasm builds its client from here
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
		cmd.Process.Signal(os.Interrupt) // if the process has ended, Wait returns the error
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
