package autobahn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// indexView is the data of index.html.
type indexView struct {
	pageFrame
	Title, Lead string
	Written     time.Time
	Agents      []agentView
	Groups      []groupView
	Filters     []filterView
}

type agentView struct {
	Name             string
	Role             Role
	Ran, All, Passed int
	Missing          int
	Shares           shares
	Behavior         []verdictCount
	Closing          []verdictCount
}

type verdictCount struct {
	Verdict Verdict
	Grade   grade
	N       int
}

// shares are the results of one agent in a group, or in all groups.
type shares struct {
	Passed, Ran int
	Parts       []gradeCount
}

// Whole reports whether all cases that ran have passed.
func (s shares) Whole() bool { return s.Ran > 0 && s.Passed == s.Ran }

type gradeCount struct {
	Grade grade
	N     int
}

// groupView is a group with its sections: groups with longer IDs, such as 1.1.
type groupView struct {
	ID, Title string
	Shares    []shares // by agent
	Sections  []sectionView
}

type sectionView struct {
	ID, Title string // empty title: of the group itself
	Columns   int
	Rows      []rowView
}

type rowView struct {
	ID, Description string
	Grades          string      // grades of its cells, and notPassed
	Cells           []*cellView // by agent; nil: not run
}

type cellView struct {
	File                        string
	Behavior, Closing           Verdict
	BehaviorGrade, ClosingGrade grade
	Why, WhyClosing             string
	Time                        string
}

type filterView struct {
	Value, Label string
	N            int
}

// indexPage renders index.html.
func indexPage(cases []*Case, agents []AgentResults) ([]byte, error) {
	view := indexView{
		pageFrame: indexFrame,
		Title:     "WebSocket conformance report",
		Written:   time.Now().UTC(),
		Lead:      fmt.Sprintf("%s, %s.", counted(len(agents), "implementation"), counted(len(cases), "case")),
		Groups:    newGroupViews(cases, agents),
	}
	for _, a := range agents {
		view.Agents = append(view.Agents, newAgentView(a, len(cases)))
	}
	view.Filters = newFilters(view.Groups, len(cases))
	return executePage("index.html", view)
}

// counted formats a number of things.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func newAgentView(a AgentResults, all int) agentView {
	v := agentView{Name: a.Agent, Role: a.Role, Ran: len(a.Results), All: all, Shares: sharesOf(a.Results)}
	v.Passed, v.Missing = v.Shares.Passed, all-v.Ran
	v.Behavior = countVerdicts(a.Results, func(r *Result) Verdict { return r.Behavior })
	v.Closing = countVerdicts(a.Results, func(r *Result) Verdict { return r.BehaviorClose })
	return v
}

// verdicts are all verdicts, best first.
var verdicts = []Verdict{OK, Informational, Unimplemented, NonStrict, WrongCode, FailedByClient, Unclean, Failed}

// countVerdicts counts one of the two verdicts of results, best first.
func countVerdicts(results []*Result, of func(*Result) Verdict) []verdictCount {
	count := make(map[Verdict]int)
	for _, res := range results {
		count[of(res)]++
	}
	var counts []verdictCount
	for _, v := range verdicts {
		if count[v] > 0 {
			counts = append(counts, verdictCount{v, gradeOf(v), count[v]})
		}
	}
	return counts
}

func sharesOf(results []*Result) shares {
	s := shares{Ran: len(results)}
	count := make(map[grade]int)
	for _, res := range results {
		count[res.grade()]++
		if res.Passed() {
			s.Passed++
		}
	}
	for _, g := range grades {
		if count[g] > 0 {
			s.Parts = append(s.Parts, gradeCount{g, count[g]})
		}
	}
	return s
}

// newGroupViews sorts the cases into groups and sections.
func newGroupViews(cases []*Case, agents []AgentResults) []groupView {
	titles := make(map[string]string)
	for _, g := range Groups() {
		titles[g.ID] = g.Title
	}
	byCase := make([]map[string]*Result, len(agents))
	for i, a := range agents {
		byCase[i] = make(map[string]*Result)
		for _, res := range a.Results {
			byCase[i][res.Case.ID] = res
		}
	}
	var groups []groupView
	for _, cs := range cases {
		id := groupOf(cs)
		if len(groups) == 0 || groups[len(groups)-1].ID != id {
			groups = append(groups, groupView{ID: id, Title: titles[id], Shares: groupShares(id, agents)})
		}
		group := &groups[len(groups)-1]
		section := cs.Group()
		if len(group.Sections) == 0 || group.Sections[len(group.Sections)-1].ID != section {
			s := sectionView{ID: section, Columns: 1 + len(agents)}
			if section != id {
				s.Title = titles[section]
			}
			group.Sections = append(group.Sections, s)
		}
		rows := &group.Sections[len(group.Sections)-1].Rows
		*rows = append(*rows, newRow(cs, agents, byCase))
	}
	return groups
}

// groupOf returns the ID of the outermost group of a case.
func groupOf(cs *Case) string {
	id, _, _ := strings.Cut(cs.ID, ".")
	return id
}

// groupShares returns each agent's shares of a group.
func groupShares(id string, agents []AgentResults) []shares {
	var all []shares
	for _, a := range agents {
		all = append(all, sharesOf(slices.DeleteFunc(slices.Clone(a.Results), func(res *Result) bool {
			return groupOf(res.Case) != id
		})))
	}
	return all
}

func newRow(cs *Case, agents []AgentResults, byCase []map[string]*Result) rowView {
	row := rowView{ID: cs.ID, Description: cs.Description}
	have := make(map[string]bool)
	for i, a := range agents {
		res := byCase[i][cs.ID]
		row.Cells = append(row.Cells, newCell(res, a.file))
		if res != nil {
			have[string(res.grade())] = true
			if !res.Passed() {
				have[notPassed] = true
			}
		}
	}
	row.Grades = strings.Join(slices.Sorted(maps.Keys(have)), " ")
	return row
}

// notPassed is the grade of rows with a result that did not pass.
const notPassed = "not-passed"

func newCell(res *Result, file string) *cellView {
	if res == nil {
		return nil
	}
	return &cellView{
		File:          file + caseFile(res.Case) + ".html",
		Behavior:      res.Behavior,
		Closing:       res.BehaviorClose,
		BehaviorGrade: gradeOf(res.Behavior),
		ClosingGrade:  gradeOf(res.BehaviorClose),
		Why:           res.Why,
		WhyClosing:    res.WhyClose,
		Time:          durationText(res.Duration),
	}
}

// newFilters returns the filters that match cases.
func newFilters(groups []groupView, all int) []filterView {
	count := make(map[string]int)
	for _, g := range groups {
		for _, s := range g.Sections {
			for _, row := range s.Rows {
				for _, word := range strings.Fields(row.Grades) {
					count[word]++
				}
			}
		}
	}
	filters := []filterView{
		{"all", "All", all},
		{notPassed, "Did not pass", count[notPassed]},
		{string(gradeFail), "Failed", count[string(gradeFail)]},
		{string(gradeStrict), "Non-strict", count[string(gradeStrict)]},
		{string(gradeUnimplemented), "Unimplemented", count[string(gradeUnimplemented)]},
		{string(gradeInfo), "Informational", count[string(gradeInfo)]},
	}
	// The first two remain in any case, even if they show that nothing failed.
	return slices.DeleteFunc(filters, func(f filterView) bool {
		return f.N == 0 && f.Value != "all" && f.Value != notPassed
	})
}
