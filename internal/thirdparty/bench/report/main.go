// Command report runs the benchmarks, keeps their results, makes docs/benchmarks.md and
// its charts of the results of all machines, and prints that page.
//
//	go run ./bench/report
//
// It runs all benchmarks, then all again, and takes medians, so that a slow minute of
// the machine does not affect one library alone. The libraries of a row run one after
// the other, and each round begins with another one. It begins no round that would not
// end within the time of -within.
//
// The command fails, and writes nothing, if a benchmark fails three times or is missing.
// A goal that is not met is not a failure: the page shows it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

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
	rounds    int
	within    time.Duration
	benchtime string
	raw, from string
	docs      string
	results   string
	all       bool
	render    bool
	many      int
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var set settings
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.IntVar(&set.rounds, "rounds", 5, "how often each benchmark runs")
	flags.DurationVar(&set.within, "within", 14*time.Minute, "begin no round that would end later; 0: no limit")
	flags.StringVar(&set.benchtime, "benchtime", "200ms", "how long each benchmark runs each time")
	flags.BoolVar(&set.all, "all", false, "measure the rows of make bench-all too")
	flags.IntVar(&set.many, "many", 100_000, "with -all: how many idle connections to open at once, and a tenth of that as clients")
	flags.StringVar(&set.docs, "docs", "../../docs", "the directory of the page")
	flags.StringVar(&set.results, "results", "bench/results", "the directory of the results of all machines")
	flags.StringVar(&set.raw, "raw", "", "a file to keep the benchmarks' output in")
	flags.StringVar(&set.from, "from", "", "take the output of this machine from this file instead of measuring")
	flags.BoolVar(&set.render, "render", false, "measure nothing, make the page of the results that are kept")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !set.render {
		if err := keep(ctx, set, stdout); err != nil {
			return err
		}
	}
	return write(set, stdout)
}

// keep measures and saves the results.
func keep(ctx context.Context, set settings, stdout io.Writer) error {
	m, err := measuredHere(ctx)
	if err != nil {
		return err
	}
	parts := []bool{false}
	if set.all {
		parts = append(parts, true)
	}
	var all []stored
	for _, rest := range parts {
		began := time.Now()
		output, rounds, err := outputOf(ctx, set, rest, stdout)
		if err != nil {
			return err
		}
		s := stored{
			measured: m, rest: rest, at: time.Now().UTC().Format(time.RFC3339), rounds: rounds, benchtime: set.benchtime,
			took: time.Since(began).Round(time.Second).String(), results: bench.Results{},
		}
		if err := s.results.Add(bytes.NewReader(output), runtime.GOMAXPROCS(0)); err != nil {
			return err
		}
		s.results = ofPart(s.results, rest)
		if err := s.results.Check(part(rest), rounds); err != nil {
			return err
		}
		if rest && set.many > 0 {
			if err := checkMany(s.results); err != nil {
				return err
			}
		}
		all = append(all, s)
	}
	for _, s := range all {
		if err := s.save(set.results); err != nil {
			return err
		}
	}
	return nil
}

// outputOf returns what the benchmarks print, and how many rounds they had.
func outputOf(ctx context.Context, set settings, rest bool, stdout io.Writer) ([]byte, int, error) {
	if set.from != "" {
		output, err := os.ReadFile(set.from)
		return output, set.rounds, err
	}
	return measure(ctx, set, rest, stdout)
}

// part returns the groups of make bench, or the rest of make bench-all.
func part(rest bool) (groups []bench.Group) {
	for _, g := range bench.Groups() {
		if g.Rest == rest {
			groups = append(groups, g)
		}
	}
	return groups
}

// ofPart returns the rows of rs that belong to a part, in the units of the page.
func ofPart(rs bench.Results, rest bool) bench.Results {
	rows := bench.Results{}
	for _, g := range part(rest) {
		for _, row := range g.Rows {
			for library, figures := range rs[row.Name] {
				if rows[row.Name] == nil {
					rows[row.Name] = map[string]map[string][]float64{}
				}
				rows[row.Name][library] = only(figures, g.UnitsOf(row))
			}
		}
	}
	if rest {
		for _, row := range manyRows(rs) {
			rows[row] = rs[row]
		}
	}
	return rows
}

// only returns the figures in units.
func only(figures map[string][]float64, units []string) map[string][]float64 {
	some := map[string][]float64{}
	for _, unit := range units {
		if vs := figures[unit]; vs != nil {
			some[unit] = vs
		}
	}
	return some
}

// write makes the page of all results and prints it.
func write(set settings, stdout io.Writer) error {
	all, err := load(set.results)
	if err != nil {
		return err
	}
	files, err := render(all, bench.Groups())
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
