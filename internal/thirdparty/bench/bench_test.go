package bench

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

// first is which library is the first of each row.
var first = flag.Int("first", 0, "with which library each row begins, by its place in the list")

func TestMain(m *testing.M) {
	flag.Parse()
	n := *first % len(all)
	all = slices.Concat(all[n:], all[:n])
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

// Each row begins with the library that was asked for, and leaves none out.
func TestFirst(t *testing.T) {
	for n := range 2 * len(all) {
		out := string(once(t, "^BenchmarkWriteText$/^16$", "-first="+strconv.Itoa(n)))
		var got, want []string
		for _, m := range regexp.MustCompile(`(?m)^BenchmarkWriteText/16/([a-z]+)`).FindAllStringSubmatch(out, -1) {
			got = append(got, m[1])
		}
		for i := range all {
			want = append(want, all[(n+i)%len(all)].name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("-first=%d: %q, want %q", n, got, want)
		}
	}
}

// TestBenchmarks runs each benchmark once, which checks what is read and written,
// and wants them to be those that the page is made of.
func TestBenchmarks(t *testing.T) {
	rs := Results{}
	if err := rs.Add(bytes.NewReader(once(t, ".")), runtime.GOMAXPROCS(0)); err != nil {
		t.Fatal(err)
	}
	measured := Groups()
	measured = measured[:len(measured)-1] // without idle memory
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
		t.Error("there is a median of what was not measured")
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
		met  bool
	}{
		{Goal{Unit: "ns/op", Times: 0.8, Of: Best}, "≤ 0.8 × best", true},
		{Goal{Unit: "ns/op", Times: 0.7, Of: Best}, "≤ 0.7 × best", false},
		{Goal{Unit: "ns/op", Times: 0.5, Of: "gws-15"}, "≤ 0.5 × gws-15", true},
		{Goal{Unit: "ns/op", Most: 19}, "≤ 19", false},
		{Goal{Unit: "B/op"}, "≤ 0", true},
	} {
		met, err := test.goal.Met(rs, "Echo/16")
		if met != test.met || err != nil || test.goal.String() != test.text {
			t.Errorf("%v: met %v, %v; want %s, %v", test.goal, met, err, test.text, test.met)
		}
	}
	for _, goal := range []Goal{{Unit: "ns/op", Times: 1, Of: "coder"}, {Unit: "other", Most: 1}, {Unit: "B/op", Times: 1, Of: Best}} {
		if _, err := goal.Met(rs, "Echo/16"); err == nil {
			t.Errorf("%v: no error", goal)
		}
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1.25: "1.2", 9: "9", 99.6: "100", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Count(v); got != want {
			t.Errorf("Count(%v) = %s, want %s", v, got, want)
		}
	}
}
