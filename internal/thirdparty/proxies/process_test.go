package proxies

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a proxy with its workers.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when no process is left that could write to the log

	mu    sync.Mutex
	log   strings.Builder
	grown chan struct{} // closed when there is more in the log
}

// launch starts a program in the foreground. It ends with the test, even if the test is
// killed.
func launch(t *testing.T, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(find(t, name), args...)
	// The first process passes signals on to the workers, except SIGKILL, which is sent
	// to the group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	home := t.TempDir() // for Caddy, which stores its configuration there
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr // the log of tinyproxy
	p := &process{cmd: cmd, ended: make(chan struct{}), grown: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread ends.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.collect(stderr)
			cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(t) })
	return p
}

// find returns the path of a program, also in directories for administrators.
func find(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	if err != nil {
		t.Fatalf("%v; internal/thirdparty/install.sh installs it", err)
	}
	return path
}

// collect records the process's log to the end.
func (p *process) collect(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		close(p.grown)
		p.grown = make(chan struct{})
		p.mu.Unlock()
	}
}

// position returns the current end of the log.
func (p *process) position() int { return len(p.logged()) }

// has reports whether the log after a position contains all texts. If not, more is
// closed when the log has grown.
func (p *process) has(from int, texts []string) (all bool, more <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	log := p.log.String()[from:]
	for _, text := range texts {
		if !strings.Contains(log, text) {
			return false, p.grown
		}
	}
	return true, nil
}

var errEnded = errors.New("the proxy has ended")

// await waits until the log after a position contains all texts, in any order, since
// several processes write to it.
func (p *process) await(ctx context.Context, from int, texts ...string) error {
	for {
		all, more := p.has(from, texts)
		if all {
			return nil
		}
		select {
		case <-more:
		case <-p.ended:
			if all, _ := p.has(from, texts); all {
				return nil
			}
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w, waiting for %q in the log", ctx.Err(), texts)
		}
	}
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// signal sends a signal to the first process.
func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// kill kills the process and its workers.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.ended
}

// stopTimeout bounds the end of a proxy. Apache kills a worker that does not end within
// ten seconds.
const stopTimeout = 30 * time.Second

func (p *process) stop(t *testing.T) {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		t.Errorf("the proxy did not end within %v", stopTimeout)
		p.kill(t)
	}
	if t.Failed() {
		t.Logf("the proxy logged:\n%s", p.logged())
	}
}
