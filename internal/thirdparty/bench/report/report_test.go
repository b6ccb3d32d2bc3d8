package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// lines returns results of a round of groups, in which ours is twice as fast as the
// best peer, or by another factor.
func lines(groups []bench.Group, factor float64) string {
	var b strings.Builder
	for _, g := range groups {
		for _, row := range g.Rows {
			for i, library := range row.Libraries {
				fmt.Fprintf(&b, "Benchmark%s/%s 1", row.Name, library)
				for _, unit := range g.UnitsOf(row) {
					v := 200 * float64(i+1)
					if library == bench.Ours {
						v = 200 * factor
					}
					if unit == "B/conn" {
						continue // is added up
					}
					fmt.Fprintf(&b, " %v %s", v, unit)
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

const manyLine = "BenchmarkMany/handler/bhojpur 1 1000 conns 7000 rss-B/conn 6000 pss-B/conn " +
	"4000 heap-B/conn 2000 stack-B/conn 7000000 rss-B/total 999 answered 1.5 open-s 0.5 echo-s\n"

// dirs are the directories that a report is written to.
type dirs struct{ docs, results string }

func newDirs(t *testing.T) dirs { return dirs{t.TempDir(), t.TempDir()} }

// report makes the page of output, which it returns. It expects the page to be printed.
func (d dirs) report(t *testing.T, output string, args ...string) (string, error) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "output")
	if err := os.WriteFile(from, []byte(output), 0o600); err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	err := run(t.Context(), append([]string{"-rounds", "1", "-from", from, "-docs", d.docs, "-results", d.results}, args...), &printed)
	if err != nil {
		return "", err
	}
	if page, err := os.ReadFile(filepath.Join(d.docs, page)); err != nil || !bytes.Equal(page, printed.Bytes()) {
		t.Errorf("%d bytes were printed, and the page is not that: %v", printed.Len(), err)
	}
	return printed.String(), nil
}

// wantAll expects a page to have texts.
func wantAll(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", page)
	}
}

func TestReport(t *testing.T) {
	d := newDirs(t)
	page, err := d.report(t, lines(part(false), 0.5))
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, page,
		"| binary, 16 B | ns/op | **100** | 400 | 600 | 800 | 1,000 | 1,200 | 1,400 | | | 0.12 (coder), 0.50 | –, – |"+
			" ≤ 0.8 × best: 0.12, met<br>AppendRead ≤ 0.7 × best: 0.50, met | **100**, 800 (coder), wanted ≤ 0: **not met** |",
		"≤ 1.2 × coder: 0.17, met<br>≤ 0.07 × gws: 0.10, **not met** |",
		"- A server reads, multi-byte text, 1 MiB: ≤ 0.07 × gws: 0.10. coder does not validate.",
		"- A server reads, binary, 16 B: 100 allocations, wanted ≤ 0.\n",
		"| in the HTTP handler | B/conn | **200** |",
		"| one connection, 1 KiB | wire-B/op | **100** |",
		"github.com/lxzan/gws v1.", "The rows of `make bench-all` were not measured.")
	if strings.Contains(page, "Very many") || strings.Contains(page, "| **Writers beside") {
		t.Error("the page has rows that were not measured")
	}
	for _, g := range part(false) {
		name := "benchmarks-" + g.Name + ".svg"
		wantAll(t, page, "("+name+")")
		wantSVG(t, filepath.Join(d.docs, name), g)
	}
}

func TestReportAll(t *testing.T) {
	d := newDirs(t)
	page, err := d.report(t, lines(bench.Groups(), 0.5)+manyLine, "-all")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{
		"| 2 writers, 8 busy goroutines | ns/op | **100** |",
		"| handler, bhojpur | 1,000 | 999 | 7,000,000 | 7,000 | 6,000 | 4,000 | 2,000 | 1.5 | 0.5 |",
		"| binary, 16 B | ns/op | **100** |",
	}
	wantAll(t, page, all...)
	// A run of the everyday rows keeps the rest.
	page, err = d.report(t, lines(part(false), 0.25))
	if err != nil {
		t.Fatal(err)
	}
	all[2] = "| binary, 16 B | ns/op | **50** |"
	wantAll(t, page, all...)
}

// machineLike returns results of another machine.
func machineLike(name, at string, rs bench.Results) stored {
	s := stored{at: at, rounds: 3, benchtime: "1s", results: rs}
	s.CPU, s.Cores, s.Go = name, 64, "go1.0 plan9/mips"
	s.libraries = []libraryVersion{{"gws", "github.com/lxzan/gws", "v0"}}
	return s
}

func resultsOf(t *testing.T, lines string) bench.Results {
	t.Helper()
	rs := bench.Results{}
	if err := rs.Add(strings.NewReader(lines), 0); err != nil {
		t.Fatal(err)
	}
	return rs
}

// What the page does not print is not kept.
func TestUnitsKept(t *testing.T) {
	d := newDirs(t)
	line := "BenchmarkReadBinary/16/bhojpur 1 100 ns/op"
	output := strings.Replace(lines(part(false), 0.5), line, line+" 7 MB/s 8 B/op", 1)
	if _, err := d.report(t, output); err != nil {
		t.Fatal(err)
	}
	all, err := load(d.results)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d results, %v", len(all), err)
	}
	units := slices.Sorted(maps.Keys(all[0].results["ReadBinary/16"][bench.Ours]))
	if want := []string{"allocs/op", "ns/op"}; !slices.Equal(units, want) {
		t.Errorf("kept %q, want %q", units, want)
	}
}

// A run adds the table of its machine, replaces the one that was there, and keeps those
// of other machines as they were.
func TestMachines(t *testing.T) {
	d := newDirs(t)
	others := []stored{
		machineLike("Old (R) CPU", "2001-02-03T04:05:06Z", resultsOf(t, lines(part(false), 1.5))),
		machineLike("New CPU", "2002-02-03T04:05:06Z", resultsOf(t, lines(part(false), 2.5))),
	}
	for _, s := range others {
		if err := s.save(d.results); err != nil {
			t.Fatal(err)
		}
	}
	var before [][]byte
	for i, factor := range []float64{0.5, 0.25} {
		page, err := d.report(t, lines(part(false), factor))
		if err != nil {
			t.Fatal(err)
		}
		headings := regexp.MustCompile(`(?m)^## .* cores, go.*$`).FindAllString(page, -1)
		if len(headings) != 3 || headings[1] != "## New CPU, 64 cores, go1.0" || headings[2] != "## Old (R) CPU, 64 cores, go1.0" {
			t.Errorf("tables of %q", headings)
		}
		wantAll(t, page, fmt.Sprintf("| **%v** |", 200*factor), "| **300** |", "| **500** |", "2001-02-03", "in 3 rounds of 1s")
		if i == 1 && strings.Contains(page, "| ns/op | **100** |") {
			t.Error("the results that were replaced are on the page")
		}
		for j, s := range others {
			text, err := os.ReadFile(filepath.Join(d.results, s.fileName()))
			if err != nil {
				t.Fatal(err)
			}
			if before = append(before, text); !bytes.Equal(text, before[j]) {
				t.Errorf("the results of %s have changed", s.CPU)
			}
		}
	}
	if files, _ := os.ReadDir(d.results); len(files) != 3 {
		t.Errorf("results in %v", files)
	}
	if page, err := d.report(t, "", "-render"); err != nil || !strings.Contains(page, "| **50** |") {
		t.Errorf("-render does not make the page of the results: %v", err)
	}
}

func TestMachinesOfOneName(t *testing.T) {
	a := machineLike("CPU", "2001-02-03T04:05:06Z", nil)
	b := a
	b.Model = "family 1, model 2"
	c := a
	c.rest = true
	names := map[string]bool{a.fileName(): true, b.fileName(): true, c.fileName(): true}
	if len(names) != 3 {
		t.Errorf("files %v", names)
	}
	if machines := byMachine([]stored{c, b, a}); len(machines) != 2 || len(machines[0]) != 2 || machines[0][0].rest {
		t.Errorf("machines %v", machines)
	}
}

func TestStored(t *testing.T) {
	s := machineLike("CPU", "2001-02-03T04:05:06Z", resultsOf(t, `
BenchmarkB/16/gws 1 10.25 ns/op 3 allocs/op
BenchmarkB/16/gws 1 12345678 ns/op 4 allocs/op
BenchmarkIdle/handler/gws 1 10 heap-B/conn 20 stack-B/conn
`))
	s.Memory, s.took, s.rest = "1 GiB", "3m0s", true
	got, err := decode(s.encode())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.encode(), s.encode()) || got.Machine != s.Machine || !got.rest {
		t.Errorf("%s\nis not\n%s", got.encode(), s.encode())
	}
	if v, ok := got.results.Median("Idle/handler", "gws", "B/conn"); v != 30 || !ok {
		t.Errorf("the sum is %v, %v", v, ok)
	}
	for _, text := range []string{"", "cpu: x\n", "nonsense: x\n\n", "cores: x\n\n", "library: x\n\n", "cpu: x\n\nBenchmarkB/x 1 x ns/op\n"} {
		if _, err := decode([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

// What the rounds do not agree about is marked, and only that.
func TestMarks(t *testing.T) {
	row := bench.Row{Name: "Row", What: "it", Libraries: []string{bench.Ours, "gws"}, Limit: "A cause.", Goals: []bench.Goal{
		{Unit: "ns/op", Times: 0.75, Of: bench.Best}, {Unit: "ns/op", Times: 0.3, Of: "gws", CPU: "AMD"},
	}}
	g := bench.Group{Title: "Group", Units: []string{"ns/op"}, Rows: []bench.Row{row}}
	for _, test := range []struct {
		ours   []float64 // of 100
		cells  string
		missed string
	}{
		{[]float64{50, 52, 48}, "0.50 (gws) | 0.04 | ≤ 0.75 × best: 0.50, met |", ""},
		{[]float64{90, 91, 89}, "0.90 (gws) | 0.02 | ≤ 0.75 × best: 0.90, **not met** |", "- Group, it: ≤ 0.75 × best: 0.90. A cause.\n"},
		{[]float64{90, 95, 80}, "0.90 ≈ (gws) | 0.15 | ≤ 0.75 × best: 0.90, **not met** |", "- Group, it: ≤ 0.75 × best: 0.90. A cause.\n"},
		{[]float64{70, 72, 60}, "0.70 (gws) | 0.12 | ≤ 0.75 × best: 0.70, met ≈ |", ""},
		{[]float64{78, 80, 74}, "0.78 (gws) | 0.06 | ≤ 0.75 × best: 0.78, **not met** ≈ |",
			"- Group, it: ≤ 0.75 × best: 0.78. The rounds do not agree about it. A cause.\n"},
		{[]float64{98}, "0.98 (gws) | – | ≤ 0.75 × best: 0.98, **not met** |", "- Group, it: ≤ 0.75 × best: 0.98. A cause.\n"},
	} {
		var lines strings.Builder
		for _, v := range test.ours {
			fmt.Fprintf(&lines, "BenchmarkRow/bhojpur 1 %v ns/op\nBenchmarkRow/gws 1 100 ns/op\n", v)
		}
		var b bytes.Buffer
		newTable(resultsOf(t, lines.String()), "Intel", []bench.Group{g}).write(&b)
		text, missed, _ := strings.Cut(b.String(), "\nNot met:\n\n")
		if !strings.Contains(text, test.cells) || missed != test.missed {
			t.Errorf("%v: got\n%s\nwant %s\n%s", test.ours, b.String(), test.cells, test.missed)
		}
	}
}

// The list of missed goals has the figure and the unit of a goal that is not a ratio.
func TestMissedFigure(t *testing.T) {
	row := bench.Row{Name: "Row", What: "it", Goals: []bench.Goal{{Unit: "stack-B/conn", Most: 4200}}, Limit: "A cause."}
	g := bench.Group{Title: "Group", Units: []string{"heap-B/conn", "stack-B/conn"}, Rows: []bench.Row{row}}
	var b bytes.Buffer
	rs := resultsOf(t, "BenchmarkRow/bhojpur 1 9000 heap-B/conn 4374 stack-B/conn\n")
	newTable(rs, "Intel", []bench.Group{g}).write(&b)
	wantAll(t, b.String(), "| ≤ 4,200: **not met** |", "- Group, it: 4,374 stack-B/conn, wanted ≤ 4,200. A cause.\n")
}

// The page in docs is the one of the results that are kept.
func TestPageIsCurrent(t *testing.T) {
	all, err := load("../results")
	if err != nil {
		t.Fatal(err)
	}
	files, err := render(all, bench.Groups())
	if err != nil {
		t.Fatal(err)
	}
	const docs = "../../../../docs"
	charts, err := filepath.Glob(filepath.Join(docs, "benchmarks*"))
	if err != nil || len(charts) != len(files) {
		t.Errorf("docs has %d files, want %d: %v", len(charts), len(files), err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(docs, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date (%v): run `make bench-page`", name, err)
		}
	}
}

// wantSVG expects the file to be XML, with the texts that screen readers say and a bar
// for each of g's figures.
func wantSVG(t *testing.T, file string, g bench.Group) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	texts, bars := map[string]string{}, 0
	d := xml.NewDecoder(f)
	name := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name = token.Name.Local
			for _, attr := range token.Attr {
				if name == "rect" && attr.Name.Local == "class" && attr.Value == "rest" {
					bars++
				}
			}
		case xml.CharData:
			texts[name] += string(token)
		case xml.EndElement:
			name = ""
		}
	}
	want := 0
	for _, row := range g.Rows {
		want += len(row.Libraries)
		for _, unit := range g.UnitsOf(row) {
			if unit == "wire-B/op" {
				want += len(row.Libraries)
			}
		}
	}
	if bars != want {
		t.Errorf("%s has %d bars, want %d", file, bars, want)
	}
	if texts["title"] != g.Title || !strings.Contains(texts["desc"], g.Rows[0].What) {
		t.Errorf("%s says %q and %q", file, texts["title"], texts["desc"])
	}
}

func TestReportMissing(t *testing.T) {
	full := lines(bench.Groups(), 0.5)
	first, rest, _ := strings.Cut(full, "\n")
	for name, output := range map[string]string{
		"a row":       rest + manyLine,
		"many":        full,
		"a unit":      full + strings.Replace(manyLine, "7000 rss-B/conn ", "", 1),
		"a second":    first + "\n" + full + manyLine,
		"all":         "",
		"a benchmark": full + manyLine + "BenchmarkEcho/16/gws\n",
	} {
		d := newDirs(t)
		if _, err := d.report(t, output, "-all"); err == nil {
			t.Errorf("%s: no error", name)
		}
		for _, dir := range []string{d.docs, d.results} {
			if files, _ := os.ReadDir(dir); len(files) > 0 {
				t.Errorf("%s: wrote %v", name, files)
			}
		}
	}
}

func TestScale(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{nil, 1},
		{[]float64{0}, 1},
		{[]float64{50}, 50},
		{[]float64{50, 100}, 100},
		{[]float64{100, 50}, 100},
		{[]float64{10, 20, 119}, 119},
		{[]float64{500, 20, 10}, 120},
		{[]float64{10, 500, 20, 30}, 120},
	} {
		var p panel
		for _, v := range test.values {
			p.bars = append(p.bars, bar{value: v})
		}
		if got := p.scale(); got != test.want {
			t.Errorf("scale of %v is %v, want %v", test.values, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("word ", 40)
	got := wrap(long)
	for line := range strings.Lines(got) {
		if len(strings.TrimSpace(line)) > 100 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	if strings.Join(strings.Fields(got), " ") != strings.TrimSpace(long) {
		t.Errorf("words are lost: %q", got)
	}
}
