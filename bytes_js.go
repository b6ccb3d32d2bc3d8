package websocket

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall/js"
)

// What Go refers to, JavaScript keeps until Go's garbage collector has found
// that Go does not refer to it any more. The collector runs when Go's memory
// has grown, and does not see what JavaScript holds: a program that sends the
// same megabyte a thousand times would hold a gigabyte. So bytes go out
// through an array that is used again, and everything else of a message's
// size is made along with something of that size in Go's memory.

// byteArray is a Uint8Array to send from.
type byteArray struct {
	array js.Value
	size  int
}

// byteArrays holds at most a few. The collector empties it, as it does free
// the arrays themselves.
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
	arrayBuffer    = js.Global().Get("ArrayBuffer")
	objectToString = js.Global().Get("Object").Get("prototype").Get("toString")
)

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

// bytesToGo copies a Uint8Array.
func bytesToGo(array js.Value) []byte {
	p := make([]byte, array.Length())
	js.CopyBytesToGo(p, array)
	return p
}
