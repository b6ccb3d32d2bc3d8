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

// Default folders of reports, the same as in the original suite, for tests of servers
// and of clients.
const (
	ServersDir = "./reports/servers"
	ClientsDir = "./reports/clients"
)

// A Spec describes a run, in the form of the original suite's spec files. A spec for a
// fuzzing client has Servers, one for a fuzzing server has URL.
type Spec struct {
	OutDir  string   `json:"outdir"`  // of the reports
	Servers []Target `json:"servers"` // to test
	URL     string   `json:"url"`     // to listen at, for example ws://127.0.0.1:9001

	// Patterns of case IDs, in which * matches any characters. A * selects the cases of
	// the original suite; patterns that begin with W select those of [W].
	Cases   []string `json:"cases"`
	Exclude []string `json:"exclude-cases"`

	// ExcludeForAgents has patterns of cases by patterns of agents' names.
	ExcludeForAgents map[string][]string `json:"exclude-agent-cases"`
}

// A Target is a server to be tested.
type Target struct {
	Agent string `json:"agent"` // its name
	URL   string `json:"url"`
}

// ReadSpec reads a spec file. It ignores unknown fields: such files have settings of
// the original suite that do not concern the cases. Missing fields have their zero
// value, except that the default for Cases is all, and that for the name of a server
// its address.
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

// Select returns the cases that the spec selects, in the suite's order. A pattern that
// matches no case is an error, and so is a spec that selects none.
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

// Skips reports whether an agent skips a case, by ExcludeForAgents. It is for [Server].
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

// fits reports whether a name matches a pattern, in which * matches any characters.
func fits(pattern, name string) bool {
	expr := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile("^(?s:" + expr + ")$").MatchString(name)
}
