package autobahn

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/bhojpur/api/internal/rawpeer"
)

// A fault is a possible behavior of an implementation, with the verdicts that it should
// get. Most are errors; unusual but correct behavior must pass.
type fault struct {
	name   string
	role   Role // the role that has it
	habits habits
	cases  string // the set of cases to run; "": light
	caught []catch
}

// A catch is a set of cases that detect a fault, with their verdicts. The last catch
// that contains a case applies to it. Cases in none must not detect the fault.
type catch struct {
	cases             string // a set
	behavior, closing Verdict
	role              Role // the role in which they detect it
}

// both is either role.
const both Role = ""

func (r Role) includes(role Role) bool { return r == both || r == role }

// but12And13 are the cases run for most faults, without the compression groups. The
// large cases of group 9 detect nothing that others do not.
const but12And13 = "* -12.* -13.* -9.* 9.1.1 9.2.1 9.7.1-2 9.8.2"

// TestFaults tests that each case detects the faults that it is designed for, and no
// others.
func TestFaults(t *testing.T) {
	for _, f := range slices.Concat(legalHabits, framingFaults, controlFaults, closingFaults, compressionFaults, openingFaults) {
		for _, role := range []Role{ServerRole, ClientRole} {
			if !f.role.includes(role) {
				continue
			}
			t.Run(f.name+"/"+string(role), func(t *testing.T) {
				t.Parallel()
				cases := casesIn(f.cases)
				if sampling {
					cases = f.sample(role, cases)
				}
				synctest.Test(t, func(t *testing.T) {
					f.check(t, role, meet(t, role, f.habits, cases))
				})
			})
		}
	}
}

// sample returns a part of the cases: of each catch, and of the cases in none, the first
// four and each eighth.
func (f fault) sample(role Role, cases []*Case) (some []*Case) {
	const uncaught = -1
	seen := make(map[int]int)
	for _, cs := range cases {
		var in []int
		for i, c := range f.caught {
			if c.role.includes(role) && inSet(c.cases, cs.ID) {
				in = append(in, i)
			}
		}
		if in == nil {
			in = []int{uncaught}
		}
		take := false
		for _, i := range in {
			take = take || seen[i] < 4 || seen[i]%8 == 0
			seen[i]++
		}
		if take {
			some = append(some, cs)
		}
	}
	return some
}

// check compares the results of cases with the expected ones.
func (f fault) check(t *testing.T, role Role, results []*Result) {
	t.Helper()
	used := make(map[string]bool)
	wrong := make(map[string][]string)
	for _, res := range results {
		behavior, closing := OK, OK
		for _, c := range f.caught {
			if c.role.includes(role) && inSet(c.cases, res.Case.ID) {
				behavior, closing = c.behavior, c.closing
				used[c.cases] = true
			}
		}
		if res.Case.Informational {
			behavior, closing = Informational, Informational
		}
		if res.Behavior != behavior || res.BehaviorClose != closing {
			verdicts := fmt.Sprintf("got %s, closing %s; want %s, closing %s", res.Behavior, res.BehaviorClose, behavior, closing)
			if wrong[verdicts] == nil {
				t.Errorf("%s: %v", verdicts, res)
			}
			wrong[verdicts] = append(wrong[verdicts], res.Case.ID)
		}
	}
	for verdicts, ids := range wrong {
		t.Errorf("%s: cases %s", verdicts, strings.Join(ids, " "))
	}
	for _, c := range f.caught {
		if c.role.includes(role) && !used[c.cases] {
			t.Errorf("no case is in %q", c.cases)
		}
	}
}

// meet runs cases with a peer, one after the other, and returns the results.
func meet(t *testing.T, role Role, h habits, cases []*Case) []*Result {
	if role == ServerRole {
		return meetServer(t, h, cases)
	}
	return meetClient(t, h, cases)
}

// meetServer runs cases against a server.
func meetServer(t *testing.T, h habits, cases []*Case) []*Result {
	n := rawpeer.Listen(nil)
	var peers sync.WaitGroup
	peers.Go(func() {
		for {
			conn, err := n.Accept()
			if err != nil {
				return
			}
			peers.Go((&echoPeer{habits: h, role: ServerRole, conn: conn}).serve)
		}
	})
	client := &Client{URL: rawpeer.URL, Agent: "peer", Dial: n.Dial}
	var results []*Result
	for _, cs := range cases {
		results = append(results, client.Run(t.Context(), cs))
	}
	n.Close()
	peers.Wait()
	return results
}

// meetClient runs cases with a client.
func meetClient(t *testing.T, h habits, cases []*Case) []*Result {
	n := rawpeer.Listen(nil)
	found := make(chan *Result, 1)
	server := &Server{Cases: cases, OnResult: func(res *Result) { found <- res }}
	serving := rawpeer.GoErr(t, func() error { return server.Serve(n) })
	var results []*Result
	for i := range cases {
		conn, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		peer := &echoPeer{habits: h, role: ClientRole, conn: conn}
		peer.path = fmt.Sprintf("/runCase?case=%d&agent=peer", i+1)
		peer.serve()
		results = append(results, <-found)
	}
	n.Close()
	if err := serving.Err(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("serving: %v", err)
	}
	return results
}
