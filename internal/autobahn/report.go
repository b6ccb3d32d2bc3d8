package autobahn

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A Report is a folder with the results of a run: index.json and a JSON file for each
// case of each agent, in the format of the original suite, and the same as HTML pages,
// beginning with index.html. The pages need only a browser.
//
// Its methods may be called concurrently.
type Report struct {
	dir   string
	cases []*Case
	order map[string]int // of cases, by ID, from 0

	mu     sync.Mutex
	agents []*agentReport // in the order of their first result
	names  map[string]bool
	writes sync.Mutex // held while writing the index
}

// agentReport is the state of an agent in a Report.
type agentReport struct {
	name    string
	file    string             // prefix of the names of its files
	results map[string]*Result // by case, without the parts that only the case's files have
}

// AgentResults are the results of one agent, in the suite's order. They have no log, no
// handshake and no events.
type AgentResults struct {
	Agent   string
	Role    Role
	Results []*Result

	file string // prefix of the names of the agent's files
}

// NewReport creates a folder for the report of a run of cases. Add replaces files of an
// earlier run with the same agents; other files remain.
func NewReport(dir string, cases []*Case) (*Report, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	r := &Report{dir: dir, cases: cases, order: make(map[string]int), names: make(map[string]bool)}
	for i, cs := range cases {
		r.order[cs.ID] = i
	}
	return r, nil
}

// Index returns the path of the index page.
func (r *Report) Index() string { return filepath.Join(r.dir, "index.html") }

// Add writes the files of a result, replacing those of an earlier result of the same
// agent and case. It does not retain the result. A result of a case outside the run is
// an error.
func (r *Report) Add(res *Result) error {
	n, ok := r.order[res.Case.ID]
	if !ok {
		return fmt.Errorf("case %s is not one of the run's", res.Case.ID)
	}
	base := r.note(res) + caseFile(res.Case)
	text, err := caseJSON(res, n+1)
	if err != nil {
		return err
	}
	page, err := casePage(res, base)
	if err != nil {
		return err
	}
	return errors.Join(
		writeFile(filepath.Join(r.dir, base+".json"), text),
		writeFile(filepath.Join(r.dir, base+".html"), page),
	)
}

// note records a result for the index, and returns the prefix of the names of the
// agent's files.
func (r *Report) note(res *Result) string {
	brief := *res
	brief.Log, brief.Received, brief.Request, brief.Response = nil, nil, "", ""
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.agents, func(a *agentReport) bool { return a.name == res.Agent })
	if i < 0 {
		i = len(r.agents)
		r.agents = append(r.agents, &agentReport{
			name:    res.Agent,
			file:    r.fileNameLocked(res.Agent),
			results: make(map[string]*Result),
		})
	}
	r.agents[i].results[res.Case.ID] = &brief
	return r.agents[i].file
}

// maxFileName bounds the part of an agent's name in file names.
const maxFileName = 100

// fileNameLocked returns the prefix of the names of an agent's files: its name in the
// spelling of the original suite, with a number appended if another agent has the same
// prefix.
func (r *Report) fileNameLocked(agent string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return ' '
	}, strings.ToLower(agent))
	name = name[:min(len(name), maxFileName)]
	name = strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
	unique := cmp.Or(name, "agent")
	for n := 2; r.names[unique]; n++ {
		unique = fmt.Sprintf("%s_%d", cmp.Or(name, "agent"), n)
	}
	r.names[unique] = true
	return unique
}

// caseFile returns the end of the names of a case's files, without their extension.
func caseFile(cs *Case) string { return "_case_" + strings.ReplaceAll(cs.ID, ".", "_") }

// Agents returns the results added so far, with agents in the order of their first
// result.
func (r *Report) Agents() []AgentResults {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []AgentResults
	for _, a := range r.agents {
		one := AgentResults{Agent: a.name, file: a.file}
		for _, cs := range r.cases {
			if res := a.results[cs.ID]; res != nil {
				one.Role = res.Role
				one.Results = append(one.Results, res)
			}
		}
		all = append(all, one)
	}
	return all
}

// WriteIndex writes index.json and index.html, with the results added so far.
func (r *Report) WriteIndex() error {
	r.writes.Lock()
	defer r.writes.Unlock()
	agents := r.Agents()
	text, err := indexJSON(agents)
	if err != nil {
		return err
	}
	page, err := indexPage(r.cases, agents)
	if err != nil {
		return err
	}
	return errors.Join(
		writeFile(filepath.Join(r.dir, "index.json"), text),
		writeFile(r.Index(), page),
	)
}

// writeFile writes a file atomically: a reader sees the old or the new content.
func writeFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".writing-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Fails reports whether the case counts against the implementation. Unlike
// [Result.Passed], it accepts UNIMPLEMENTED.
func (r *Result) Fails() bool {
	switch r.Behavior {
	case OK, Informational, Unimplemented:
		return r.BehaviorClose != OK && r.BehaviorClose != Informational
	}
	return true
}
