package browser

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// table is the test with the same subtests on all platforms.
const table = "TestBehaviour"

// nativeOnly are the tests of the table that pass only natively, with the reasons.
var nativeOnly = map[string]string{
	table + "/native/MaxUnread_is_ignored":       "a browser honours MaxUnread, since it can't make a peer wait",
	table + "/native/no_subprotocol_is_selected": "a browser fails such a connection (WHATWG WebSockets, section 3.1)",
}

// browserOnly are those that pass only with JavaScript, with the reasons.
var browserOnly = map[string]string{
	table + "/browser/relative_URL":                     "outside of a browser a URL cannot be relative to a page",
	table + "/browser/password_in_the_URL":              "natively the error is net/http's, and the address an IP address",
	table + "/browser/options_of_others_are_ignored":    "natively they are honoured",
	table + "/browser/liveness_options_are_ignored":     "natively they are honoured",
	table + "/browser/no_subprotocol_is_selected":       "natively the connection is made, without a subprotocol",
	table + "/browser/subprotocol_offered_twice":        "natively it is the server's affair",
	table + "/browser/MaxUnread":                        "natively it is ignored",
	table + "/browser/MaxUnread_by_default":             "natively it is ignored",
	table + "/browser/no_MaxUnread":                     "natively it is ignored",
	table + "/browser/MaxUnread_and_one_message":        "natively it is ignored",
	table + "/browser/read_limit_raised_on_arrival":     "natively nothing arrives before it is read",
	table + "/browser/write_after_the_end":              "natively the end is behind the messages",
	table + "/browser/write_leaves_the_connection_open": "natively a part of the message may have been sent",
}

// passed are the names of tests that passed.
type passed map[string]bool

var passLine = regexp.MustCompile(`(?m)^\s*--- PASS: (\S+) \(`)

// parsePassed returns the names in the output of tests with -test.v.
func parsePassed(output string) passed {
	p := make(passed)
	for _, match := range passLine.FindAllStringSubmatch(output, -1) {
		p[match[1]] = true
	}
	return p
}

// ofTable returns the names of the table's tests.
func (p passed) ofTable() passed {
	of := make(passed)
	for name := range p {
		if strings.HasPrefix(name, table+"/") {
			of[name] = true
		}
	}
	return of
}

// differences describes the differences between the tests that passed in an environment
// and those that passed natively, except for the listed ones. Listed tests must exist.
func differences(native, there passed, nativeOnly, browserOnly map[string]string) []string {
	var diffs []string
	for name := range native {
		if !there[name] && nativeOnly[name] == "" {
			diffs = append(diffs, name+" passed only natively")
		}
	}
	for name := range there {
		if !native[name] && browserOnly[name] == "" {
			diffs = append(diffs, name+" did not pass natively")
		}
	}
	for name := range nativeOnly {
		if !native[name] || there[name] {
			diffs = append(diffs, name+" is not native only")
		}
	}
	for name := range browserOnly {
		if native[name] || !there[name] {
			diffs = append(diffs, name+" is not for browsers only")
		}
	}
	slices.Sort(diffs)
	return diffs
}

func TestDifferences(t *testing.T) {
	names := func(names ...string) passed {
		p := make(passed)
		for _, name := range names {
			p[name] = true
		}
		return p
	}
	nativeOnly, browserOnly := map[string]string{"n": "why"}, map[string]string{"b": "why"}
	for name, tt := range map[string]struct {
		native, there passed
		diffs         int
	}{
		"same":                 {names("1", "2", "n"), names("1", "2", "b"), 0},
		"fails there":          {names("1", "2", "n"), names("1", "b"), 1},
		"fails natively":       {names("1", "n"), names("1", "2", "b"), 1},
		"listed, but nowhere":  {names("1"), names("1"), 2},
		"listed, but anywhere": {names("1", "n", "b"), names("1", "n", "b"), 2},
	} {
		if got := differences(tt.native, tt.there, nativeOnly, browserOnly); len(got) != tt.diffs {
			t.Errorf("%s: got %q, want %d differences", name, got, tt.diffs)
		}
	}
}

func TestParsePassed(t *testing.T) {
	const output = "=== RUN   TestBehaviour\n    a_test.go:1: logged\n--- PASS: TestBehaviour (0.10s)\n" +
		"    --- PASS: TestBehaviour/read/a_limit (0.00s)\n        --- FAIL: TestBehaviour/read/a_limit/Read (0.00s)\n" +
		"--- PASS: TestOther (0.00s)\nPASS\n"
	got := parsePassed(output)
	if len(got) != 3 || !got["TestBehaviour/read/a_limit"] || !got["TestOther"] {
		t.Errorf("got %v", got)
	}
	if of := got.ofTable(); len(of) != 1 || !of["TestBehaviour/read/a_limit"] {
		t.Errorf("got %v of the table", of)
	}
}
