package netstream

import (
	"reflect"
	"sync"
)

// plainTypes caches the results of isPlain.
var plainTypes sync.Map // from reflect.Type to bool

// isPlain reports whether no value of type t can contain another stream, judged by the
// types of its fields. Close of a plain stream sends nothing, unlike that of TLS with
// its alert.
func isPlain(t reflect.Type) bool {
	if plain, ok := plainTypes.Load(t); ok {
		return plain.(bool)
	}
	return findPlain(t)
}

// findPlain is isPlain for a type that is not in plainTypes. It is not inlined, since its
// map would be on the stack of each handshake.
//
//go:noinline
func findPlain(t reflect.Type) bool {
	plain := isPlainBut(t, make(map[reflect.Type]bool))
	plainTypes.Store(t, plain)
	return plain
}

// isPlainBut is isPlain for types that are not in seen.
func isPlainBut(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Func:
		return false // the variables of a closure are unknown
	case reflect.Interface:
		_, reads := t.MethodByName("Read")
		_, writes := t.MethodByName("Write")
		_, closes := t.MethodByName("Close")
		return t.NumMethod() > 0 && !reads && !writes && !closes
	case reflect.Map:
		return isPlainBut(t.Key(), seen) && isPlainBut(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		return isPlainBut(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if !isPlainBut(t.Field(i).Type, seen) {
				return false
			}
		}
	}
	return true
}
