package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/bench"
)

// lines returns results for everything that the page needs, in which ours is twice
// as fast as the best peer.
func lines() string {
	var b strings.Builder
	for _, g := range bench.Groups() {
		for _, row := range g.Rows {
			for i, library := range row.Libraries {
				fmt.Fprintf(&b, "Benchmark%s/%s 1", row.Name, library)
				for _, unit := range g.Units {
					v := 200 * (i + 1)
					if library == bench.Ours {
						v = 100
					}
					if unit == "B/conn" {
						continue // is added up
					}
					fmt.Fprintf(&b, " %d %s", v, unit)
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

const manyLine = "BenchmarkMany/handler/bhojpur 1 1000 conns 7000 rss-B/conn 6000 pss-B/conn " +
	"4000 heap-B/conn 2000 stack-B/conn 7000000 rss-B/total 999 answered 1.5 open-s 0.5 echo-s\n"

// report makes the page of output, and returns the directory that it is in. What is
// printed has to be the page.
func report(t *testing.T, output string, args ...string) (dir string, err error) {
	t.Helper()
	dir = t.TempDir()
	from := filepath.Join(t.TempDir(), "output")
	if err := os.WriteFile(from, []byte(output), 0o600); err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	err = run(t.Context(), append([]string{"-count", "1", "-from", from, "-docs", dir}, args...), &printed)
	if err != nil {
		return dir, err
	}
	if page, err := os.ReadFile(filepath.Join(dir, page)); err != nil || !bytes.Equal(page, printed.Bytes()) {
		t.Errorf("%d bytes were printed, and the page is not that: %v", printed.Len(), err)
	}
	return dir, nil
}

func TestReport(t *testing.T) {
	dir, err := report(t, lines()+manyLine)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| binary, 16 B | **100** | 400 | 600 | 800 | 1,000 | 1,200 | 1,400 |  | 0.12 (coder) | ≤ 0.8 × best | met |",
		"| multi-byte text, 1 MiB | **100** | 400 |  | 600 | 800 | 1,000 | 1,200 |  | 0.17 (coder) | ≤ 0.1 × gws | met |",
		"| multi-byte text, 1 MiB | **100** | 400 |  | 600 | 800 | 1,000 | 1,200 |  |  | ≤ 0 | **not met** |",
		"| in the HTTP handler | **200** |",
		"| handler | 1,000 | 999 | 7,000,000 | 7,000 | 6,000 | 4,000 | 2,000 | 1.5 | 0.5 |",
		"github.com/lxzan/gws v1.",
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, g := range bench.Groups() {
		name := "benchmarks-" + g.Name + ".svg"
		if !bytes.Contains(page, []byte("("+name+")")) {
			t.Errorf("%s is not on the page", name)
		}
		wantSVG(t, filepath.Join(dir, name), g)
	}
	if t.Failed() {
		t.Logf("%s", page)
	}
}

// wantSVG wants the file to be XML, with the texts that screen readers say and a bar
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
		for _, unit := range g.Units {
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
	full := lines()
	first, rest, _ := strings.Cut(full, "\n")
	for name, output := range map[string]string{
		"a row":       rest + manyLine,
		"many":        full,
		"a unit":      full + strings.Replace(manyLine, "7000 rss-B/conn ", "", 1),
		"a second":    first + "\n" + full + manyLine,
		"all":         "",
		"a benchmark": full + manyLine + "BenchmarkEcho/16/gws\n",
	} {
		dir, err := report(t, output)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%s: wrote %v", name, files)
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
		if len(strings.TrimSpace(line)) > 80 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	if strings.Join(strings.Fields(got), " ") != strings.TrimSpace(long) {
		t.Errorf("words are lost: %q", got)
	}
}
