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

// clientPackage is the program for the browser.
const clientPackage = "github.com/bhojpur/api/examples/wasm/client"

// client is a program for the browser.
type client struct {
	wasm []byte
	exec []byte // wasm_exec.js, by which it runs: of the release that compiled it
}

// build compiles the client with the go command, which must find this module
// from the working directory.
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

// goTool runs the go command for the browser and returns what it prints.
func goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it tidies up then
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", cmd, err)
	}
	return string(out), nil
}
