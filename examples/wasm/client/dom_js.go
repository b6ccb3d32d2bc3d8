package main

import "syscall/js"

var (
	window   = js.Global()
	document = window.Get("document")
)

func byID(id string) js.Value { return document.Call("getElementById", id) }

// create returns an element with a class and children, which are nodes or text. Text is
// never parsed as HTML.
func create(tag, class string, children ...any) js.Value {
	element := document.Call("createElement", tag)
	if class != "" {
		element.Set("className", class)
	}
	element.Call("append", children...)
	return element
}

func addClass(element js.Value, class string) {
	element.Get("classList").Call("add", class)
}

// listen registers handle for an event of an element. handle must not block, since the
// browser waits for it.
func listen(target js.Value, event string, handle func(event js.Value)) {
	target.Call("addEventListener", event, js.FuncOf(func(_ js.Value, args []js.Value) any {
		handle(args[0])
		return nil
	}))
}

// The storage of a page.
const (
	forTab  = "sessionStorage"
	forGood = "localStorage"
)

// recall returns a stored string, or "".
func recall(storage, name string) string {
	var kept string
	tolerant(func() {
		if v := window.Get(storage).Call("getItem", name); v.Type() == js.TypeString {
			kept = v.String()
		}
	})
	return kept
}

func keep(storage, name, value string) {
	tolerant(func() { window.Get(storage).Call("setItem", name, value) })
}

// tolerant runs f and recovers from an exception of JavaScript: storage may be disabled.
func tolerant(f func()) {
	defer func() {
		if thrown := recover(); thrown != nil {
			if _, ok := thrown.(js.Error); !ok {
				panic(thrown)
			}
		}
	}()
	f()
}
