package apicompat

import (
	"go/types"
	"strings"
)

// same reports whether two types are identical, except for the package that declares
// them.
func (c *comparison) same(want, got types.Type) bool {
	want, got = types.Unalias(want), types.Unalias(got)
	switch w := want.(type) {
	case *types.Basic:
		g, ok := got.(*types.Basic)
		return ok && w.Kind() == g.Kind()
	case *types.Named:
		g, ok := got.(*types.Named)
		return ok && c.sameName(w.Obj(), g.Obj()) && c.sameList(w.TypeArgs(), g.TypeArgs())
	case *types.TypeParam:
		g, ok := got.(*types.TypeParam)
		return ok && w.Index() == g.Index()
	case *types.Pointer:
		g, ok := got.(*types.Pointer)
		return ok && c.same(w.Elem(), g.Elem())
	case *types.Slice:
		g, ok := got.(*types.Slice)
		return ok && c.same(w.Elem(), g.Elem())
	case *types.Array:
		g, ok := got.(*types.Array)
		return ok && w.Len() == g.Len() && c.same(w.Elem(), g.Elem())
	case *types.Map:
		g, ok := got.(*types.Map)
		return ok && c.same(w.Key(), g.Key()) && c.same(w.Elem(), g.Elem())
	case *types.Chan:
		g, ok := got.(*types.Chan)
		return ok && w.Dir() == g.Dir() && c.same(w.Elem(), g.Elem())
	case *types.Signature:
		g, ok := got.(*types.Signature)
		return ok && c.sameSignature(w, g)
	case *types.Struct:
		g, ok := got.(*types.Struct)
		return ok && c.sameStruct(w, g)
	case *types.Interface:
		g, ok := got.(*types.Interface)
		return ok && c.sameInterface(w, g)
	case *types.Union:
		g, ok := got.(*types.Union)
		return ok && c.sameUnion(w, g)
	}
	return false
}

func (c *comparison) sameName(want, got *types.TypeName) bool {
	if want.Name() != got.Name() {
		return false
	}
	if want.Pkg() == nil || got.Pkg() == nil { // error, comparable
		return want.Pkg() == got.Pkg()
	}
	return c.inGot(want.Pkg().Path()) == got.Pkg().Path()
}

// inGot translates a path in want's module to got's module.
func (c *comparison) inGot(path string) string {
	rest, ok := strings.CutPrefix(path, c.WantModule)
	if ok && (rest == "" || rest[0] == '/') {
		return c.GotModule + rest
	}
	return path
}

func (c *comparison) sameList(want, got *types.TypeList) bool {
	if want.Len() != got.Len() {
		return false
	}
	for i := range want.Len() {
		if !c.same(want.At(i), got.At(i)) {
			return false
		}
	}
	return true
}

func (c *comparison) sameSignature(want, got *types.Signature) bool {
	return want.Variadic() == got.Variadic() &&
		c.sameTypeParams(want.TypeParams(), got.TypeParams()) &&
		c.sameTuple(want.Params(), got.Params()) &&
		c.sameTuple(want.Results(), got.Results())
}

func (c *comparison) sameTuple(want, got *types.Tuple) bool {
	if want.Len() != got.Len() {
		return false
	}
	for i := range want.Len() {
		if !c.same(want.At(i).Type(), got.At(i).Type()) {
			return false
		}
	}
	return true
}

func (c *comparison) sameStruct(want, got *types.Struct) bool {
	if want.NumFields() != got.NumFields() {
		return false
	}
	for i := range want.NumFields() {
		w, g := want.Field(i), got.Field(i)
		if w.Name() != g.Name() || w.Embedded() != g.Embedded() ||
			want.Tag(i) != got.Tag(i) || !c.same(w.Type(), g.Type()) {
			return false
		}
	}
	return true
}

func (c *comparison) sameInterface(want, got *types.Interface) bool {
	if want.NumMethods() != got.NumMethods() || want.NumEmbeddeds() != got.NumEmbeddeds() ||
		want.IsComparable() != got.IsComparable() {
		return false
	}
	// Both list their methods by name.
	for i := range want.NumMethods() {
		w, g := want.Method(i), got.Method(i)
		if w.Name() != g.Name() || !c.same(w.Type(), g.Type()) {
			return false
		}
	}
	for i := range want.NumEmbeddeds() {
		if !c.same(want.EmbeddedType(i), got.EmbeddedType(i)) {
			return false
		}
	}
	return true
}

func (c *comparison) sameUnion(want, got *types.Union) bool {
	if want.Len() != got.Len() {
		return false
	}
	for i := range want.Len() {
		w, g := want.Term(i), got.Term(i)
		if w.Tilde() != g.Tilde() || !c.same(w.Type(), g.Type()) {
			return false
		}
	}
	return true
}

// sameTypeParams compares constraints. Either list may be nil.
func (c *comparison) sameTypeParams(want, got *types.TypeParamList) bool {
	if want.Len() != got.Len() {
		return false
	}
	for i := range want.Len() {
		if !c.same(want.At(i).Constraint(), got.At(i).Constraint()) {
			return false
		}
	}
	return true
}

func typeParams(name *types.TypeName) *types.TypeParamList {
	if named, ok := name.Type().(*types.Named); ok {
		return named.TypeParams()
	}
	return nil
}
