// Command report runs the benchmarks, makes docs/benchmarks.md of them, with
// charts, and prints that page. It runs all of them, then all again, so that a noisy
// minute is not one library's alone, and takes medians.
//
//	go run ./bench/report
//
// It fails, and writes nothing, when a benchmark fails or is missing. A goal that is
// not met is not a failure: the page tells.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// settings are the command's flags.
type settings struct {
	count     int
	benchtime string
	raw, from string
	docs      string
	many      int
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var set settings
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.IntVar(&set.count, "count", 5, "how often each benchmark runs")
	flags.StringVar(&set.benchtime, "benchtime", "500ms", "how long each runs each time")
	flags.IntVar(&set.many, "many", 100_000, "how many idle connections to open at once; 0: none, and nothing of it on the page")
	flags.StringVar(&set.docs, "docs", "../../docs", "the directory to write to")
	flags.StringVar(&set.raw, "raw", "", "a file to keep the benchmarks' output in")
	flags.StringVar(&set.from, "from", "", "run nothing, take the output from this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var output []byte
	var err error
	if set.from != "" {
		output, err = os.ReadFile(set.from)
	} else {
		output, err = measure(ctx, set, stdout)
	}
	if err != nil {
		return err
	}
	rs := bench.Results{}
	if err := rs.Add(bytes.NewReader(output), runtime.GOMAXPROCS(0)); err != nil {
		return err
	}
	groups := bench.Groups()
	if err := rs.Check(groups, set.count); err != nil {
		return err
	}
	m, err := measuredHere(ctx)
	if err != nil {
		return err
	}
	files, err := render(rs, groups, m, set)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(set.docs, name), content, 0o644); err != nil {
			return err
		}
	}
	_, err = stdout.Write(files[page])
	return err
}

// measure runs everything and returns what it printed, which it prints too.
func measure(ctx context.Context, set settings, stdout io.Writer) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	benchmarks, idle := filepath.Join(dir, "bench.test"), filepath.Join(dir, "idle")
	if err := execute(ctx, os.Stderr, "go", "test", "-c", "-o", benchmarks, "./bench"); err != nil {
		return nil, err
	}
	if err := execute(ctx, os.Stderr, "go", "build", "-o", idle, "./idle"); err != nil {
		return nil, err
	}
	var output bytes.Buffer
	var w io.Writer = io.MultiWriter(&output, stdout)
	if set.raw != "" {
		f, err := os.Create(set.raw)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	var names bytes.Buffer
	if err := execute(ctx, &names, benchmarks, "-test.list=^Benchmark"); err != nil {
		return nil, err
	}
	for round := range set.count {
		// Each in a process of its own: the first library of a benchmark would bear
		// what the one before left on the heap. And each round begins with another
		// library: what the process does to its first is not one library's alone.
		for _, name := range strings.Fields(names.String()) {
			if err := execute(ctx, w, benchmarks, "-test.run=^$", "-test.bench=^"+name+"$", "-test.timeout=1h",
				"-test.benchtime="+set.benchtime, "-first="+strconv.Itoa(round)); err != nil {
				return nil, err
			}
		}
		if err := execute(ctx, w, idle); err != nil {
			return nil, err
		}
	}
	if set.many > 0 {
		if err := execute(ctx, w, idle, "-many", "-connections", strconv.Itoa(set.many)); err != nil {
			return nil, err
		}
	}
	return output.Bytes(), nil
}

func execute(ctx context.Context, w io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
