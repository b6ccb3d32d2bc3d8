package autobahn

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Where reports go when nobody says otherwise: the original suite's folders, for
// tests of servers and of clients.
const (
	ServersDir = "./reports/servers"
	ClientsDir = "./reports/clients"
)

// A Spec says what to test, in the form of the original suite's spec files. One
// that is for a fuzzing client has Servers, one for a fuzzing server has URL.
type Spec struct {
	OutDir  string   `json:"outdir"`  // of the reports
	Servers []Target `json:"servers"` // to be tested
	URL     string   `json:"url"`     // to listen at, as ws://127.0.0.1:9001

	// Patterns of cases: ids, in which * stands for any characters. A * selects
	// the cases of the original suite; those of [W] are selected by patterns that
	// begin with W.
	Cases   []string `json:"cases"`
	Exclude []string `json:"exclude-cases"`

	// ExcludeForAgents has patterns of cases under patterns of agents' names.
	ExcludeForAgents map[string][]string `json:"exclude-agent-cases"`
}

// A Target is a server to be tested.
type Target struct {
	Agent string `json:"agent"` // a name for it
	URL   string `json:"url"`
}

// ReadSpec reads a spec file. It ignores fields that it does not know: such files
// have settings of the original's that are not for the cases. What a file lacks
// is left at its zero value, but for the cases, which are all then, and the
// names of servers, which are their addresses then.
func ReadSpec(file string) (*Spec, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var s Spec
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(s.Cases) == 0 {
		s.Cases = []string{"*"}
	}
	for i := range s.Servers {
		target := &s.Servers[i]
		if target.Agent != "" {
			continue
		}
		u, err := url.Parse(target.URL)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		target.Agent = u.Host
	}
	return &s, nil
}

// Select returns the cases that the spec selects, in the suite's order. A pattern
// that matches no case is an error, and so is a spec that selects none.
func (s *Spec) Select() ([]*Case, error) {
	excluded, err := Select(slices.Concat(Cases(), W()), s.Exclude, nil)
	if err != nil {
		return nil, err
	}
	var originals, ours []string
	for _, pattern := range s.Cases {
		if strings.HasPrefix(pattern, "W") {
			ours = append(ours, pattern)
		} else {
			originals = append(originals, pattern)
		}
	}
	selected, err := Select(Cases(), originals, nil)
	if err != nil {
		return nil, err
	}
	beside, err := Select(W(), ours, nil)
	if err != nil {
		return nil, err
	}
	selected = slices.DeleteFunc(append(selected, beside...), func(cs *Case) bool {
		return slices.ContainsFunc(excluded, func(e *Case) bool { return e.ID == cs.ID })
	})
	if len(selected) == 0 {
		return nil, errors.New("no case is selected")
	}
	return selected, nil
}

// Skips reports whether an agent does not run a case, by ExcludeForAgents. It is
// for [Server].
func (s *Spec) Skips(agent string, cs *Case) bool {
	for agents, patterns := range s.ExcludeForAgents {
		if fits(agents, agent) && slices.ContainsFunc(patterns, func(pattern string) bool {
			return fits(pattern, cs.ID)
		}) {
			return true
		}
	}
	return false
}

// fits reports whether a name fits a pattern, in which * stands for any characters.
func fits(pattern, name string) bool {
	expr := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile("^(?s:" + expr + ")$").MatchString(name)
}
