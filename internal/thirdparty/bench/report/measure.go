package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// programs are the files that measure, and where their output goes.
type programs struct {
	benchmarks, idle string
	w                io.Writer
}

// measure runs the groups of a part and returns what they printed, and in how many
// rounds. It prints that too.
func measure(ctx context.Context, set settings, rest bool, stdout io.Writer) ([]byte, int, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	p := programs{benchmarks: filepath.Join(dir, "bench.test"), idle: filepath.Join(dir, "idle")}
	if err := execute(ctx, os.Stderr, "go", "test", "-c", "-o", p.benchmarks, "./bench"); err != nil {
		return nil, 0, err
	}
	if err := execute(ctx, os.Stderr, "go", "build", "-o", p.idle, "./idle"); err != nil {
		return nil, 0, err
	}
	var output bytes.Buffer
	p.w = io.MultiWriter(&output, stdout)
	if set.raw != "" {
		f, err := os.OpenFile(set.raw, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		p.w = io.MultiWriter(p.w, f)
	}
	began, longest := time.Now(), time.Duration(0)
	round := 0
	for ; round < set.rounds; round++ {
		if set.within > 0 && time.Since(began)+longest > set.within {
			fmt.Fprintf(os.Stderr, "report: the time is up after %d rounds\n", round)
			break
		}
		start := time.Now()
		for _, g := range part(rest) {
			if round >= g.RoundsOf(set.rounds) {
				continue
			}
			if err := p.group(ctx, g, set.benchtime, round); err != nil {
				return nil, 0, err
			}
		}
		longest = max(longest, time.Since(start))
	}
	if rest && set.many > 0 {
		if err := p.many(ctx, set.many); err != nil {
			return nil, 0, err
		}
	}
	return output.Bytes(), round, nil
}

// group runs the benchmarks of g once, each in a process of its own: the first library
// of a benchmark would otherwise pay for the heap of the one before.
func (p programs) group(ctx context.Context, g bench.Group, benchtime string, round int) error {
	if g.ByIdle() {
		if strings.HasPrefix(g.Rows[0].Name, "IdleClient/") {
			return p.run(ctx, p.idle, "-clients")
		}
		return p.run(ctx, p.idle)
	}
	for _, name := range benchmarksOf(g) {
		if err := p.run(ctx, p.benchmarks, "-test.run=^$", "-test.bench=^Benchmark"+name+"$", "-test.timeout=10m",
			"-test.benchtime="+benchtime, "-first="+strconv.Itoa(round)); err != nil {
			return err
		}
	}
	return nil
}

// benchmarksOf returns the names of the benchmarks with g's rows.
func benchmarksOf(g bench.Group) (names []string) {
	for _, row := range g.Rows {
		name, _, _ := strings.Cut(row.Name, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// many opens n idle connections of servers, and a tenth of that of clients.
func (p programs) many(ctx context.Context, n int) error {
	if err := p.run(ctx, p.idle, "-many", "-connections", strconv.Itoa(n)); err != nil {
		return err
	}
	return p.run(ctx, p.idle, "-many", "-clients", "-connections", strconv.Itoa(max(n/10, 1)))
}

// attempts is how often a program runs that fails: on a machine that stalls, a deadline
// of a benchmark may pass.
const attempts = 3

// run writes the output of a program, once it has succeeded.
func (p programs) run(ctx context.Context, name string, args ...string) (err error) {
	for range attempts {
		var output bytes.Buffer
		if err = execute(ctx, &output, name, args...); err == nil {
			_, err = p.w.Write(output.Bytes())
			return err
		}
		err = fmt.Errorf("%w\n%s", err, output.Bytes())
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintln(os.Stderr, "report:", err)
	}
	return err
}

func execute(ctx context.Context, w io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	return nil
}
