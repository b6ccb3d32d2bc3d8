package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// code is a package as built for the current platform, without its tests.
type code struct {
	dir   string
	decls map[string]decl // its functions, by Name or Type.Name
	calls graph           // the functions that a function refers to
	uses  graph           // the files that declare the names used by a file
}

// decl is the declaration of a function.
type decl struct {
	file  string
	lines int
	recv  string // the receiver's type, or ""
}

// load loads the package in a directory. Calls through interfaces are not followed.
func load(dir string) (*code, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes |
			packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps,
		Dir: dir,
	}, ".")
	if err != nil {
		return nil, err
	}
	p := loaded[0]
	var problems []error
	for _, e := range p.Errors {
		problems = append(problems, e)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	c := &code{dir: dir, decls: map[string]decl{}, calls: graph{}, uses: graph{}}
	file := func(pos token.Pos) string { return filepath.Base(p.Fset.Position(pos).Filename) }
	for id, o := range p.TypesInfo.Uses {
		if o.Pkg() == p.Types && o.Pos().IsValid() {
			c.uses.add(file(id.Pos()), file(o.Pos()))
		}
	}
	for _, f := range p.Syntax {
		for _, d := range f.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Body == nil {
				continue
			}
			fn := p.TypesInfo.Defs[fd.Name].(*types.Func)
			name := nameOf(fn)
			c.decls[name] = decl{
				file:  file(fd.Pos()),
				lines: p.Fset.Position(fd.End()).Line - p.Fset.Position(fd.Pos()).Line + 1,
				recv:  receiver(fn),
			}
			for n := range ast.Preorder(fd.Body) {
				id, ok := n.(*ast.Ident)
				if !ok {
					continue
				}
				if callee, ok := p.TypesInfo.Uses[id].(*types.Func); ok && callee.Pkg() == p.Types {
					c.calls.add(name, nameOf(callee))
				}
			}
		}
	}
	for f, to := range c.calls {
		for g := range to {
			if _, ok := c.decls[g]; !ok { // an interface method
				delete(c.calls[f], g)
			}
		}
	}
	return c, nil
}

// nameOf returns Name or Type.Name.
func nameOf(fn *types.Func) string {
	if r := receiver(fn); r != "" {
		return r + "." + fn.Name()
	}
	return fn.Name()
}

// receiver returns the name of a method's receiver type, or "".
func receiver(fn *types.Func) string {
	recv := fn.Origin().Signature().Recv()
	if recv == nil {
		return ""
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return t.String()
}

// figure returns a figure of the package by its name, and the function, type or file
// that has it.
func (c *code) figure(name string) (n int, which string, err error) {
	switch name {
	case "code-files", "test-files", "named-test-files":
		return c.files(name)
	case "function-lines":
		lines := map[string]int{}
		for f, d := range c.decls {
			lines[f] = d.lines
		}
		n, which = largest(lines)
		return n, which, nil
	case "type-methods":
		methods := map[string]int{}
		for _, d := range c.decls {
			if d.recv != "" {
				methods[d.recv]++
			}
		}
		n, which = largest(methods)
		return n, which, nil
	case "function-ring":
		ring := c.calls.largestRing()
		return max(1, len(ring)), strings.Join(ring, " "), nil
	case "file-ring":
		ring := c.uses.largestRing()
		return max(1, len(ring)), strings.Join(ring, " "), nil
	}
	method, what, ok := strings.Cut(name, ":")
	if _, declared := c.decls[method]; !ok || !declared {
		return 0, "", fmt.Errorf("%s has no figure %s", c.dir, name)
	}
	switch what {
	case "functions":
		return len(c.calls.reach(method)), "", nil
	case "files":
		files := map[string]bool{}
		for f := range c.calls.reach(method) {
			files[c.decls[f].file] = true
		}
		return len(files), strings.Join(slices.Sorted(maps.Keys(files)), " "), nil
	case "path":
		path := c.calls.longestPath(method)
		return len(path), strings.Join(path, " > "), nil
	}
	return 0, "", fmt.Errorf("%s has no figure %s", c.dir, name)
}

// files counts the files of the directory, for all platforms. named-test-files is
// the percentage of the test files that are named after a code file.
func (c *code) files(figure string) (n int, which string, err error) {
	all, err := filepath.Glob(filepath.Join(c.dir, "*.go"))
	if err != nil {
		return 0, "", err
	}
	named := map[string]bool{}
	var tests, strangers []string
	for _, f := range all {
		if name, ok := strings.CutSuffix(filepath.Base(f), "_test.go"); ok {
			tests = append(tests, name)
		} else {
			named[strings.TrimSuffix(filepath.Base(f), ".go")] = true
		}
	}
	for _, t := range tests {
		if !named[t] {
			strangers = append(strangers, t+"_test.go")
		}
	}
	switch figure {
	case "code-files":
		return len(named), "", nil
	case "test-files":
		return len(tests), "", nil
	}
	if len(tests) == 0 {
		return 100, "", nil
	}
	return 100 * (len(tests) - len(strangers)) / len(tests), "not: " + strings.Join(strangers, " "), nil
}

// largest returns the largest number, and the first name that has it.
func largest(m map[string]int) (n int, name string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if m[k] > n {
			n, name = m[k], k
		}
	}
	return n, name
}
