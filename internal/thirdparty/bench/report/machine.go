package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
	"github.com/bhojpur/api/internal/thirdparty/machine"
)

// measured is the machine and the libraries of the results.
type measured struct {
	machine.Machine
	libraries []libraryVersion
}

type libraryVersion struct{ name, module, version string }

// modules are the modules whose versions are on the page.
var modules = [][2]string{
	{"coder", "github.com/coder/websocket"},
	{"gorilla", "github.com/gorilla/websocket"},
	{"gws", "github.com/lxzan/gws"},
	{"gobwas", "github.com/gobwas/ws"},
	{"klauspost", "github.com/klauspost/compress"},
}

func measuredHere(ctx context.Context) (measured, error) {
	commit, err := output(ctx, "git", "describe", "--always", "--dirty")
	if err != nil {
		commit = "of no commit" // a release has no repository around it
	}
	m := measured{machine.This(), []libraryVersion{{bench.Ours, "github.com/bhojpur/api", commit}}}
	for _, module := range modules {
		version, err := output(ctx, "go", "list", "-m", "-f", "{{.Version}}", module[1])
		if err != nil {
			return measured{}, fmt.Errorf("version of %s: %w", module[1], err)
		}
		m.libraries = append(m.libraries, libraryVersion{module[0], module[1], version})
	}
	return m, nil
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}
