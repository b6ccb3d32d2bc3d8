package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/autobahn"
)

var update = flag.Bool("update", false, "write the results into docs/conformance.md")

var document = filepath.Join("..", "..", "..", "docs", "conformance.md")

// The measured part of the document is between these lines.
const (
	tablesBegin = "<!-- What follows is measured; see above for the command that writes it. -->\n"
	tablesEnd   = "<!-- What was measured ends here. -->\n"
)

// checkDocument compares the document with the results, or updates it.
func checkDocument(t *testing.T, r *results) {
	if n := r.missing(); n > 0 {
		t.Fatalf("%d cases were not run", n)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(tablesBegin))
	got, after, ok2 := bytes.Cut(rest, []byte(tablesEnd))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables", document)
	}
	want := r.tables(labels(t))
	if string(got) == want {
		return
	}
	if *update {
		text := bytes.Join([][]byte{before, []byte(tablesBegin), []byte(want), []byte(tablesEnd), after}, nil)
		if err := os.WriteFile(document, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s differs from the results (-update writes it)", document)
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Errorf("from its line %d on:\n%s\nmeasured:\n%s", i+1, lines(gotLines, i), lines(wantLines, i))
			return
		}
	}
}

// lines returns up to three lines, starting with the i-th.
func lines(all []string, i int) string {
	i = min(i, len(all))
	return strings.Join(all[i:min(i+3, len(all))], "\n")
}

// labels returns the names of the peers with their versions in go.mod.
func labels(t *testing.T) map[string]string {
	labels := make(map[string]string)
	for _, p := range peers {
		cmd := exec.Command("go", "list", "-m", "-f", "{{if not .Replace}}{{.Version}}{{end}}", p.module)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		labels[p.name] = strings.TrimSpace(p.name + " " + strings.TrimSpace(string(out)))
	}
	return labels
}

// tables returns the results as Markdown.
func (r *results) tables(labels map[string]string) string {
	var b strings.Builder
	for _, role := range roles {
		fmt.Fprintf(&b, "\n### As a %s\n\n", role)
		row := func(title string, cell func(subject) string) {
			fmt.Fprintf(&b, "| %s |", title)
			for _, p := range peers {
				fmt.Fprintf(&b, " %s |", cell(subject{p.name, role}))
			}
			b.WriteByte('\n')
		}
		row("", func(s subject) string { return labels[s.peer] })
		row("---", func(subject) string { return "---" })
		for _, g := range autobahn.Groups() {
			if cases := inGroup(g.ID); len(cases) > 0 {
				row(g.ID+" "+g.Title, func(s subject) string { return r.count(s, behavior, cases) })
			}
		}
		cases := autobahn.Cases()
		row("**all**", func(s subject) string { return r.count(s, behavior, cases) })
		row("**closing**", func(s subject) string { return r.count(s, closing, cases) })
		for _, cs := range autobahn.W() {
			row(cs.ID, func(s subject) string { return string(r.by[s][cs.ID].Behavior) })
		}
		b.WriteString("\nNot OK:\n\n")
		for _, p := range peers {
			if defects := r.defects(subject{p.name, role}); defects != "" {
				fmt.Fprintf(&b, "- **%s** %s\n", labels[p.name], strings.ReplaceAll(defects, "*", `\*`))
			}
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// inGroup returns the cases of a top-level group.
func inGroup(id string) []*autobahn.Case {
	var cases []*autobahn.Case
	for _, cs := range autobahn.Cases() {
		if top, _, _ := strings.Cut(cs.ID, "."); top == id {
			cases = append(cases, cs)
		}
	}
	return cases
}
