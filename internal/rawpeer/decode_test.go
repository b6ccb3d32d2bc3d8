package rawpeer

import (
	"slices"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	deflated := Deflated(Text("Hello"))
	for _, test := range []struct {
		name   string
		wire   []byte
		limit  int
		text   []string // of the messages
		rest   string
		codes  []int
		closed bool
		cut    bool
	}{
		{name: "nothing", limit: -1},
		{name: "two messages", wire: AppendFrames(nil, Text("a"), Ping("p"), Binary([]byte("b"))), limit: -1, text: []string{"a", "b"}},
		{name: "fragments", wire: AppendFrames(nil, Text("a").More(), Ping(""), Continuation("b")), limit: 2, text: []string{"ab"}},
		{name: "close", wire: AppendFrames(nil, Text("a"), Close(1000, ""), Text("b")), limit: -1, text: []string{"a"}, closed: true},
		{name: "close in a message", wire: AppendFrames(nil, Text("a").More(), Close(NoCode, "")), limit: -1, rest: "a", closed: true},
		{name: "header cut", wire: []byte{0x81}, limit: -1, cut: true},
		{name: "payload cut", wire: []byte("\x81\x03ab"), limit: -1, rest: "ab", cut: true},
		{name: "message cut", wire: AppendFrames(nil, Text("ab").More()), limit: -1, rest: "ab", cut: true},
		{name: "first byte", wire: AppendFrames(nil, Text("a"), Continuation("b"))[:4], limit: -1, text: []string{"a"}, codes: []int{1002}},
		{name: "masked", wire: []byte{0x81, 0x80}, limit: -1, codes: []int{1002}},
		{name: "long form", wire: []byte("\x81\x7f\x00\x00\x00\x00\x00\x00"), limit: -1, codes: []int{1002}},
		{name: "top bit", wire: []byte("\x81\x7f\x80"), limit: -1, codes: []int{1002}},
		{name: "too long", wire: AppendFrames(nil, Text("ab").More(), Continuation("c")), limit: 2, rest: "ab", codes: []int{1009}, cut: true},
		{name: "not UTF-8", wire: AppendFrames(nil, Text("ab\xff").More(), Continuation("c")), limit: -1, rest: "ab", codes: []int{1007}},
		{name: "UTF-8 cut", wire: AppendFrames(nil, Text("ab\xc3").More()), limit: -1, rest: "ab\xc3", cut: true},
		{name: "UTF-8 cut at the end", wire: AppendFrames(nil, Text("ab\xc3")), limit: -1, rest: "ab\xc3", codes: []int{1007}},
		{name: "compressed", wire: AppendFrames(nil, deflated), limit: 5, text: []string{"Hello"}},
		{name: "compressed, too long", wire: AppendFrames(nil, deflated), limit: 4, rest: "Hell", codes: []int{1009}},
		{name: "corrupt", wire: AppendFrames(nil, Text("\x07").WithRSV(RSV1)), limit: 4, codes: []int{1007}},
		{name: "bad close", wire: AppendFrames(nil, Close(1005, "")), limit: -1, codes: []int{1002}},
		{name: "close reason", wire: AppendFrames(nil, Close(1000, "\xff")), limit: -1, codes: []int{1007}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Decode(test.wire, Rules{Sender: Server, Deflate: ContextTakeover, Limit: test.limit})
			var text []string
			for _, m := range d.Messages {
				text = append(text, string(m.Payload))
			}
			if !slices.Equal(text, test.text) || string(d.Rest) != test.rest || !slices.Equal(d.Codes, test.codes) ||
				(d.Close != nil) != test.closed || len(test.codes) == 0 && d.Cut != test.cut {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// A final block may be anywhere, and the tail may be present or removed.
func TestInflateWhole(t *testing.T) {
	for payload, want := range map[string]string{
		"\xf2\x48\xcd\xc9\xc9\x07\x00":                         "Hello", // RFC 7692 section 7.2.3.1
		"\x00\x05\x00\xfa\xffHello\x00":                        "Hello", // 7.2.3.3
		"\xf3\x48\xcd\xc9\xc9\x07\x00\x00":                     "Hello", // 7.2.3.4
		"\xf3\x48\xcd\xc9\xc9\x07\x00":                         "Hello",
		"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00": "Hello", // 7.2.3.5
		"": "",
	} {
		if got, ok := InflateWhole([]byte(payload), nil, -1); !ok || string(got) != want {
			t.Errorf("% x: got %q, %t", payload, got, ok)
		}
	}
	// The second message of section 7.2.3.2 refers to the first.
	if got, ok := InflateWhole([]byte("\xf2\x00\x11\x00\x00"), []byte("Hello"), -1); !ok || string(got) != "Hello" {
		t.Errorf("got %q, %t with a dictionary", got, ok)
	}
	for _, payload := range []string{"\xf2", "\x07", "\xf2\x00\x11\x00\x00", "\x00\x05\x00\xfa\xffHell"} {
		if got, ok := InflateWhole([]byte(payload), nil, -1); ok {
			t.Errorf("% x is whole: %q", payload, got)
		}
	}
	if got, ok := InflateWhole(Deflated(Text(strings.Repeat("0", 5000))).Payload, nil, 100); !ok || len(got) != 101 {
		t.Errorf("got %d bytes, %t with a limit of 100", len(got), ok)
	}
}
