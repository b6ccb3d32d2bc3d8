package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// caption describes the run and the machine.
func (o *outcome) caption() []string {
	t := o.totals()
	var kinds []string
	for _, kind := range slices.SortedFunc(maps.Keys(o.ends), func(a, b string) int {
		return cmp.Or(o.ends[b]-o.ends[a], strings.Compare(a, b))
	}) {
		kinds = append(kinds, fmt.Sprintf("%s: %s", kind, thousands(int64(o.ends[kind]))))
	}
	var judged []string
	for _, v := range o.verdicts {
		judged = append(judged, fmt.Sprintf("%s %s → %s (+%s allowed)", v.name, v.show(v.before), v.show(v.then), v.show(v.allowed)))
	}
	flat, returned := judged[:len(quantities)], judged[len(quantities):]
	m := o.machine
	var lines []string
	for _, paragraph := range []string{
		"From the second quarter to the last: " + strings.Join(flat, ", ") + ".",
		"Before the first connection and after the last: " + strings.Join(returned, ", ") + ".",
		fmt.Sprintf("%s connections; %s messages and %s MiB sent, %s and %s MiB received; %s visits were completed, %s were interrupted by the end of the run, %s failed. %s",
			thousands(t.connections), thousands(t.sent), thousands(t.out/mib), thousands(t.received), thousands(t.in/mib),
			thousands(t.done), thousands(t.interrupted), thousands(t.failed), o.load()),
		"How connections ended, as the server sees it – " + strings.Join(kinds, "; ") + ".",
		fmt.Sprintf("%s, %d cores, %s; %s, Linux %s; %s; %s.", m.CPU, m.Cores, m.Memory, m.OS, m.Kernel, m.Go, m.Date),
		o.set.command,
	} {
		lines = append(lines, wrapped(paragraph, captionWidth)...)
	}
	return lines
}

// wrapped breaks s into lines of at most n characters, between words.
func wrapped(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > n:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// thousands writes n with commas.
func thousands(n int64) string { return bench.Count(float64(n)) }
