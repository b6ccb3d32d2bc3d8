package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// graphOf makes a graph of edges such as "a>b".
func graphOf(edges ...string) graph {
	g := graph{}
	for _, e := range edges {
		from, to, _ := strings.Cut(e, ">")
		g.add(from, to)
	}
	return g
}

func TestGraph(t *testing.T) {
	for _, test := range []struct {
		name       string
		edges      []string
		ring, path string // the path from a
		reach      int    // from a
	}{
		{"nothing", nil, "", "a", 1},
		{"recursion", []string{"a>a"}, "", "a", 1},
		{"line", []string{"a>b", "b>c"}, "", "a b c", 3},
		{"two ways", []string{"a>b", "a>d", "b>c", "c>d"}, "", "a b c d", 4},
		{"ring behind", []string{"a>b", "b>c", "c>b"}, "b c", "a b c", 3},
		{"ring, and a way out", []string{"a>b", "b>a", "b>c", "c>d"}, "a b", "a b c d", 4},
		{"two rings", []string{"a>b", "b>a", "b>c", "c>d", "d>e", "e>c"}, "c d e", "a b c d e", 5},
		{"not reached", []string{"b>a", "c>b"}, "", "a", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := graphOf(test.edges...)
			if got := strings.Join(g.largestRing(), " "); got != test.ring {
				t.Errorf("the largest ring is %q, want %q", got, test.ring)
			}
			if got := strings.Join(g.longestPath("a"), " "); got != test.path {
				t.Errorf("the longest path is %q, want %q", got, test.path)
			}
			if got := len(g.reach("a")); got != test.reach {
				t.Errorf("%d nodes are reached, want %d", got, test.reach)
			}
		})
	}
}

func TestFigures(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/p\n\ngo 1.26\n",
		"a.go": `package p

type T[E any] struct{ e E }

func (t *T[E]) One() { t.two(); three() }

func (t *T[E]) two() { next := t.One; next() }
`,
		"b.go": `package p

type caller interface{ call() }

func three() { var c caller = four{}; c.call() }

type four struct{}

func (four) call() {
	new(T[int]).One()
}
`,
		"a_test.go":     "package p\n",
		"other_test.go": "package p\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for figure, want := range map[string]int{
		"code-files":       2,
		"test-files":       2,
		"named-test-files": 50,
		"function-lines":   3,
		"type-methods":     2,
		"function-ring":    2,
		"file-ring":        2,
		"T.One:functions":  3,
		"T.One:files":      2,
		"T.One:path":       3,
		"three:functions":  1, // calls through an interface are not followed
	} {
		n, which, err := c.figure(figure)
		if n != want || err != nil {
			t.Errorf("%s is %d (%s), %v; want %d", figure, n, which, err, want)
		}
	}
	for _, unknown := range []string{"lines", "T.Two:path", "T.One:lines", "T.One"} {
		if _, _, err := c.figure(unknown); err == nil {
			t.Errorf("there is a figure %s", unknown)
		}
	}
}

func TestParseBounds(t *testing.T) {
	got, err := parseBounds("# a comment\n\n. code-files most 26 # another\nx/y figure least 80\n")
	want := []bound{{".", "code-files", false, 26}, {"x/y", "figure", true, 80}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", ". code-files 26", ". code-files about 26", ". code-files most many"} {
		if _, err := parseBounds(bad); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}
