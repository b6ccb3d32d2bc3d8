package apicompat

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

// TestMissing compares packages with a single difference, and expects the result to name
// it.
func TestMissing(t *testing.T) {
	tests := []struct {
		name      string
		want, got string
		diff      string // the beginning of the only line; "" if there is no difference
		anyValue  []string
	}{
		{name: "same func", want: "func F(a, b int) error", got: "func F(x int, y int) (err error)"},
		{name: "no func", want: "func F()", got: "func f()", diff: "F: missing"},
		{name: "param type", want: "func F(a int)", got: "func F(a int64)", diff: "F: want"},
		{name: "param count", want: "func F(a int)", got: "func F(a, b int)", diff: "F: want"},
		{name: "result", want: "func F() error", got: "func F()", diff: "F: want"},
		{name: "variadic", want: "func F(a ...int)", got: "func F(a []int)", diff: "F: want"},
		{name: "func and var", want: "func F()", got: "var F func()", diff: "F: want"},
		{name: "type parameter", want: "func F[T any](t T) {}", got: "func F[T comparable](t T) {}", diff: "F: want"},
		{name: "same type parameter", want: "func F[T ~int | ~string](t T) {}", got: "func F[E ~int | ~string](e E) {}"},
		{name: "union", want: "func F[T ~int | ~string](t T) {}", got: "func F[T int | ~string](t T) {}", diff: "F: want"},

		{name: "own type", want: "type T struct{}; func F(t *T)", got: "type T struct{}; func F(t *T)"},
		{name: "own type by value", want: "type T struct{}; func F(t *T)", got: "type T struct{}; func F(t T)", diff: "F: want"},
		{name: "no type", want: "type T int", got: "type U int", diff: "T: missing"},
		{name: "underlying", want: "type T int", got: "type T uint", diff: "T: want"},
		{name: "alias", want: "type T = int", got: "type T int", diff: "T: want"},
		{name: "struct", want: "type T struct{}", got: "type T int", diff: "T: want a struct"},
		{name: "comparable", want: "type T struct{ A int }", got: "type T struct{ A int; b []int }", diff: "T: values"},

		{name: "more fields", want: "type T struct{ A int }", got: "type T struct{ B, A int; c string }"},
		{name: "no field", want: "type T struct{ A, B int }", got: "type T struct{ A int }", diff: "T.B: missing"},
		{name: "field type", want: "type T struct{ A []int }", got: "type T struct{ A [1]int }", diff: "T.A: want"},
		{name: "field func", want: "type T struct{ A func(p []byte) bool }", got: "type T struct{ A func(p []byte) }", diff: "T.A: want"},
		{name: "field tag", want: "type T struct{ A int `a` }", got: "type T struct{ A int `b` }", diff: "T.A: want tag"},
		{name: "unexported field", want: "type T struct{ a int }", got: "type T struct{}"},

		{name: "no method", want: "type T int; func (T) M() {}", got: "type T int", diff: "(T).M: missing"},
		{name: "method receiver", want: "type T int; func (T) M() {}", got: "type T int; func (*T) M() {}", diff: "(T).M: missing"},
		{name: "method result", want: "type T int; func (*T) M() int { return 0 }", got: "type T int; func (*T) M() {}", diff: "(*T).M: want"},
		{name: "promoted method", want: "type T struct{}; func (T) M() {}", got: "type T struct{ u }; type u struct{}; func (u) M() {}"},
		{name: "interface", want: "type T interface{ M(); N() }", got: "type T interface{ M() }", diff: "T: want"},
		{name: "interface method", want: "type T interface{ M(int) }", got: "type T interface{ M(string) }", diff: "T: want"},

		{name: "no const", want: "const C = 1", got: "const D = 1", diff: "C: missing"},
		{name: "const type", want: "const C int = 1", got: "const C = 1", diff: "C: want"},
		{name: "const value", want: "const C int = 1", got: "const C int = 2", diff: "C: want value"},
		{name: "const value of no interest", want: "const C int = 1", got: "const C int = 2", anyValue: []string{"C"}},
		{name: "const value of no interest elsewhere", want: "const C int = 1", got: "const C int = 2", anyValue: []string{"D"}, diff: "C: want value"},
		{name: "const and var", want: "const C int = 1", got: "var C int = 1", diff: "C: want"},

		{name: "no var", want: "var V error", got: "var W error", diff: "V: missing"},
		{name: "var type", want: "var V map[string]int", got: "var V map[string]any", diff: "V: want"},
		{name: "channel", want: "var V chan int", got: "var V <-chan int", diff: "V: want"},
		{name: "literal struct", want: "var V struct{ a, B int }", got: "var V struct{ B, a int }", diff: "V: want"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := Rules{WantModule: "example.com/want", GotModule: "example.com/got", AnyValue: tt.anyValue}
			diffs := rules.Missing(
				check(t, "example.com/want/p", tt.want),
				check(t, "example.com/got/p", tt.got))
			switch {
			case tt.diff == "":
				if len(diffs) > 0 {
					t.Errorf("got %q, want no difference", diffs)
				}
			case len(diffs) == 0 || !strings.HasPrefix(diffs[0], tt.diff):
				t.Errorf("got %q, want %q", diffs, tt.diff)
			}
		})
	}
}

// TestMissingOtherPackage has types of the same name in packages that do not correspond
// to each other.
func TestMissingOtherPackage(t *testing.T) {
	rules := Rules{WantModule: "example.com/want", GotModule: "example.com/got"}
	const src = "type T struct{}; var V T"
	want, got := check(t, "example.com/want/p", src), check(t, "example.com/got/q", src)
	if diffs := rules.Missing(want, got); len(diffs) != 1 || !strings.HasPrefix(diffs[0], "V: want") {
		t.Errorf("got %q, want a difference of V", diffs)
	}
}

func check(t *testing.T, path, src string) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", "package p; "+src, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{IgnoreFuncBodies: true}).Check(path, fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}
