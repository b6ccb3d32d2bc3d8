package bench

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// first is the place of the library that each row begins with.
var first = flag.Int("first", 0, "the library that each row begins with, by its place in the row's list")

func TestMain(m *testing.M) {
	if name := os.Getenv(asServer); name != "" {
		if err := serveParent(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if addr := os.Getenv(asListeners); addr != "" {
		if err := listenAt(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if os.Getenv(onlyBenchmarks) != "" {
		os.Exit(m.Run())
	}
	os.Exit(rawpeer.LeakCheck(m))
}

const onlyBenchmarks = "BENCH_ONCE"

// once runs benchmarks once, in a process of its own, as it is what prints their
// names. It returns what was printed.
func once(t *testing.T, pattern string, flags ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0],
		append([]string{"-test.run=^$", "-test.bench=" + pattern, "-test.benchtime=1x"}, flags...)...)
	cmd.Env = append(os.Environ(), onlyBenchmarks+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// TestBenchmarks runs each benchmark once, which checks what is read and written, and
// once more from the second library on. They have to be those that the page is made of,
// and each row has to begin with the library that -first names. The second time, which is
// for the order alone, is left to runs without the race detector.
func TestBenchmarks(t *testing.T) {
	out := once(t, ".", "-first=0")
	rs := Results{}
	if err := rs.Add(bytes.NewReader(out), runtime.GOMAXPROCS(0)); err != nil {
		t.Fatal(err)
	}
	measured := slices.DeleteFunc(Groups(), Group.ByIdle)
	if err := rs.Check(measured, 1); err != nil {
		t.Error(err)
	}
	for _, g := range measured {
		for _, row := range g.Rows {
			for _, library := range row.Libraries {
				delete(rs[row.Name], library)
			}
			if len(rs[row.Name]) == 0 {
				delete(rs, row.Name)
			}
		}
	}
	if len(rs) > 0 {
		t.Errorf("benchmarks that are in no table: %v", rs)
	}
	if poolcheck.On {
		return
	}
	next := orders(once(t, ".", "-first=1"))
	for row, libraries := range orders(out) {
		if want := slices.Concat(libraries[1:], libraries[:1]); !slices.Equal(next[row], want) {
			t.Errorf("%s: -first=1: %q, want %q", row, next[row], want)
		}
	}
}

// orders returns the order of the libraries of each row in a benchmark's output.
func orders(out []byte) map[string][]string {
	order := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^Benchmark(\S+)/([A-Za-z-]+?)(-[0-9]+)?\s`).FindAllSubmatch(out, -1) {
		row := string(m[1])
		order[row] = append(order[row], string(m[2]))
	}
	return order
}

func results(t *testing.T, lines string) Results {
	t.Helper()
	rs := Results{}
	if err := rs.Add(strings.NewReader(lines), 2); err != nil {
		t.Fatal(err)
	}
	return rs
}

const someLines = `goos: linux
BenchmarkEcho/16/bhojpur-2   100  30.0 ns/op  0 B/op
BenchmarkEcho/16/bhojpur-2   100  10.0 ns/op  0 B/op
BenchmarkEcho/16/bhojpur-2   100  20.0 ns/op  0 B/op
BenchmarkEcho/16/bare-2      100  1.0 ns/op
BenchmarkEcho/16/bhojpur-Read  100  2.0 ns/op
BenchmarkEcho/16/gws-2       100  25.0 ns/op
BenchmarkEcho/16/gws-2       100  26.0 ns/op
BenchmarkEcho/16/gws-15-2    100  40.0 ns/op
BenchmarkIdle/handler/gws-15 1 11940 heap-B/conn 4100 stack-B/conn
PASS
`

func TestResults(t *testing.T) {
	rs := results(t, someLines)
	for _, test := range []struct {
		row, library, unit string
		want               float64
	}{
		{"Echo/16", "bhojpur", "ns/op", 20},
		{"Echo/16", "bhojpur-Read", "ns/op", 2},
		{"Echo/16", "gws", "ns/op", 25.5},
		{"Echo/16", "gws-15", "ns/op", 40},
		{"Idle/handler", "gws-15", "stack-B/conn", 4100},
		{"Idle/handler", "gws-15", "B/conn", 16040},
	} {
		if got, ok := rs.Median(test.row, test.library, test.unit); got != test.want || !ok {
			t.Errorf("median of %s/%s, %s = %v, %v, want %v", test.row, test.library, test.unit, got, ok, test.want)
		}
	}
	if _, ok := rs.Median("Echo/16", "coder", "ns/op"); ok {
		t.Error("the median of a figure that was not measured exists")
	}
	if library, v, ok := rs.BestPeer("Echo/16", "ns/op"); library != "gws" || v != 25.5 || !ok {
		t.Errorf("best peer is %s, %v, %v", library, v, ok)
	}
}

func TestResultsWrong(t *testing.T) {
	for _, line := range []string{
		"BenchmarkEcho/16/gws 1 ns/op", "BenchmarkEcho/16/gws 1 x ns/op", "BenchmarkEcho 1 2 ns/op", "BenchmarkEcho/16/gws 1",
	} {
		if err := (Results{}).Add(strings.NewReader(line), 2); err == nil {
			t.Errorf("%q is a result", line)
		}
	}
}

func TestCheck(t *testing.T) {
	rs := results(t, someLines)
	group := func(libraries ...string) []Group {
		return []Group{{Units: []string{"ns/op"}, Rows: []Row{{Name: "Echo/16", Libraries: libraries}}}}
	}
	if err := rs.Check(group("bhojpur"), 3); err != nil {
		t.Error(err)
	}
	few := group("bhojpur", "gws")
	few[0].Rounds = 2
	if err := rs.Check(few[:1], 2); err == nil {
		t.Error("three are two")
	}
	few[0].Rows[0].Libraries = []string{"gws"}
	if err := rs.Check(few, 3); err != nil {
		t.Error(err)
	}
	if rs.Check(group("bhojpur", "gws"), 3) == nil {
		t.Error("two of three are enough")
	}
	if rs.Check(group("coder"), 3) == nil {
		t.Error("none is enough")
	}
}

func TestGoal(t *testing.T) {
	rs := results(t, someLines)
	for _, test := range []struct {
		goal Goal
		text string
		want Verdict
	}{
		{Goal{Unit: "ns/op", Times: 0.9, Of: Best}, "≤ 0.9 × best", Verdict{Met: true, Unsure: true}},
		{Goal{Unit: "ns/op", Times: 0.78, Of: Best}, "≤ 0.78 × best", Verdict{Met: true, Unsure: true}}, // 0.784
		{Goal{Unit: "ns/op", Times: 0.77, Of: Best}, "≤ 0.77 × best", Verdict{Unsure: true}},
		{Goal{Unit: "ns/op", Times: 0.5, Of: "gws-15"}, "≤ 0.5 × gws-15", Verdict{Met: true}},
		{Goal{Unit: "ns/op", Times: 1, Of: "gws", Library: Read}, "Read ≤ 1 × gws", Verdict{Met: true}},
		{Goal{Unit: "ns/op", Most: 19}, "≤ 19", Verdict{Unsure: true}},
		{Goal{Unit: "ns/op", Most: 100}, "≤ 100", Verdict{Met: true}},
		{Goal{Unit: "B/op"}, "≤ 0", Verdict{Met: true}},
	} {
		got, err := test.goal.Verdict(rs, "Echo/16")
		if got != test.want || err != nil || test.goal.String() != test.text {
			t.Errorf("%v: %+v, %v; want %s, %+v", test.goal, got, err, test.text, test.want)
		}
	}
	for _, goal := range []Goal{{Unit: "ns/op", Times: 1, Of: "coder"}, {Unit: "other", Most: 1}, {Unit: "B/op", Times: 1, Of: Best}} {
		if _, err := goal.Verdict(rs, "Echo/16"); err == nil {
			t.Errorf("%v: no error", goal)
		}
	}
}

func TestGoalFor(t *testing.T) {
	for _, test := range []struct {
		goal Goal
		want bool
	}{{Goal{}, true}, {Goal{CPU: "Intel"}, true}, {Goal{CPU: "AMD"}, false}} {
		if got := test.goal.For("Intel(R) Xeon(R) Processor"); got != test.want {
			t.Errorf("%+v is a goal there: %v", test.goal, got)
		}
	}
}

// The spread is that of the ratios within a round: a machine that is slow in one round
// is slow for both.
func TestCompare(t *testing.T) {
	rs := results(t, `
BenchmarkRow/bhojpur-2 1 10 ns/op
BenchmarkRow/gws-2     1 20 ns/op
BenchmarkRow/coder-2   1 99 ns/op
BenchmarkRow/bhojpur-2 1 20 ns/op
BenchmarkRow/gws-2     1 40 ns/op
BenchmarkRow/coder-2   1 60 ns/op
BenchmarkRow/bhojpur-2 1 16 ns/op
BenchmarkRow/gws-2     1 20 ns/op
BenchmarkRow/coder-2   1 60 ns/op
`)
	c, ok := rs.Compare("Row", Ours, Best, "ns/op")
	if !ok || c.Of != "gws" || c.Ratio != 0.8 || c.Rounds != 3 || math.Abs(c.Spread-0.3) > 1e-9 {
		t.Errorf("comparison %+v, %v", c, ok)
	}
	if !c.Unsure(1) || c.Unsure(1.2) || !c.Unsure(0.6) {
		t.Errorf("%+v is sure and unsure of the wrong differences", c)
	}
	if _, ok := rs.Compare("Row", Ours, "gobwas", "ns/op"); ok {
		t.Error("there is a comparison with a library that was not measured")
	}
	if _, ok := rs.Compare("Row", Ours, Best, "B/op"); ok {
		t.Error("there is a comparison in a unit that was not measured")
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1.25: "1.2", 9: "9", 99.6: "100", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Count(v); got != want {
			t.Errorf("Count(%v) = %s, want %s", v, got, want)
		}
	}
}
