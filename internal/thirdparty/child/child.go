// Package child runs this program again, as a process that answers questions: for
// example as a server, whose memory is measured separately from its clients'.
package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Process is a child process. It answers each line of input with a line of output, and
// ends at the end of its input, so that it does not outlive its parent.
type Process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// maxAnswer bounds the length of an answer.
const maxAnswer = 1 << 20

// Start runs this program with other arguments, and with env added to the environment.
// Canceling ctx kills it.
func Start(ctx context.Context, env []string, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxAnswer)
	return &Process{cmd: cmd, in: in, lines: lines}, nil
}

// Ask sends a line and returns the answer.
func (p *Process) Ask(line string) (string, error) {
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		return "", err
	}
	if !p.lines.Scan() {
		return "", fmt.Errorf("%s: %w", line, errors.Join(io.ErrUnexpectedEOF, p.lines.Err()))
	}
	text := p.lines.Text()
	if reason, failed := strings.CutPrefix(text, failure); failed {
		return "", fmt.Errorf("%s: %s", line, reason)
	}
	return text, nil
}

// Stop ends the process and waits for it.
func (p *Process) Stop() error {
	p.in.Close()
	return p.Wait()
}

// Wait waits for the process to end.
func (p *Process) Wait() error { return p.cmd.Wait() }

// failure is the prefix of an answer that is an error.
const failure = "error: "

// Obey runs in the child: it answers lines, one at a time, and returns when its input
// ends, even during an answer.
func Obey(r io.Reader, w io.Writer, answer func(line string) (string, error)) error {
	questions := make(chan string)
	defer close(questions)
	go func() {
		for line := range questions {
			fmt.Fprintln(w, reply(line, answer))
		}
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		questions <- lines.Text()
	}
	return lines.Err()
}

// reply returns the answer to a line, as a line.
func reply(line string, answer func(line string) (string, error)) string {
	text, err := answer(line)
	if err != nil {
		return failure + strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return text
}
