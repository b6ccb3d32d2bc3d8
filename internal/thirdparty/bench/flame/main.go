// Command flame draws docs/echo-flame.svg: a flame graph of the processor time of a server that
// echoes messages, and prints what takes the time.
//
//	go run ./bench/flame
//
// The server is that of the benchmark EchoCPU, in a process of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/google/pprof/profile"

	"github.com/bhojpur/api/internal/thirdparty/bench"
	"github.com/bhojpur/api/internal/thirdparty/machine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "flame:", err)
		os.Exit(1)
	}
}

// settings are the command's flags.
type settings struct {
	library     string
	connections int
	benchtime   string
	from, svg   string
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var set settings
	flags := flag.NewFlagSet("flame", flag.ContinueOnError)
	flags.StringVar(&set.library, "library", bench.Append, "whose server, as in the benchmark EchoCPU")
	flags.IntVar(&set.connections, "connections", 100, "how many connections: 100 or 1000")
	flags.StringVar(&set.benchtime, "benchtime", "10s", "how long the server is measured")
	flags.StringVar(&set.from, "from", "", "draw this profile instead of measuring")
	flags.StringVar(&set.svg, "svg", "../../docs/echo-flame.svg", "the file to draw to; empty: none")
	if err := flags.Parse(args); err != nil {
		return err
	}
	file := set.from
	if file == "" {
		dir, err := os.MkdirTemp("", "flame")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "profile")
		if err := measure(ctx, set, dir, file); err != nil {
			return err
		}
	}
	samples, err := samplesIn(file)
	if err != nil {
		return err
	}
	if set.svg != "" {
		words := fmt.Sprintf("%d connections, messages of 125 B, %s, %s", set.connections, machine.This().Name(), machine.This().Go)
		if err := os.WriteFile(set.svg, draw(treeOf(samples), words), 0o644); err != nil {
			return err
		}
	}
	return printShares(stdout, samples)
}

// measure writes a profile of a server to file.
func measure(ctx context.Context, set settings, dir, file string) error {
	program := filepath.Join(dir, "bench.test")
	if err := execute(ctx, "go", "test", "-c", "-o", program, "./bench"); err != nil {
		return err
	}
	name := fmt.Sprintf("^BenchmarkEchoCPU$/^%d$/^%s$", set.connections, set.library)
	return execute(ctx, program, "-test.run=^$", "-test.bench="+name, "-test.benchtime="+set.benchtime,
		"-server="+set.library, "-profile="+file)
}

func execute(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}

// sample is processor time that was spent in one stack.
type sample struct {
	stack []string // of functions, the outermost first
	nanos int64
}

// samplesIn parses a profile of Go's.
func samplesIn(file string) ([]sample, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var samples []sample
	for _, s := range p.Sample {
		var stack []string
		for _, l := range s.Location {
			for _, line := range l.Line {
				stack = append([]string{line.Function.Name}, stack...)
			}
		}
		samples = append(samples, sample{stack, s.Value[len(s.Value)-1]})
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s: the profile is empty", file)
	}
	return samples, nil
}
