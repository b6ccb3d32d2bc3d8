package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bhojpur/api/internal/autobahn"
)

var roles = []autobahn.Role{autobahn.ServerRole, autobahn.ClientRole}

// results are the results of all cases.
type results struct {
	mu sync.Mutex
	by map[subject]map[string]outcome // and the case's ID
}

// subject is a peer in a role.
type subject struct {
	peer string
	role autobahn.Role
}

func newResults() *results {
	r := &results{by: make(map[subject]map[string]outcome)}
	for _, p := range peers {
		for _, role := range roles {
			r.by[subject{p.name, role}] = make(map[string]outcome)
		}
	}
	return r
}

func (r *results) add(out outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by[subject{out.Agent, out.Role}][out.Case.ID] = out
}

// missing returns the number of cases that were not run.
func (r *results) missing() int {
	n := 0
	for _, ran := range r.by {
		n += len(autobahn.Cases()) + len(autobahn.W()) - len(ran)
	}
	return n
}

// aspect is one of a result's two verdicts.
type aspect func(outcome) autobahn.Verdict

func behavior(out outcome) autobahn.Verdict { return out.Behavior }
func closing(out outcome) autobahn.Verdict  { return out.BehaviorClose }

// verdicts are in the order of the tables.
var verdicts = []autobahn.Verdict{
	autobahn.OK,
	autobahn.NonStrict,
	autobahn.Informational,
	autobahn.Unimplemented,
	autobahn.Failed,
	autobahn.Unclean,
	autobahn.WrongCode,
	autobahn.FailedByClient,
}

// with returns those of cases that have a verdict.
func (r *results) with(v autobahn.Verdict, s subject, of aspect, cases []*autobahn.Case) []*autobahn.Case {
	var found []*autobahn.Case
	for _, cs := range cases {
		if of(r.by[s][cs.ID]) == v {
			found = append(found, cs)
		}
	}
	return found
}

// count returns the verdicts of cases with their numbers, for example "70 OK, 75
// FAILED".
func (r *results) count(s subject, of aspect, cases []*autobahn.Case) string {
	var counts []string
	for _, v := range verdicts {
		if n := len(r.with(v, s, of, cases)); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(counts, ", ")
}

// defects returns the cases that are not OK, by verdict, or "".
func (r *results) defects(s subject) string {
	cases := autobahn.Cases()
	var lists []string
	for _, v := range verdicts[1:] {
		if v == autobahn.Informational {
			continue
		}
		if found := r.with(v, s, behavior, cases); len(found) > 0 {
			lists = append(lists, fmt.Sprintf("%s: %s", v, ids(found, cases)))
		}
	}
	for _, v := range verdicts[1:] {
		if v == autobahn.Informational {
			continue
		}
		if found := r.with(v, s, closing, cases); len(found) > 0 {
			lists = append(lists, fmt.Sprintf("closing %s: %s", v, ids(found, cases)))
		}
	}
	return strings.Join(lists, "; ")
}

// ids abbreviates some of all cases: a whole group as 13.3.*, a range as 6.4.1 to
// 6.4.4.
func ids(some, all []*autobahn.Case) string {
	inGroup := make(map[string]int)
	for _, cs := range all {
		inGroup[cs.Group()]++
	}
	var names []string
	for len(some) > 0 {
		first, n := some[0], 1
		at := slices.Index(all, first)
		for n < len(some) && some[n] == all[at+n] && some[n].Group() == first.Group() {
			n++
		}
		switch {
		case n == inGroup[first.Group()] && n > 1:
			names = append(names, first.Group()+".*")
		case n > 2:
			names = append(names, first.ID+" to "+some[n-1].ID)
		default:
			for _, cs := range some[:n] {
				names = append(names, cs.ID)
			}
		}
		some = some[n:]
	}
	return strings.Join(names, ", ")
}
