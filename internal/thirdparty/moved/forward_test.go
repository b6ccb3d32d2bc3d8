package moved

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// writeForwarder writes a module with the path of another library, whose packages
// forward to this library's.
func writeForwarder(t *testing.T, dir, library string) {
	t.Helper()
	write(t, filepath.Join(dir, "go.mod"), fmt.Sprintf("module %s\n\ngo %s\n\nrequire %s v0.0.0\n", library, languageVersion(t), ours))
	for _, pkg := range []string{"", "wsjson", "wspb"} {
		write(t, filepath.Join(dir, pkg, "forward.go"), forwarder(t, pkg))
	}
}

// forwarder returns the source of a package that forwards all exported names of a
// package of this library.
func forwarder(t *testing.T, pkg string) string {
	t.Helper()
	dir := filepath.Join(root(t), pkg)
	listed, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport forwarded %q\n", listed.Name, path.Join(ours, pkg))
	for _, file := range listed.GoFiles {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			for _, line := range forwardings(decl) {
				fmt.Fprintln(&b, line)
			}
		}
	}
	return b.String()
}

// forwardings returns declarations that forward the exported names of decl.
func forwardings(decl ast.Decl) (lines []string) {
	forward := func(keyword string, name *ast.Ident) {
		if name.IsExported() {
			lines = append(lines, fmt.Sprintf("%s %s = forwarded.%[2]s", keyword, name.Name))
		}
	}
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			forward("var", decl.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				forward("type", spec.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					forward(decl.Tok.String(), name)
				}
			}
		}
	}
	return lines
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// setUpCoder removes the tests of coder's own module except those of package
// websocket_test, which use the exported API, and a few names that
// testdata/coder/export_test.go derives from it. With this library it also turns the
// module into the forwarder.
func setUpCoder(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		isTest := strings.HasSuffix(file, "_test.go")
		external := isTest && packageName(t, file) == "websocket_test"
		if external || *with == "own" && (!isTest || filepath.Base(file) == "export_test.go") {
			continue
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	patch(t, dir, "coder.patch")
	if *with == "own" {
		return
	}
	if err := os.RemoveAll(filepath.Join(dir, "wsjson")); err != nil {
		t.Fatal(err)
	}
	writeForwarder(t, dir, coder)
	copyTree(t, dir, filepath.Join("testdata", "coder"))
}

// packageName returns the name in a file's package clause.
func packageName(t *testing.T, file string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Name.Name
}
