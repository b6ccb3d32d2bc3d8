// Package apicompat compares the exported API of two Go packages, to test whether one
// can replace the other at compile time.
package apicompat

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
)

// Rules define the comparison of two packages.
type Rules struct {
	// WantModule and GotModule are the paths of the modules: types of the same name at
	// the same place in the two modules are the same type.
	WantModule, GotModule string

	// AnyValue lists the constants whose values may differ.
	AnyValue []string
}

// Missing returns a line for each exported name of want that got lacks or declares
// differently: functions, types with their fields and methods, constants and variables.
// Additional names in got are allowed, and names of parameters are ignored.
func (r Rules) Missing(want, got *types.Package) []string {
	c := &comparison{Rules: r, got: got}
	for _, name := range want.Scope().Names() {
		if token.IsExported(name) {
			c.object(name, want.Scope().Lookup(name), got.Scope().Lookup(name))
		}
	}
	return c.diffs
}

type comparison struct {
	Rules
	got   *types.Package
	diffs []string
}

func (c *comparison) differ(format string, args ...any) {
	c.diffs = append(c.diffs, fmt.Sprintf(format, args...))
}

// object compares two package-level declarations. got is nil if it does not exist.
func (c *comparison) object(name string, want, got types.Object) {
	if got == nil {
		c.differ("%s: missing: %v", name, want)
		return
	}
	switch want := want.(type) {
	case *types.Func:
		if got, ok := got.(*types.Func); ok {
			c.declared(name, want.Type(), got.Type())
			return
		}
	case *types.Var:
		if got, ok := got.(*types.Var); ok {
			c.declared(name, want.Type(), got.Type())
			return
		}
	case *types.Const:
		if got, ok := got.(*types.Const); ok {
			c.declared(name, want.Type(), got.Type())
			if !slices.Contains(c.AnyValue, name) && !constant.Compare(want.Val(), token.EQL, got.Val()) {
				c.differ("%s: want value %v, got %v", name, want.Val(), got.Val())
			}
			return
		}
	case *types.TypeName:
		if got, ok := got.(*types.TypeName); ok {
			c.typeName(name, want, got)
			return
		}
	}
	c.differ("%s: want %v, got %v", name, want, got)
}

// declared compares the declared types of a name.
func (c *comparison) declared(name string, want, got types.Type) {
	if !c.same(want, got) {
		c.differ("%s: want %v, got %v", name, want, got)
	}
}

func (c *comparison) typeName(name string, want, got *types.TypeName) {
	if want.IsAlias() != got.IsAlias() {
		c.differ("%s: want %v, got %v", name, want, got)
		return
	}
	if want.IsAlias() {
		c.declared(name, want.Type(), got.Type())
		return
	}
	if !c.sameTypeParams(typeParams(want), typeParams(got)) {
		c.differ("%s: want %v, got %v", name, want, got)
		return
	}
	c.underlying(name, want.Type(), got.Type())
	c.methods(name, want.Type(), got.Type())
	c.methods("*"+name, types.NewPointer(want.Type()), types.NewPointer(got.Type()))
}

// underlying compares the underlying types of two named types. Of structs it compares
// the exported fields, in any order, and whether values are comparable.
func (c *comparison) underlying(name string, want, got types.Type) {
	w, ok := want.Underlying().(*types.Struct)
	if !ok {
		if !c.same(want.Underlying(), got.Underlying()) {
			c.differ("%s: want %v, got %v", name, want.Underlying(), got.Underlying())
		}
		return
	}
	g, ok := got.Underlying().(*types.Struct)
	if !ok {
		c.differ("%s: want a struct, got %v", name, got.Underlying())
		return
	}
	if allExported(w) && types.Comparable(w) && !types.Comparable(g) {
		c.differ("%s: values can't be compared", name)
	}
	fields := make(map[string]int)
	for i := range g.NumFields() {
		fields[g.Field(i).Name()] = i
	}
	for i := range w.NumFields() {
		field := w.Field(i)
		if !field.Exported() {
			continue
		}
		j, ok := fields[field.Name()]
		switch {
		case !ok:
			c.differ("%s.%s: missing: %v", name, field.Name(), field.Type())
		case !c.same(field.Type(), g.Field(j).Type()) || field.Embedded() != g.Field(j).Embedded():
			c.differ("%s.%s: want %v, got %v", name, field.Name(), field.Type(), g.Field(j).Type())
		case w.Tag(i) != g.Tag(j):
			c.differ("%s.%s: want tag %q, got %q", name, field.Name(), w.Tag(i), g.Tag(j))
		}
	}
}

func allExported(s *types.Struct) bool {
	for field := range s.Fields() {
		if !field.Exported() {
			return false
		}
	}
	return true
}

// methods compares the exported methods, promoted ones included.
func (c *comparison) methods(name string, want, got types.Type) {
	if types.IsInterface(want) {
		return // the underlying types are compared
	}
	has := types.NewMethodSet(got)
	for sel := range types.NewMethodSet(want).Methods() {
		method := sel.Obj()
		if !method.Exported() {
			continue
		}
		name := fmt.Sprintf("(%s).%s", name, method.Name())
		if s := has.Lookup(c.got, method.Name()); s == nil {
			c.differ("%s: missing: %v", name, method.Type())
		} else {
			c.declared(name, method.Type(), s.Obj().Type())
		}
	}
}
