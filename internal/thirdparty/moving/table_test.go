package moving

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTable expects the code in each row of the table in docs/moving.md to be identical
// to that between the marks of the same name in a test of this package, and each such
// test to have a row.
func TestTable(t *testing.T) {
	table := tableRows(t)
	tested := testedRows(t)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if got, want := tested[name], table[name]; !slices.Equal(got, want) {
			t.Errorf("%s: the test has %q, the table %q", name, got, want)
		}
		delete(tested, name)
		if len(table[name]) > 3 {
			t.Errorf("%s takes more than three lines", name)
		}
	}
	for name := range tested {
		t.Errorf("%s is not in the table", name)
	}
}

// tableRows returns the lines of each row, by its first cell.
func tableRows(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "moving.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begun := strings.Cut(string(page), "<!-- rows -->\n")
	table, _, ended := strings.Cut(rest, "<!-- end of rows -->")
	if !begun || !ended {
		t.Fatal("docs/moving.md has no table of rows")
	}
	code := regexp.MustCompile("`[^`]+`")
	rows := make(map[string][]string)
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		if i < 2 { // the head
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 3 {
			t.Fatalf("%q has %d cells, want 3", line, len(cells))
		}
		name := strings.TrimSpace(strings.ReplaceAll(cells[0], "`", ""))
		var lines []string
		for _, span := range code.FindAllString(cells[1], -1) {
			lines = append(lines, strings.Trim(span, "`"))
		}
		if lines != nil {
			rows[name] = lines
		}
	}
	return rows
}

// testedRows returns the lines between each "// row: NAME" and the next "// end".
func testedRows(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("row_*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests of rows, error %v", err)
	}
	rows := make(map[string][]string)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, between := "", false
		for line := range strings.Lines(string(source)) {
			line = strings.TrimSpace(line)
			switch mark, ok := strings.CutPrefix(line, "// row: "); {
			case ok:
				name, between = mark, true
			case line == "// end":
				between = false
			case between && !strings.HasPrefix(line, "//"):
				rows[name] = append(rows[name], line)
			}
		}
	}
	return oneLiners(rows)
}

// oneLiners joins what gofmt splits into several lines: a block, and the body of a
// function.
func oneLiners(rows map[string][]string) map[string][]string {
	for name, lines := range rows {
		var joined []string
		depth := 0
		for _, line := range lines {
			if depth > 0 {
				separator := " "
				if last := joined[len(joined)-1]; !strings.HasSuffix(last, "{") && !strings.HasPrefix(line, "}") {
					separator = "; "
				}
				joined[len(joined)-1] += separator + line
			} else {
				joined = append(joined, line)
			}
			depth += strings.Count(line, "{") - strings.Count(line, "}")
		}
		rows[name] = joined
	}
	return rows
}
