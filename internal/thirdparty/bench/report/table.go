package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// table is the table of a machine.
type table struct {
	rs     bench.Results
	cpu    string
	groups []bench.Group // those that were measured
	names  []string      // of the libraries' columns
	missed []string      // goals that are not met, with their causes
}

func newTable(rs bench.Results, cpu string, groups []bench.Group) *table {
	t := &table{rs: rs, cpu: cpu}
	found := map[string]bool{}
	for _, g := range groups {
		if !rs.Has(g) {
			continue
		}
		t.groups = append(t.groups, g)
		for _, unit := range g.Units {
			for _, name := range columns(rs, g, unit) {
				found[name] = true
			}
		}
	}
	t.names = ordered(found)
	return t
}

func (t *table) write(b *bytes.Buffer) {
	b.WriteString("| | unit |")
	for _, name := range t.names {
		fmt.Fprintf(b, " %s |", strings.TrimPrefix(name, bench.Ours+"-"))
	}
	fmt.Fprintf(b, " ours ÷ best | spread | wanted | allocs |\n|---|---|%s---:|---:|---|---|\n", strings.Repeat("---:|", len(t.names)))
	for _, g := range t.groups {
		fmt.Fprintf(b, "| **%s** |%s\n", g.Title, strings.Repeat(" |", len(t.names)+5))
		for _, row := range g.Rows {
			for i, unit := range g.UnitsOf(row) {
				if unit != "allocs/op" {
					t.line(b, row, unit, i == 0)
				}
			}
		}
	}
	if len(t.missed) > 0 {
		b.WriteString("\nNot met:\n\n" + strings.Join(t.missed, ""))
	}
}

// line writes the figures of row in unit. Allocations stand in a row's first line.
func (t *table) line(b *bytes.Buffer, row bench.Row, unit string, first bool) {
	ours, ok := t.rs.Median(row.Name, bench.Ours, unit)
	if !ok {
		return // of results that are older than the row
	}
	fmt.Fprintf(b, "| %s | %s |", row.What, unit)
	for _, name := range t.names {
		v, ok := t.rs.Median(row.Name, name, unit)
		switch {
		case !ok:
			b.WriteString(" |")
		case name == bench.Ours:
			fmt.Fprintf(b, " **%s** |", bench.Count(ours))
		default:
			fmt.Fprintf(b, " %s |", bench.Count(v))
		}
	}
	ratio, spread := t.ratio(row, unit)
	allocs := ""
	if first {
		allocs = t.allocs(row)
	}
	fmt.Fprintf(b, " %s | %s | %s | %s |\n", ratio, spread, t.goals(row, unit), allocs)
}

// ratio returns our figures as ratios to those of the best peer, or to those of the other
// column if the row has no peer, and the spread.
func (t *table) ratio(row bench.Row, unit string) (ratio, spread string) {
	c, ok := t.rs.Compare(row.Name, bench.Ours, bench.Best, unit)
	if !ok && len(row.Libraries) == 2 {
		c, ok = t.rs.Compare(row.Name, bench.Ours, row.Libraries[1], unit)
	}
	if !ok || unit == "calls/op" { // a ratio of which says nothing
		return "", ""
	}
	ratio = ratioOf(c, 1) + " (" + c.Of + ")"
	spread = spreadOf(c)
	if a, ok := t.rs.Compare(row.Name, bench.Append, c.Of, unit); ok {
		ratio += ", " + ratioOf(a, 1)
		spread += ", " + spreadOf(a)
	}
	return ratio, spread
}

func ratioOf(c bench.Comparison, from float64) string {
	s := fmt.Sprintf("%.2f", c.Ratio)
	if c.Unsure(from) {
		s += " " + unsure
	}
	return s
}

func spreadOf(c bench.Comparison) string {
	if c.Rounds < 2 {
		return "–"
	}
	return fmt.Sprintf("%.2f", c.Spread)
}

// goals returns the goals of row in unit with their verdicts, and notes those that are
// not met.
func (t *table) goals(row bench.Row, unit string) string {
	var texts []string
	for _, goal := range row.Goals {
		if goal.Unit != unit || !goal.For(t.cpu) {
			continue
		}
		v, err := goal.Verdict(t.rs, row.Name)
		if err != nil {
			continue // of results that are older than the goal
		}
		text := goal.String()
		if goal.Of == "" {
			ours, _ := t.rs.Median(row.Name, bench.Ours, unit)
			t.note(row, fmt.Sprintf("%s %s, wanted %s", bench.Count(ours), unit, goal), v)
			texts = append(texts, text+": "+verdictOf(v))
			continue
		}
		library := goal.Library
		if library == "" {
			library = bench.Ours
		}
		c, _ := t.rs.Compare(row.Name, library, goal.Of, unit)
		text += fmt.Sprintf(": %.2f", c.Ratio)
		t.note(row, text, v)
		texts = append(texts, text+", "+verdictOf(v))
	}
	return strings.Join(texts, "<br>")
}

func verdictOf(v bench.Verdict) string {
	s := "met"
	if !v.Met {
		s = "**not met**"
	}
	if v.Unsure {
		s += " " + unsure
	}
	return s
}

// note adds a goal that is not met to the list below the table.
func (t *table) note(row bench.Row, text string, v bench.Verdict) {
	if v.Met {
		return
	}
	line := "- " + t.title(row) + ", " + row.What + ": " + text + "."
	if v.Unsure {
		line += " The rounds do not agree about it."
	}
	if row.Limit != "" {
		line += " " + row.Limit
	}
	t.missed = append(t.missed, line+"\n")
}

// title returns the title of the group with row.
func (t *table) title(row bench.Row) string {
	for _, g := range t.groups {
		if slices.ContainsFunc(g.Rows, func(r bench.Row) bool { return r.Name == row.Name }) {
			return g.Title
		}
	}
	return ""
}

// allocs returns our allocations in row, the smallest of a peer, and the goal if it is
// not met.
func (t *table) allocs(row bench.Row) string {
	const unit = "allocs/op"
	ours, ok := t.rs.Median(row.Name, bench.Ours, unit)
	if !ok {
		return ""
	}
	s := "**" + bench.Count(ours) + "**"
	if library, v, ok := t.rs.BestPeer(row.Name, unit); ok {
		s += fmt.Sprintf(", %s (%s)", bench.Count(v), library)
	}
	for _, goal := range row.Goals {
		if goal.Unit != unit {
			continue
		}
		if v, err := goal.Verdict(t.rs, row.Name); err == nil && !v.Met {
			s += fmt.Sprintf(", wanted %s: **not met**", goal)
			row.Limit = "" // it is of the time
			t.note(row, fmt.Sprintf("%s allocations, wanted %s", bench.Count(ours), goal), v)
		}
	}
	return s
}

// manyUnits are the columns about very many connections, where they are measured.
var manyUnits = []struct{ unit, what string }{
	{"conns", "connections"},
	{"answered", "answered"},
	{"rss-B/total", "resident bytes of all processes"},
	{"rss-B/conn", "resident for each"},
	{"pss-B/conn", "proportional share"},
	{"heap-B/conn", "heap"},
	{"stack-B/conn", "stack"},
	{"open-s", "opened in s"},
	{"echo-s", "answered in s"},
}

// manyRows returns the rows about very many connections.
func manyRows(rs bench.Results) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(rs)), func(row string) bool { return !strings.HasPrefix(row, "Many") })
}

// checkMany returns an error if a figure about very many connections is missing.
func checkMany(rs bench.Results) error {
	rows := manyRows(rs)
	if len(rows) == 0 {
		return fmt.Errorf("results about very many connections are missing")
	}
	for _, row := range rows {
		for library := range rs[row] {
			for _, u := range manyUnits {
				if _, ok := rs.Median(row, library, u.unit); !ok {
					return fmt.Errorf("%s/%s has no %s", row, library, u.unit)
				}
			}
		}
	}
	return nil
}

// manyTable writes the lines about very many connections, if there are any.
func manyTable(b *bytes.Buffer, rs bench.Results) {
	rows := manyRows(rs)
	if len(rows) == 0 {
		return
	}
	b.WriteString("\nVery many connections, all open at once to several addresses of the loopback interface; each answers an echo afterwards. " +
		"Servers (handler, returned) are several processes, the clients of a library (dialed) are one.\n\n|")
	for _, u := range manyUnits {
		fmt.Fprintf(b, " | %s", u.what)
	}
	fmt.Fprintf(b, " |\n|---|%s\n", strings.Repeat("---:|", len(manyUnits)))
	for _, row := range rows {
		_, what, _ := strings.Cut(row, "/")
		for _, library := range ordered(libraries(rs[row])) {
			fmt.Fprintf(b, "| %s, %s |", what, library)
			for _, u := range manyUnits {
				v, _ := rs.Median(row, library, u.unit)
				fmt.Fprintf(b, " %s |", bench.Count(v))
			}
			b.WriteString("\n")
		}
	}
}

func libraries(of map[string]map[string][]float64) map[string]bool {
	names := map[string]bool{}
	for name := range of {
		names[name] = true
	}
	return names
}
