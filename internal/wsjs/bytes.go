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

// byteArray is a Uint8Array to send from.
type byteArray struct {
	array js.Value
	size  int
}

// byteArrays has at most a few. The garbage collector empties it, and frees the
// arrays.
var byteArrays sync.Pool // of *byteArray

// minByteArray spares small messages an array each.
const minByteArray = 64 << 10

// borrowBytes returns an array of n bytes at least.
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

// byteOrderMark is U+FEFF. At the beginning of a text it is a part of it to
// WebSocket (RFC 6455 section 5.6), but not to the decoder with which strings
// come to JavaScript from Go.
var byteOrderMark = []byte("\uFEFF")

// textDecoder decodes a byte order mark like all else.
var textDecoder = sync.OnceValue(func() js.Value {
	return js.Global().Get("TextDecoder").New("utf-8", map[string]any{"ignoreBOM": true})
})

// textToJS returns p, which is valid UTF-8, as a string of JavaScript. The copy
// that it makes in Go's memory has the collector run, which has JavaScript let
// go of the texts that were sent.
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

// Data is a message that has arrived. Its bytes are in JavaScript's memory. The zero
// value is none.
type Data struct {
	IsText bool
	array  js.Value // a Uint8Array
}

// DataOf returns v as a message, which is a string, an ArrayBuffer or a view of one.
func DataOf(v js.Value) (Data, error) {
	array, err := bytesInJS(v)
	return Data{v.Type() == js.TypeString, array}, err
}

// IsZero reports whether d is none.
func (d Data) IsZero() bool { return !d.array.Truthy() }

// Len returns how many bytes the message has.
func (d Data) Len() int { return d.array.Length() }

// Bytes copies the message. It runs no method of Events.
func (d Data) Bytes() []byte {
	p := make([]byte, d.array.Length())
	js.CopyBytesToGo(p, d.array)
	return p
}

// bytesInJS returns the bytes of what arrived, a string, an ArrayBuffer or a
// view of one, as a Uint8Array. Anything else is an error: the WebSocket is not
// the browser's own, or does not honor binaryType.
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

// errMessageData is the error of a message event whose data is no message.
var errMessageData = errors.New("the WebSocket gave a message that is no string, ArrayBuffer or view of one")

// kindOf names what v is, such as null, number or Blob.
func kindOf(v js.Value) string {
	if v.Type() != js.TypeObject {
		return v.Type().String()
	}
	tag := objectToString.Call("call", v).String() // "[object Blob]"
	return strings.TrimSuffix(strings.TrimPrefix(tag, "[object "), "]")
}
