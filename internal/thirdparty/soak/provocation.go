package main

import (
	"strings"

	"github.com/bhojpur/api/internal/rawpeer"
)

// provocation is input that makes a server fail the connection.
type provocation struct {
	name  string
	bytes func(r *raw) []byte
	code  int // of the server's close frame
}

// frames returns frames with the required masking.
func frames(fs ...rawpeer.Frame) func(r *raw) []byte {
	return func(r *raw) []byte { return r.masked(fs...) }
}

// unmasked returns frames without masking.
func unmasked(fs ...rawpeer.Frame) func(r *raw) []byte {
	return func(*raw) []byte { return rawpeer.AppendFrames(nil, fs...) }
}

// declared returns a frame header that declares n bytes in the given form, without a
// payload.
func declared(f rawpeer.Frame, form rawpeer.LengthForm, n uint64) func(r *raw) []byte {
	return func(*raw) []byte { return rawpeer.AppendHeader(nil, f.WithKey([4]byte{1, 2, 3, 4}), form, n) }
}

// violations violate the protocol.
var violations = []provocation{
	{"a frame that is not masked", unmasked(rawpeer.Text("hello")), 1002},
	{"a reserved bit", frames(rawpeer.Text("hello").WithRSV(rawpeer.RSV2)), 1002},
	{"compression that was not agreed on", frames(rawpeer.Text("hello").WithRSV(rawpeer.RSV1)), 1002},
	{"a reserved opcode", frames(rawpeer.Frame{Fin: true, Opcode: 3}), 1002},
	{"a reserved control opcode", frames(rawpeer.Frame{Fin: true, Opcode: 0xb}), 1002},
	{"a ping in fragments", frames(rawpeer.Ping("hello").More()), 1002},
	{"a long ping", frames(rawpeer.Ping(strings.Repeat("p", 126))), 1002},
	{"the end of no message", frames(rawpeer.Continuation("hello")), 1002},
	{"a message inside another", frames(rawpeer.Text("hello").More(), rawpeer.Text("hello")), 1002},
	{"a length of 16 bits for a short one", declared(rawpeer.Text(""), rawpeer.Length16, 10), 1002},
	{"a length of 64 bits for a short one", declared(rawpeer.Text(""), rawpeer.Length64, 1000), 1002},
	{"a length of 64 bits and a sign", declared(rawpeer.Text(""), rawpeer.Length64, 1<<63), 1002},
	{"half a close code", frames(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpClose, Payload: []byte{3}}), 1002},
	{"a close code that is never sent", frames(rawpeer.Close(1005, "")), 1002},
	{"an undefined close code", frames(rawpeer.Close(2000, "")), 1002},
}

// garbled is text that is not UTF-8.
var garbled = []provocation{
	{"a byte that is in no text", frames(rawpeer.Text("hello \xff")), 1007},
	{"an overlong slash", frames(rawpeer.Text("\xc0\xaf")), 1007},
	{"a surrogate", frames(rawpeer.Text("hello \xed\xa0\x80")), 1007},
	{"half a character", frames(rawpeer.Text("hello \xe2\x82")), 1007},
	{"wrong across fragments", frames(rawpeer.Text("hello \xe2").More(), rawpeer.Continuation("\x82x")), 1007},
	{"wrong before the end", frames(rawpeer.Text("hello \xf4\x90").More()), 1007},
	{"in a close reason", frames(rawpeer.Close(1000, "\xff")), 1007},
}

// oversized exceeds the read limit.
var oversized = []provocation{
	{"a byte too long", declared(rawpeer.Text(""), rawpeer.Shortest, longest+1), 1009},
	{"a length without a payload", declared(rawpeer.Binary(nil), rawpeer.Length64, 1<<62), 1009},
	{"too long in fragments", func(r *raw) []byte {
		half := rawpeer.Binary(r.corpus.binary[:longest/2+1])
		b := r.masked(half.More())
		half.Opcode = rawpeer.OpContinuation
		return append(b, r.masked(half)...)
	}, 1009},
}
