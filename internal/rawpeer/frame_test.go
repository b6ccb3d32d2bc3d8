package rawpeer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

var frames = []struct {
	name  string
	frame Frame
	wire  string // in hex; a prefix for long frames
}{
	// The examples of RFC 6455 section 5.7.
	{"text", Text("Hello"), "810548656c6c6f"},
	{"masked", Text("Hello").WithKey([4]byte{0x37, 0xfa, 0x21, 0x3d}), "818537fa213d7f9f4d5158"},
	{"fragment", Text("Hel").More(), "010348656c"},
	{"continuation", Continuation("lo"), "80026c6f"},
	{"ping", Ping("Hello"), "890548656c6c6f"},
	{"pong", Pong("Hello").WithKey([4]byte{0x37, 0xfa, 0x21, 0x3d}), "8a8537fa213d7f9f4d5158"},
	{"256 bytes", Binary(make([]byte, 256)), "827e0100"},
	{"64 KiB", Binary(make([]byte, 65536)), "827f0000000000010000"},

	{"empty", Binary([]byte{}), "8200"},
	{"125 bytes", Binary(make([]byte, 125)), "827d"},
	{"126 bytes", Binary(make([]byte, 126)), "827e007e"},
	{"65535 bytes", Binary(make([]byte, 65535)), "827effff"},
	{"close", Close(1000, "bye"), "880503e8627965"},
	{"close without code", Close(NoCode, ""), "8800"},
	{"reserved bits", Text("x").WithRSV(RSV1 | RSV3), "d10178"},
	{"reserved opcode", Frame{Fin: true, Opcode: 0xb}, "8b00"},
}

func TestFrames(t *testing.T) {
	for _, test := range frames {
		t.Run(test.name, func(t *testing.T) {
			wire := AppendFrame([]byte("before"), test.frame)[len("before"):]
			if got := hex.EncodeToString(wire); !strings.HasPrefix(got, test.wire) {
				t.Fatalf("got %.40s, want %s", got, test.wire)
			}
			got, n, err := ParseFrame(append(wire, "behind"...))
			if err != nil || n != len(wire) {
				t.Fatalf("parsed %d bytes, %v, want %d", n, err, len(wire))
			}
			if got.String() != test.frame.String() || got.Key != test.frame.Key || !bytes.Equal(got.Payload, test.frame.Payload) {
				t.Fatalf("got %v, want %v", got, test.frame)
			}
			for _, n := range []int{0, 1, len(wire) - 1} {
				if _, _, err := ParseFrame(wire[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("got %v for %d bytes, want io.ErrUnexpectedEOF", err, n)
				}
			}
		})
	}
}

func TestInvalidFrames(t *testing.T) {
	for _, test := range []struct {
		name   string
		form   LengthForm
		length uint64
		wire   string
		err    error
	}{
		{"16 bits for 5", Length16, 5, "817e000548656c6c6f", ErrNotShortest},
		{"64 bits for 5", Length64, 5, "817f000000000000000548656c6c6f", ErrNotShortest},
		{"top bit", Length64, 1<<63 | 5, "817f800000000000000548656c6c6f", ErrTopBit},
		{"too much declared", Shortest, 6, "810648656c6c6f", io.ErrUnexpectedEOF},
		{"too little declared", Shortest, 4, "810448656c6c6f", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			wire := AppendFrameAs(nil, Text("Hello"), test.form, test.length)
			if got := hex.EncodeToString(wire); got != test.wire {
				t.Fatalf("got %s, want %s", got, test.wire)
			}
			if _, _, err := ParseFrame(wire); !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
		})
	}
}

func FuzzParseFrames(f *testing.F) {
	for _, test := range frames {
		f.Add(AppendFrame(nil, test.frame))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseFrames(b)
		wire := AppendFrames(nil, got...)
		if !bytes.HasPrefix(b, wire) || err == nil && len(wire) < len(b) {
			t.Fatalf("% x was parsed and encoded as % x", b, wire)
		}
	})
}

func TestDeflate(t *testing.T) {
	message := []byte(strings.Repeat("all the same, ", 1000))
	for _, takeover := range []Takeover{NoTakeover, ContextTakeover} {
		deflater, inflater := NewDeflater(takeover), NewInflater(takeover)
		var sizes []int
		for range 5 {
			payload := deflater.Message(message)
			sizes = append(sizes, len(payload))
			got, err := inflater.Message(payload)
			if err != nil || !bytes.Equal(got, message) {
				t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(message))
			}
		}
		if smaller := sizes[1] < sizes[0]; smaller != (takeover == ContextTakeover) {
			t.Fatalf("with takeover %v the sizes are %v", takeover, sizes)
		}
	}
	if _, err := NewInflater(NoTakeover).Message([]byte("\xff")); err == nil {
		t.Fatal("no error for invalid DEFLATE data")
	}

	// The example of RFC 7692 section 7.2.3.1.
	got, err := NewInflater(NoTakeover).Message([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"))
	if err != nil || string(got) != "Hello" {
		t.Fatalf("got %q, %v, want Hello", got, err)
	}
}

func TestHeaderLines(t *testing.T) {
	defaults := []string{"Host: h", "Upgrade: websocket", "Connection: Upgrade"}
	for _, test := range []struct{ own, want []string }{
		{nil, defaults},
		{[]string{"upgrade: h2c", "X: 1"}, []string{"Host: h", "upgrade: h2c", "Connection: Upgrade", "X: 1"}},
		{[]string{"Host"}, []string{"Upgrade: websocket", "Connection: Upgrade"}},
		{
			[]string{"Connection: keep-alive", "Connection: Upgrade"},
			[]string{"Host: h", "Upgrade: websocket", "Connection: keep-alive", "Connection: Upgrade"},
		},
	} {
		if got := headerLines(defaults, test.own); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q gives %q, want %q", test.own, got, test.want)
		}
	}
}
