package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// clientPackage is the package of the program for the browser.
const clientPackage = "github.com/bhojpur/api/examples/wasm/client"

// client is a program for the browser.
type client struct {
	wasm []byte
	exec []byte // wasm_exec.js of the release that compiled the program
}

// build compiles the client by the go command. The working directory must be in this
// module.
func build(ctx context.Context) (client, error) {
	root, err := goTool(ctx, "env", "GOROOT")
	if err != nil {
		return client{}, err
	}
	var c client
	c.exec, err = os.ReadFile(filepath.Join(strings.TrimSpace(root), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return client{}, err
	}

	dir, err := os.MkdirTemp("", "wasm-client-")
	if err != nil {
		return client{}, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "chat.wasm")
	if _, err := goTool(ctx, "build", "-o", binary, clientPackage); err != nil {
		return client{}, err
	}
	c.wasm, err = os.ReadFile(binary)
	return c, err
}

// goTool runs the go command with the browser as the target and returns its output.
func goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it removes its files
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", cmd, err)
	}
	return string(out), nil
}
