//go:build js

package wsjs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall/js"
)

// byteArray is a Uint8Array whose bytes are sent.
type byteArray struct {
	array js.Value
	size  int
}

// byteArrays holds few arrays. The garbage collector frees unused ones.
var byteArrays sync.Pool // of *byteArray

// minByteArray is the minimum size of an array, so that small messages share one.
const minByteArray = 64 << 10

// borrowBytes returns an array of at least n bytes.
func borrowBytes(n int) *byteArray {
	if b, ok := byteArrays.Get().(*byteArray); ok && b.size >= n {
		return b
	}
	n = max(n, minByteArray)
	return &byteArray{array: uint8Array.New(n), size: n}
}

func (b *byteArray) giveBack() { byteArrays.Put(b) }

// view returns the first n bytes as an array that shares their memory.
func (b *byteArray) view(n int) js.Value {
	if n == b.size {
		return b.array
	}
	return b.array.Call("subarray", 0, n)
}

// byteOrderMark is U+FEFF. At the beginning of a text WebSocket preserves it (RFC 6455
// section 5.6), but the decoder that converts strings of Go removes it.
var byteOrderMark = []byte("\uFEFF")

// textDecoder preserves a byte order mark.
var textDecoder = sync.OnceValue(func() js.Value {
	return js.Global().Get("TextDecoder").New("utf-8", map[string]any{"ignoreBOM": true})
})

// textToJS returns p, which is valid UTF-8, as a JavaScript string. It makes a copy in
// Go's memory, so that the collector runs and JavaScript frees the sent texts.
func textToJS(p []byte) js.Value {
	if bytes.HasPrefix(p, byteOrderMark) {
		b := uint8Array.New(len(p))
		js.CopyBytesToJS(b, p)
		return textDecoder().Call("decode", b)
	}
	return js.ValueOf(string(p))
}

var (
	uint8Array     = js.Global().Get("Uint8Array")
	textEncoder    = js.Global().Get("TextEncoder").New()
	arrayBuffer    = js.Global().Get("ArrayBuffer")
	objectToString = js.Global().Get("Object").Get("prototype").Get("toString")
)

// Data is a message that has arrived, in the memory of JavaScript. The zero value is no
// message.
type Data struct {
	IsText bool
	array  js.Value // a Uint8Array
}

// DataOf returns v, a string, an ArrayBuffer or a view of one, as a message.
func DataOf(v js.Value) (Data, error) {
	array, err := bytesInJS(v)
	return Data{v.Type() == js.TypeString, array}, err
}

// IsZero reports whether d is the zero value.
func (d Data) IsZero() bool { return !d.array.Truthy() }

// Len returns the length of the message in bytes.
func (d Data) Len() int { return d.array.Length() }

// Bytes returns a copy of the message. It calls no method of Events.
func (d Data) Bytes() []byte {
	p := make([]byte, d.array.Length())
	js.CopyBytesToGo(p, d.array)
	return p
}

// bytesInJS returns the bytes of a string, an ArrayBuffer or a view of one as a
// Uint8Array. Other values are an error: the WebSocket is not the browser's own, or does
// not honor binaryType.
func bytesInJS(from js.Value) (js.Value, error) {
	switch {
	case from.Type() == js.TypeString:
		return textEncoder.Call("encode", from), nil
	case from.Type() != js.TypeObject:
		return js.Value{}, fmt.Errorf("%w: %s", errMessageData, kindOf(from))
	case arrayBuffer.Call("isView", from).Bool():
		return uint8Array.New(from.Get("buffer"), from.Get("byteOffset"), from.Get("byteLength")), nil
	case kindOf(from) == "ArrayBuffer": // perhaps of another frame or context
		return uint8Array.New(from), nil
	}
	return js.Value{}, fmt.Errorf("%w: %s", errMessageData, kindOf(from))
}

// errMessageData is the error of a message event with invalid data.
var errMessageData = errors.New("the WebSocket delivered a message that is not a string, an ArrayBuffer or a view of one")

// kindOf returns the name of the type of v, such as null, number or Blob.
func kindOf(v js.Value) string {
	if v.Type() != js.TypeObject {
		return v.Type().String()
	}
	tag := objectToString.Call("call", v).String() // "[object Blob]"
	return strings.TrimSuffix(strings.TrimPrefix(tag, "[object "), "]")
}
