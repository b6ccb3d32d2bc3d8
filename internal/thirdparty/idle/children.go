package main

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

// child is a server or client process. It answers each line that it is sent
// with a line, and ends with its input, so that it never outlives its parent.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// startChild runs this program once more, with other arguments.
func startChild(ctx context.Context, env []string, args ...string) (*child, error) {
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
	return &child{cmd: cmd, in: in, lines: bufio.NewScanner(out)}, nil
}

// ask sends a command and returns its answer.
func (c *child) ask(command string, n int, file string) (string, error) {
	if _, err := fmt.Fprintf(c.in, "%s %d %q\n", command, n, file); err != nil {
		return "", err
	}
	if !c.lines.Scan() {
		return "", fmt.Errorf("%s: %w", command, errors.Join(io.ErrUnexpectedEOF, c.lines.Err()))
	}
	text := c.lines.Text()
	if reason, failed := strings.CutPrefix(text, failure); failed {
		return "", fmt.Errorf("%s: %s", command, reason)
	}
	return text, nil
}

// stop ends the process and waits for it.
func (c *child) stop() error {
	c.in.Close()
	return c.cmd.Wait()
}

// failure begins an answer that is an error.
const failure = "error: "

// obey is the child's side: it answers commands, one at a time, and returns when
// its input ends, also from the midst of one.
func obey(r io.Reader, w io.Writer, answer func(command string, n int, file string) (string, error)) error {
	commands := make(chan string)
	defer close(commands)
	go func() {
		for line := range commands {
			fmt.Fprintln(w, reply(line, answer))
		}
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		commands <- lines.Text()
	}
	return lines.Err()
}

// reply is the answer to a line.
func reply(line string, answer func(command string, n int, file string) (string, error)) string {
	var command, file string
	var n int
	text := ""
	_, err := fmt.Sscanf(line, "%s %d %q", &command, &n, &file)
	if err == nil {
		text, err = answer(command, n, file)
	}
	if err != nil {
		return failure + strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return text
}
