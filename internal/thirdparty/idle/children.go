package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bhojpur/api/internal/thirdparty/child"
)

// process is a server or client process.
type process struct{ *child.Process }

// startProcess starts another process of this program, with different arguments.
func startProcess(ctx context.Context, env []string, args ...string) (*process, error) {
	p, err := child.Start(ctx, env, args...)
	if err != nil {
		return nil, err
	}
	return &process{p}, nil
}

// ask sends a command and returns the response.
func (p *process) ask(command string, n int, file string) (string, error) {
	return p.Ask(fmt.Sprintf("%s %d %q", command, n, file))
}

// obey runs in the child process: it responds to commands until its input ends.
func obey(answer func(command string, n int, file string) (string, error)) error {
	return child.Obey(os.Stdin, os.Stdout, parsed(answer))
}

// parsed returns a function that parses the lines written by ask and calls answer.
func parsed(answer func(command string, n int, file string) (string, error)) func(line string) (string, error) {
	return func(line string) (string, error) {
		var command, file string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d %q", &command, &n, &file); err != nil {
			return "", err
		}
		return answer(command, n, file)
	}
}
