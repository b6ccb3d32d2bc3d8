package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// order is that of the columns. Others come behind, by name.
var order = []string{bench.Ours, bench.Append, bench.Read, "coder", "gorilla", "gws", "gobwas", "bare", "nethttp", "mutex", "map", "writes"}

// page is the file with the tables.
const page = "benchmarks.md"

// unsure marks a figure that the rounds do not agree about.
const unsure = "≈"

// render returns the page and its charts by file name. all are the results of all
// machines, the newest first.
func render(all []stored, groups []bench.Group) (map[string][]byte, error) {
	if len(all) == 0 {
		return nil, errors.New("there are no results")
	}
	files := map[string][]byte{}
	var b bytes.Buffer
	b.WriteString(introduction)
	machines := byMachine(all)
	for _, parts := range machines {
		machineSection(&b, parts, groups)
	}
	charts(&b, files, machines[0], groups)
	b.WriteString("\n# How it is measured\n\n" + wrap(method) + "\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", g.Title, wrap(g.Words))
	}
	files[page] = b.Bytes()
	return files, nil
}

const introduction = `# Benchmarks

This library beside others. There is one table for each machine, the newest first; compare figures
of one row only. Then follow charts, and [how it is measured](#how-it-is-measured).

- A figure is the median of the rounds. Smaller is better. Ours are bold.
- bhojpur is this library, which reads with Reader; AppendRead and Read are its other ways to read a
  message. The columns behind the libraries are for reference: [how it is measured](#how-it-is-measured)
  says of each group what they are.
- *ours ÷ best* is our figure divided by that of the best other Go library in the row, and its name;
  in a row without another library, divided by that of the other column. The ratio of AppendRead
  follows it.
- *spread* is the largest ratio of a round minus the smallest.
- *wanted* is a goal of this project, our ratio to the library that it names, and whether it is met. A
  goal that is not met is listed below the table, with what limits it.
- ` + unsure + ` marks a ratio whose spread is larger than its difference from 1, and a goal whose spread is
  larger than the difference from the bound: the rounds do not agree about which figure is smaller.
- *allocs* is our number of allocations for each operation, and the smallest of another library.
- An empty cell was not measured. A spread of – is not known: one figure is kept, of a single round
  or a median.
`

const method = "Each benchmark runs in a process of its own, and all of them run before the first one runs again. " +
	"The libraries of a row run one after the other in each round, and each round begins with another one. " +
	"Each library is used with its fastest calls; bhojpur and coder get a context that can be canceled. " +
	"`make bench` measures the rows of everyday interest, in at most 15 minutes on two cores; `make bench-all` measures the rest too. " +
	"Both replace the results of this machine in internal/thirdparty/bench/results, and make this page of the results of all machines. " +
	"Rows of 16 KiB and more are measured on a connection in memory and over loopback TCP."

// byMachine returns the results of each machine together, the newest machine first and
// the rest of a machine last.
func byMachine(all []stored) (machines [][]stored) {
	for _, s := range all {
		i := slices.IndexFunc(machines, func(parts []stored) bool { return parts[0].Name() == s.Name() })
		if i < 0 {
			machines = append(machines, []stored{s})
			continue
		}
		machines[i] = append(machines[i], s)
		slices.SortStableFunc(machines[i], func(a, b stored) int { return rank(a) - rank(b) })
	}
	return machines
}

func rank(s stored) int {
	if s.rest {
		return 1
	}
	return 0
}

// together returns the results of all parts of a machine.
func together(parts []stored) bench.Results {
	rs := bench.Results{}
	for _, s := range parts {
		maps.Copy(rs, s.results)
	}
	return rs
}

// machineSection writes what was measured on a machine.
func machineSection(b *bytes.Buffer, parts []stored, groups []bench.Group) {
	m := parts[0]
	goVersion, platform, _ := strings.Cut(m.Go, " ")
	fmt.Fprintf(b, "\n## %s, %s\n\n", m.Name(), goVersion)
	fmt.Fprintf(b, "%s, %s, Linux %s, %s.", m.Memory, m.OS, m.Kernel, platform)
	for _, s := range parts {
		what := "Measured"
		if s.rest {
			what = "The rows of `make bench-all`"
		}
		date, _, _ := strings.Cut(s.at, "T")
		fmt.Fprintf(b, "\n%s on %s, in %s of %s", what, date, runs(s.rounds), s.benchtime)
		if s.took != "" {
			fmt.Fprintf(b, ", within %s", s.took)
		}
		b.WriteByte(':')
		for i, l := range s.libraries {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, "\n%s %s", l.module, l.version)
		}
		b.WriteByte('.')
	}
	if !parts[len(parts)-1].rest {
		b.WriteString("\nThe rows of `make bench-all` were not measured.")
	}
	b.WriteString("\n\n")
	t := newTable(together(parts), m.CPU, groups)
	t.write(b)
	manyTable(b, t.rs)
}

func runs(n int) string {
	if n == 1 {
		return "one round"
	}
	return fmt.Sprintf("%d rounds", n)
}

// charts writes the charts of a machine, to files and into the page.
func charts(b *bytes.Buffer, files map[string][]byte, parts []stored, groups []bench.Group) {
	rs := together(parts)
	fmt.Fprintf(b, "\n# Charts\n\nOf %s.\n", parts[0].Name())
	for _, g := range groups {
		if g.Rest || !rs.Has(g) {
			continue
		}
		name := "benchmarks-" + g.Name + ".svg"
		files[name] = drawChart(rs, g, parts[0].Name())
		fmt.Fprintf(b, "\n![%s](%s)\n", g.Title, name)
	}
}

// columns returns the libraries that have a figure of unit in one of g's rows.
func columns(rs bench.Results, g bench.Group, unit string) []string {
	found := map[string]bool{}
	for _, row := range g.Rows {
		for library, units := range rs[row.Name] {
			if len(units[unit]) > 0 {
				found[library] = true
			}
		}
	}
	return ordered(found)
}

func ordered(found map[string]bool) (names []string) {
	for _, name := range order {
		if found[name] {
			names = append(names, name)
			delete(found, name)
		}
	}
	return append(names, slices.Sorted(maps.Keys(found))...)
}

// wrap breaks s into lines.
func wrap(s string) string {
	const width = 100
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
		case n+1+len(word) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}
