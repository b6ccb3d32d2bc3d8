package main

import (
	"strings"

	"github.com/bhojpur/api/internal/wstest"
)

// provocation is what a server ends the connection for.
type provocation struct {
	name  string
	bytes func(r *raw) []byte
	code  int // of the server's close frame
}

// frames are frames that are masked as they should be.
func frames(fs ...wstest.Frame) func(r *raw) []byte {
	return func(r *raw) []byte { return r.masked(fs...) }
}

// unmasked are frames that are not.
func unmasked(fs ...wstest.Frame) func(r *raw) []byte {
	return func(*raw) []byte { return wstest.AppendFrames(nil, fs...) }
}

// declared is a frame that says that it has n bytes, written in a form, and none of
// them.
func declared(f wstest.Frame, form wstest.LengthForm, n uint64) func(r *raw) []byte {
	return func(*raw) []byte { return wstest.AppendHeader(nil, f.WithKey([4]byte{1, 2, 3, 4}), form, n) }
}

// violations of the protocol.
var violations = []provocation{
	{"a frame that is not masked", unmasked(wstest.Text("hello")), 1002},
	{"a reserved bit", frames(wstest.Text("hello").WithRSV(wstest.RSV2)), 1002},
	{"compression that was not agreed on", frames(wstest.Text("hello").WithRSV(wstest.RSV1)), 1002},
	{"a reserved opcode", frames(wstest.Frame{Fin: true, Opcode: 3}), 1002},
	{"a reserved control opcode", frames(wstest.Frame{Fin: true, Opcode: 0xb}), 1002},
	{"a ping in fragments", frames(wstest.Ping("hello").More()), 1002},
	{"a long ping", frames(wstest.Ping(strings.Repeat("p", 126))), 1002},
	{"the end of no message", frames(wstest.Continuation("hello")), 1002},
	{"a message inside another", frames(wstest.Text("hello").More(), wstest.Text("hello")), 1002},
	{"a length of 16 bits for a short one", declared(wstest.Text(""), wstest.Length16, 10), 1002},
	{"a length of 64 bits for a short one", declared(wstest.Text(""), wstest.Length64, 1000), 1002},
	{"a length of 64 bits and a sign", declared(wstest.Text(""), wstest.Length64, 1<<63), 1002},
	{"half a close code", frames(wstest.Frame{Fin: true, Opcode: wstest.OpClose, Payload: []byte{3}}), 1002},
	{"a close code that is never sent", frames(wstest.Close(1005, "")), 1002},
	{"a close code that nobody has", frames(wstest.Close(2000, "")), 1002},
}

// garbled is text that is not UTF-8.
var garbled = []provocation{
	{"a byte that is in no text", frames(wstest.Text("hello \xff")), 1007},
	{"an overlong slash", frames(wstest.Text("\xc0\xaf")), 1007},
	{"a surrogate", frames(wstest.Text("hello \xed\xa0\x80")), 1007},
	{"half a character", frames(wstest.Text("hello \xe2\x82")), 1007},
	{"wrong across fragments", frames(wstest.Text("hello \xe2").More(), wstest.Continuation("\x82x")), 1007},
	{"wrong before the end", frames(wstest.Text("hello \xf4\x90").More()), 1007},
	{"in a close reason", frames(wstest.Close(1000, "\xff")), 1007},
}

// oversized is what is over the read limit.
var oversized = []provocation{
	{"a byte too long", declared(wstest.Text(""), wstest.Shortest, longest+1), 1009},
	{"a length that nobody has", declared(wstest.Binary(nil), wstest.Length64, 1<<62), 1009},
	{"too long in fragments", func(r *raw) []byte {
		half := wstest.Binary(r.corpus.binary[:longest/2+1])
		b := r.masked(half.More())
		half.Opcode = wstest.OpContinuation
		return append(b, r.masked(half)...)
	}, 1009},
}
