package websocket

import (
	"bytes"
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

// bytesInJS returns the bytes of what arrived, an ArrayBuffer or a string, as
// a Uint8Array.
func bytesInJS(from js.Value) js.Value {
	if from.Type() == js.TypeString {
		return textEncoder.Call("encode", from)
	}
	return uint8Array.New(from)
}

// bytesToGo copies a Uint8Array.
func bytesToGo(array js.Value) []byte {
	p := make([]byte, array.Length())
	js.CopyBytesToGo(p, array)
	return p
}
