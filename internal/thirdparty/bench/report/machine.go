package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is where and of what the figures are.
type machine struct {
	cpu, memory, os, kernel string
	cores                   int
	goVersion               string
	libraries               []libraryVersion
	date                    string
}

type libraryVersion struct{ name, module, version string }

// modules are those whose versions the page tells.
var modules = [][2]string{
	{"coder", "github.com/coder/websocket"},
	{"gorilla", "github.com/gorilla/websocket"},
	{"gws", "github.com/lxzan/gws"},
	{"gobwas", "github.com/gobwas/ws"},
	{"klauspost", "github.com/klauspost/compress"},
}

func thisMachine(ctx context.Context) (machine, error) {
	m := machine{
		cpu:       orUnknown(lineOf("/proc/cpuinfo", "model name", ":")),
		memory:    gigabytes(lineOf("/proc/meminfo", "MemTotal", ":")),
		os:        orUnknown(strings.Trim(lineOf("/etc/os-release", "PRETTY_NAME", "="), `"`)),
		cores:     runtime.NumCPU(),
		goVersion: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		date:      time.Now().UTC().Format(time.DateOnly),
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.kernel = orUnknown(strings.TrimSpace(string(kernel)))
	commit, err := output(ctx, "git", "describe", "--always", "--dirty")
	if err != nil {
		commit = "of no commit" // a release has no repository around it
	}
	m.libraries = []libraryVersion{{bhojpurName, "github.com/bhojpur/api", commit}}
	for _, module := range modules {
		version, err := output(ctx, "go", "list", "-m", "-f", "{{.Version}}", module[1])
		if err != nil {
			return machine{}, fmt.Errorf("version of %s: %w", module[1], err)
		}
		m.libraries = append(m.libraries, libraryVersion{module[0], module[1], version})
	}
	return m, nil
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

// lineOf returns what is behind sep on the first line of file that begins with key.
func lineOf(file, key, sep string) string {
	text, _ := os.ReadFile(file) // there on Linux
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, sep); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// gigabytes says what 12345678 kB are.
func gigabytes(s string) string {
	kb, err := strconv.ParseFloat(strings.TrimSuffix(s, " kB"), 64)
	if err != nil {
		return orUnknown(s)
	}
	return fmt.Sprintf("%.0f GiB", kb/(1<<20))
}
