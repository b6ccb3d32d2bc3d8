package thirdparty

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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
		t.Fatalf("%q has no program", heading)
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

// build adds a clone to a module with the commands of the README, and builds the given
// programs in it. It returns the directory of the binaries.
func build(t *testing.T, programs map[string]string) (bin string) {
	t.Helper()
	text, root := readme(t)
	const clone = "../api"
	lines := ""
	for line := range strings.Lines(section(t, text, "# websocket")) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			lines += strings.ReplaceAll(code, clone, root)
		}
	}
	if !strings.Contains(lines, root) {
		t.Fatalf("the README does not mention a clone at %s:\n%s", clone, lines)
	}
	module := t.TempDir()
	for name, code := range programs {
		if err := os.Mkdir(filepath.Join(module, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(module, name, "main.go"), []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"go", "mod", "init", "example.com/program"},
		{"sh", "-ec", lines},
		{"go", "vet", "./..."},
		{"go", "build", "-o", module + "/bin/", "./..."},
	} {
		if out, err := command(t, module, args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	return module + "/bin/"
}

// TestReadme follows the README: it adds a clone to a module with the given commands,
// and runs the server and the client of the README in it.
func TestReadme(t *testing.T) {
	text, _ := readme(t)
	programs := make(map[string]string)
	for _, name := range []string{"server", "client"} {
		code := program(t, text, "## A "+name)
		// The port may be in use.
		code = strings.Replace(code, `"127.0.0.1:9000"`, `os.Args[1]`, 1)
		code = strings.Replace(code, `"ws://127.0.0.1:9000"`, `"ws://"+os.Args[1]`, 1)
		programs[name] = strings.Replace(code, "import (\n", "import (\n\t\"os\"\n", 1)
	}
	bin := build(t, programs)
	s := start(t, bin+"server", func(addr string) []string { return []string{addr} })
	out, err := command(t, "", bin+"client", s.addr).CombinedOutput()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("the client: %v, printed %q", err, out)
	}
}

// A server is a program that runs.
type server struct {
	t     *testing.T
	addr  string
	cmd   *exec.Cmd
	lines chan string   // of stderr, as many as fit; closed at its end
	ended chan struct{} // closed when the program has ended
	err   error         // of the end
}

// start runs a server with the arguments for an address, and waits until it listens. The
// cleanup of the test ends it.
func start(t *testing.T, path string, args func(addr string) []string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &server{t: t, addr: addr, lines: make(chan string, 1000), ended: make(chan struct{})}
	s.cmd = command(t, "", path, args(addr)...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			select {
			case s.lines <- lines.Text():
			default:
			}
		}
		close(s.lines)
		s.err = s.cmd.Wait()
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
	})
	var d net.Dialer
	for {
		conn, err := d.DialContext(t.Context(), "tcp", addr)
		if err == nil {
			conn.Close()
			return s
		}
		select {
		case <-s.ended:
			t.Fatalf("the server ended: %v", s.err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// wantLine waits for a line on stderr with the given end.
func (s *server) wantLine(end string) {
	s.t.Helper()
	for line := range s.lines {
		if strings.HasSuffix(line, end) {
			return
		}
	}
	s.t.Errorf("stderr has no line that ends in %q", end)
}

// terminate sends SIGTERM. The result waits for the program, which has 5 seconds in all to
// end with status 0.
func (s *server) terminate() (wantExit func()) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	late := time.NewTimer(5 * time.Second)
	return func() {
		s.t.Helper()
		select {
		case <-s.ended:
			late.Stop()
		case <-late.C:
			s.t.Fatal("the server has not ended in 5 seconds")
		}
		if s.err != nil {
			s.t.Errorf("the server ended with %v", s.err)
		}
	}
}
