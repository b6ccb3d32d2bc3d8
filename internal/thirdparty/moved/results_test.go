package moved

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// results are the results and the output of a program's tests.
type results struct {
	action map[string]string // pass, fail or skip
	output map[string]*bytes.Buffer
	rest   bytes.Buffer // output outside of tests
	failed bool         // go test failed
}

// runTests runs the tests of the prepared program in dir.
func runTests(t *testing.T, p *program, dir string) *results {
	t.Helper()
	args := []string{"test", "-json", "-count=1", "-vet=off", "-timeout=2m", "-tags=" + p.tags}
	if len(p.leaveOut) > 0 {
		args = append(args, "-skip="+pattern(p.leaveOut))
	}
	if p.run != "" {
		args = append(args, "-run="+p.run)
	}
	cmd := goCommand(t, dir, append(args, p.packages...)...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	_, failed := err.(*exec.ExitError)
	if err != nil && !failed {
		t.Fatal(err)
	}
	r := &results{failed: failed, action: make(map[string]string), output: make(map[string]*bytes.Buffer)}
	for line := range bytes.Lines(out) {
		r.add(line)
	}
	r.rest.Write(errOut.Bytes())
	return r
}

// pattern matches the tests of a list.
func pattern(tests []listed) string {
	var all []string
	for _, l := range tests {
		var parts []string
		for part := range strings.SplitSeq(l.test, "/") {
			parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
		}
		all = append(all, strings.Join(parts, "/"))
	}
	return strings.Join(all, "|")
}

// add parses a line of the output of go test -json.
func (r *results) add(line []byte) {
	var event struct{ Action, Test, Output string }
	if err := json.Unmarshal(line, &event); err != nil {
		r.rest.Write(line)
		return
	}
	switch event.Action {
	case "pass", "fail", "skip":
		if event.Test != "" {
			r.action[event.Test] = event.Action
		}
	case "output", "build-output":
		b := r.output[event.Test]
		if event.Test == "" {
			b = &r.rest
		} else if b == nil {
			b = new(bytes.Buffer)
			r.output[event.Test] = b
		}
		b.WriteString(event.Output)
	}
}

// passed counts the tests that passed, except those with subtests.
func (r *results) passed() (n int) {
	for test, action := range r.action {
		if action == "pass" && !r.hasSubtests(test) {
			n++
		}
	}
	return n
}

func (r *results) hasSubtests(test string) bool {
	for other := range r.action {
		if strings.HasPrefix(other, test+"/") {
			return true
		}
	}
	return false
}

// judge compares the results with the expected ones.
func (r *results) judge(t *testing.T, passes int, known []listed) {
	t.Helper()
	isKnown := func(test string) bool {
		return slices.ContainsFunc(known, func(l listed) bool {
			return l.test == test || strings.HasPrefix(l.test, test+"/")
		})
	}
	for test, action := range r.action {
		if action == "fail" && !isKnown(test) {
			t.Errorf("%s fails:\n%s", test, r.printed(test))
		}
	}
	for _, l := range known {
		switch action := r.action[l.test]; action {
		case "fail":
			t.Logf("%s fails, as is known: %s", l.test, l.reason)
		case "pass":
			t.Errorf("%s passes: take it off the list of differences, here and in docs/moving.md", l.test)
		default:
			t.Errorf("%s is listed as a difference, and did not run: %q", l.test, action)
		}
	}
	if r.failed && len(known) == 0 && !t.Failed() {
		t.Errorf("go test fails, and no test does:\n%s", r.rest.Bytes())
	}
	if n := r.passed(); n != passes || n == 0 {
		t.Errorf("%d tests pass, want %d\n%s", n, passes, r.rest.Bytes())
	}
}

// printed returns the output of a test and its subtests.
func (r *results) printed(test string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.output)) {
		if name == test || strings.HasPrefix(name, test+"/") {
			fmt.Fprintf(&b, "%s", r.output[name])
		}
	}
	return b.String()
}
