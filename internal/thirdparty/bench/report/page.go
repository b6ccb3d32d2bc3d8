package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

const bhojpurName = bench.Ours

// order is that of the columns. What is not in it comes behind, by name.
var order = []string{bench.Ours, "bhojpur-AppendRead", "bhojpur-Read", "coder", "gorilla", "gorilla-pool", "gws", "gws-15", "gobwas", "bare", "nethttp", "nethttp-hijacked"}

// page is the file that the tables are in.
const page = "benchmarks.md"

// render returns the page and its charts by file name.
func render(rs bench.Results, groups []bench.Group, m measured, set settings) (map[string][]byte, error) {
	files := map[string][]byte{}
	var b bytes.Buffer
	header(&b, m, set)
	for _, g := range groups {
		chart := "benchmarks-" + g.Name + ".svg"
		files[chart] = drawChart(rs, g)
		fmt.Fprintf(&b, "\n## %s\n\n![%s: a chart of the table below](%s)\n\n", g.Title, g.Title, chart)
		for i, unit := range g.Units {
			if i > 0 {
				b.WriteString("\n")
			}
			if err := table(&b, rs, g, unit); err != nil {
				return nil, err
			}
		}
		fmt.Fprintf(&b, "\n%s\n", wrap(g.Words))
	}
	if set.many > 0 {
		if err := manyTable(&b, rs); err != nil {
			return nil, err
		}
	}
	files[page] = b.Bytes()
	return files, nil
}

func header(b *bytes.Buffer, m measured, set settings) {
	b.WriteString("# Benchmarks\n\n")
	b.WriteString(wrap("Each figure is the median of "+runs(set.count)+". All libraries run in each round, one after the other for the same work, "+
		"which begins with another one in each round where they share a process. Each is driven by what is fastest with it; "+
		"bhojpur and coder with a context that can be canceled. "+
		"Compare figures of one row; those of another machine differ. The goals are our own.") + "\n\n")
	fmt.Fprintf(b, "| | |\n|---|---|\n| machine | %s, %d cores, %s |\n| system | %s, Linux %s |\n| Go | %s |\n",
		m.CPU, m.Cores, m.Memory, m.OS, m.Kernel, m.Go)
	for _, l := range m.libraries {
		fmt.Fprintf(b, "| %s | %s %s |\n", l.name, l.module, l.version)
	}
	fmt.Fprintf(b, "| date | %s |\n| command | `make bench`, which is `go run ./bench/report` in internal/thirdparty |\n", m.Date)
}

func runs(n int) string {
	if n == 1 {
		return "one run"
	}
	return fmt.Sprintf("%d runs", n)
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
	var names []string
	for _, name := range order {
		if found[name] {
			names = append(names, name)
			delete(found, name)
		}
	}
	return append(names, slices.Sorted(maps.Keys(found))...)
}

// table writes the medians of unit, and the goals that are about it.
func table(b *bytes.Buffer, rs bench.Results, g bench.Group, unit string) error {
	names := columns(rs, g, unit)
	fmt.Fprintf(b, "| %s | %s | ours ÷ best | goal | |\n|---|%s---:|---|---|\n", unit, strings.Join(names, " | "), strings.Repeat("---:|", len(names)))
	for _, row := range g.Rows {
		fmt.Fprintf(b, "| %s |", row.What)
		for _, name := range names {
			cell := ""
			if v, ok := rs.Median(row.Name, name, unit); ok {
				cell = bench.Count(v)
			}
			if name == bench.Ours {
				cell = "**" + cell + "**"
			}
			fmt.Fprintf(b, " %s |", cell)
		}
		goal, met, err := verdict(rs, row, unit)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, " %s | %s | %s |\n", ratio(rs, row.Name, unit), goal, met)
	}
	return nil
}

// ratio returns ours divided by the best peer's, and which that is.
func ratio(rs bench.Results, row, unit string) string {
	ours, ok := rs.Median(row, bench.Ours, unit)
	library, best, found := rs.BestPeer(row, unit)
	counted := unit == "allocs/op" || unit == "calls/op" // what a ratio says nothing of
	if !ok || !found || counted || best == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f (%s)", ours/best, library)
}

// verdict returns the goals of row about unit, and whether they are met.
func verdict(rs bench.Results, row bench.Row, unit string) (goals, met string, err error) {
	for _, goal := range row.Goals {
		if goal.Unit != unit {
			continue
		}
		ok, err := goal.Met(rs, row.Name)
		if err != nil {
			return "", "", err
		}
		goals, met = goal.String(), "met"
		if !ok {
			met = "**not met**"
		}
	}
	return goals, met, nil
}

// manyUnits are the columns about very many connections, where they are measured.
var manyUnits = []struct{ unit, what string }{
	{"conns", "connections"},
	{"answered", "answered"},
	{"rss-B/total", "resident bytes of all servers"},
	{"rss-B/conn", "resident for each"},
	{"pss-B/conn", "proportional share"},
	{"heap-B/conn", "heap"},
	{"stack-B/conn", "stack"},
	{"open-s", "opened in s"},
	{"echo-s", "answered in s"},
}

// manyTable writes what the lines about very many connections say.
func manyTable(b *bytes.Buffer, rs bench.Results) error {
	b.WriteString("\n## Very many connections\n\n|")
	for _, u := range manyUnits {
		fmt.Fprintf(b, " | %s", u.what)
	}
	fmt.Fprintf(b, " |\n|---|%s\n", strings.Repeat("---:|", len(manyUnits)))
	written := false
	for _, row := range slices.Sorted(maps.Keys(rs)) {
		if !strings.HasPrefix(row, "Many/") {
			continue
		}
		fmt.Fprintf(b, "| %s |", strings.TrimPrefix(row, "Many/"))
		for _, u := range manyUnits {
			v, ok := rs.Median(row, bench.Ours, u.unit)
			if !ok {
				return fmt.Errorf("%s has no %s", row, u.unit)
			}
			fmt.Fprintf(b, " %s |", bench.Count(v))
		}
		b.WriteString("\n")
		written = true
	}
	if !written {
		return fmt.Errorf("results about very many connections are missing")
	}
	b.WriteString("\n" + wrap("All of them are open at once on this machine, to several server processes on several loopback addresses, "+
		"and all answer an echo afterwards. The command is `go run ./idle -many` in internal/thirdparty.") + "\n")
	return nil
}

// wrap breaks s into lines.
func wrap(s string) string {
	const width = 80
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
