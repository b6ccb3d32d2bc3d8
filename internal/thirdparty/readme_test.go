package thirdparty

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readme returns the README and the root of the repository.
func readme(t *testing.T) (text, root string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b), root
}

// section returns the text between a heading and the next one.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut("\n"+text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("the README has no %q", heading)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	return body
}

// program returns the Go program of a section.
func program(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, _ := strings.Cut(section(t, text, heading), "\n```go\n")
	code, _, found := strings.Cut(rest, "\n```\n")
	if !found {
		t.Fatalf("there is no program in %q", heading)
	}
	return code + "\n"
}

// command returns a command in dir, which ends with the test.
func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return cmd
}

// TestReadme follows the README: it adds a clone to a module with the given commands,
// and runs the server and the client of the README in it.
func TestReadme(t *testing.T) {
	text, root := readme(t)
	const clone = "../api"
	lines := ""
	for line := range strings.Lines(section(t, text, "# websocket")) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			lines += strings.ReplaceAll(code, clone, root)
		}
	}
	if !strings.Contains(lines, root) {
		t.Fatalf("the README says nothing of a clone at %s:\n%s", clone, lines)
	}

	module := t.TempDir()
	for _, name := range []string{"server", "client"} {
		if err := os.Mkdir(filepath.Join(module, name), 0o755); err != nil {
			t.Fatal(err)
		}
		code := program(t, text, "## A "+name)
		// The port may be in use.
		code = strings.Replace(code, `"127.0.0.1:9000"`, `os.Args[1]`, 1)
		code = strings.Replace(code, `"ws://127.0.0.1:9000"`, `"ws://"+os.Args[1]`, 1)
		code = strings.Replace(code, "import (\n", "import (\n\t\"os\"\n", 1)
		if err := os.WriteFile(filepath.Join(module, name, "main.go"), []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := command(t, module, "go", "mod", "init", "example.com/program").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := command(t, module, "sh", "-ec", lines).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", lines, err, out)
	}
	if out, err := command(t, module, "go", "build", "-o", module+"/bin/", "./...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	talk(t, module+"/bin/server", module+"/bin/client")
}

// talk runs the server and then the client, which prints hello.
func talk(t *testing.T, server, client string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	serving := command(t, "", server, addr)
	var log bytes.Buffer
	serving.Stderr = &log
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		serving.Wait()
		close(ended)
	}()
	defer func() {
		serving.Process.Kill()
		<-ended
	}()
	var d net.Dialer
	for {
		conn, err := d.DialContext(t.Context(), "tcp", addr)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-ended:
			t.Fatalf("the server ended\n%s", log.Bytes())
		case <-time.After(10 * time.Millisecond):
		}
	}
	out, err := command(t, "", client, addr).CombinedOutput()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("the client: %v, printed %q", err, out)
	}
}
