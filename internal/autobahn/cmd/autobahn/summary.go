package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/bhojpur/api/internal/autobahn"
)

// verdicts are all verdicts, best first.
var verdicts = []autobahn.Verdict{
	autobahn.OK, autobahn.Informational, autobahn.Unimplemented, autobahn.NonStrict,
	autobahn.WrongCode, autobahn.FailedByClient, autobahn.Unclean, autobahn.Failed,
}

// summarize prints the results of all agents, and reports whether no case has failed.
func summarize(w io.Writer, report *autobahn.Report, cases int) bool {
	ok := true
	agents := report.Agents()
	if len(agents) == 0 {
		fmt.Fprintln(w, "no case has run")
	}
	for _, agent := range agents {
		fmt.Fprintf(w, "%s, a %s: %s\n", printable(agent.Agent), agent.Role, ranText(len(agent.Results), cases))
		fmt.Fprintf(w, "  behavior  %s\n", countText(agent.Results, func(r *autobahn.Result) autobahn.Verdict { return r.Behavior }))
		fmt.Fprintf(w, "  closing   %s\n", countText(agent.Results, func(r *autobahn.Result) autobahn.Verdict { return r.BehaviorClose }))
		listNotPassed(w, agent.Results)
		for _, res := range agent.Results {
			ok = ok && !res.Fails()
		}
	}
	fmt.Fprintf(w, "Report: %s\n", report.Index())
	return ok
}

func ranText(ran, cases int) string {
	if ran == cases {
		return fmt.Sprintf("%d cases", cases)
	}
	return fmt.Sprintf("%d of %d cases", ran, cases)
}

func countText(results []*autobahn.Result, of func(*autobahn.Result) autobahn.Verdict) string {
	count := make(map[autobahn.Verdict]int)
	for _, res := range results {
		count[of(res)]++
	}
	var parts []string
	for _, v := range verdicts {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", v, count[v]))
		}
	}
	return strings.Join(parts, "  ")
}

// listNotPassed prints the cases that have not passed, and why: those with the same
// outcome together, in the order of the first.
func listNotPassed(w io.Writer, results []*autobahn.Result) {
	alike := make(map[string]map[string]bool) // IDs by outcome
	var outcomes []string
	for _, res := range results {
		if res.Passed() {
			continue
		}
		text := printable(outcome(res))
		if alike[text] == nil {
			alike[text] = make(map[string]bool)
			outcomes = append(outcomes, text)
		}
		alike[text][res.Case.ID] = true
	}
	if len(outcomes) == 0 {
		return
	}
	fmt.Fprintln(w, "  did not pass:")
	for _, text := range outcomes {
		fmt.Fprintf(w, "    %s\n", text)
		wrap(w, "      ", abbreviate(results, alike[text]))
	}
}

// abbreviate returns the IDs of results. If all cases of a group are among them, it
// returns a pattern in their place.
func abbreviate(results []*autobahn.Result, among map[string]bool) []string {
	size, in := make(map[string]int), make(map[string]int) // of groups
	for _, res := range results {
		for _, group := range groupsOf(res.Case.ID) {
			size[group]++
			if among[res.Case.ID] {
				in[group]++
			}
		}
	}
	var ids []string
	listed := make(map[string]bool)
	for _, res := range results {
		id := res.Case.ID
		if !among[id] {
			continue
		}
		for _, group := range groupsOf(id) {
			if in[group] == size[group] && size[group] > 1 {
				id = group + ".*"
				break
			}
		}
		if !listed[id] {
			ids = append(ids, id)
			listed[id] = true
		}
	}
	return ids
}

// groupsOf returns the groups of a case, the largest first.
func groupsOf(id string) []string {
	var groups []string
	for i, c := range id {
		if c == '.' {
			groups = append(groups, id[:i])
		}
	}
	return groups
}

// wrap prints words in lines of lineLength.
func wrap(w io.Writer, indent string, words []string) {
	line := indent
	for _, word := range words {
		if len(line) > len(indent) && len(line)+len(word) > lineLength {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line = indent
		}
		line += word + " "
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}
