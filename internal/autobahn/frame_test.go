package autobahn

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"
)

var testKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// headers are valid headers with their encodings.
var headers = []struct {
	bytes string
	h     header
}{
	{"8100", header{fin: true, opcode: Text}},
	{"0100", header{opcode: Text}},
	{"8005", header{fin: true, opcode: Continuation, length: 5}},
	{"827d", header{fin: true, opcode: Binary, length: 125}},
	{"827e007e", header{fin: true, opcode: Binary, length: 126}},
	{"827effff", header{fin: true, opcode: Binary, length: 0xffff}},
	{"827f0000000000010000", header{fin: true, opcode: Binary, length: 0x10000}},
	{"827f8000000000000000", header{fin: true, opcode: Binary, length: 1 << 63}},
	{"818537fa213d", header{fin: true, opcode: Text, masked: true, key: testKey, length: 5}},
	{"81fe010037fa213d", header{fin: true, opcode: Text, masked: true, key: testKey, length: 256}},
	{"89ff000000000001000037fa213d", header{fin: true, opcode: Ping, masked: true, key: testKey, length: 0x10000}},
	{"c100", header{fin: true, rsv: rsv1, opcode: Text}},
	{"a100", header{fin: true, rsv: rsv2, opcode: Text}},
	{"9100", header{fin: true, rsv: rsv3, opcode: Text}},
	{"7f00", header{rsv: rsv1 | rsv2 | rsv3, opcode: 0xf}},
}

func TestHeaders(t *testing.T) {
	for _, test := range headers {
		if got := hex.EncodeToString(appendHeader(nil, test.h)); got != test.bytes {
			t.Errorf("%+v is %s, want %s", test.h, got, test.bytes)
		}
		h, err := parse(t, test.bytes+"00")
		if h != test.h || err != nil {
			t.Errorf("%s is %+v, %v, want %+v", test.bytes, h, err, test.h)
		}
	}
}

// A length that is not in its shortest form is reported, and decoded.
func TestHeadersOfWrongForm(t *testing.T) {
	for _, test := range []struct {
		bytes string
		h     header
	}{
		{"827e0000", header{fin: true, opcode: Binary}},
		{"827e007d", header{fin: true, opcode: Binary, length: 125}},
		{"827f000000000000007d", header{fin: true, opcode: Binary, length: 125}},
		{"827f000000000000ffff", header{fin: true, opcode: Binary, length: 0xffff}},
		{"82fe007d37fa213d", header{fin: true, opcode: Binary, masked: true, key: testKey, length: 125}},
	} {
		h, err := parse(t, test.bytes)
		if h != test.h || !errors.Is(err, errLength) {
			t.Errorf("%s is %+v, %v, want %+v and %v", test.bytes, h, err, test.h, errLength)
		}
	}
}

// A stream may end before a header, but not inside it.
func TestHeadersCutOff(t *testing.T) {
	for _, test := range headers {
		for n := 0; n < len(test.bytes); n += 2 {
			want := io.ErrUnexpectedEOF
			if n == 0 {
				want = io.EOF
			}
			if _, err := parse(t, test.bytes[:n]); !errors.Is(err, want) {
				t.Errorf("%q of %s: got %v, want %v", test.bytes[:n], test.bytes, err, want)
			}
		}
	}
}

func parse(t *testing.T, s string) (header, error) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return readHeader(bufio.NewReader(bytes.NewReader(b)))
}

// TestMask masks payloads of many lengths in two pieces, and compares them with the
// formula of RFC 6455 section 5.3.
func TestMask(t *testing.T) {
	for n := range 70 {
		plain := make([]byte, n)
		for i := range plain {
			plain[i] = byte(i * 11)
		}
		want := bytes.Clone(plain)
		for i := range want {
			want[i] ^= testKey[i%4]
		}
		for cut := range n + 1 {
			got := bytes.Clone(plain)
			offset := applyMask(got[:cut], testKey, 0)
			if offset = applyMask(got[cut:], testKey, offset); offset != n {
				t.Fatalf("%d bytes cut at %d: the offset is %d", n, cut, offset)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%d bytes cut at %d: got %x, want %x", n, cut, got, want)
			}
		}
	}
}

func TestOpcodes(t *testing.T) {
	for o := Opcode(0); o < 16; o++ {
		if control := o >= 8; o.control() != control {
			t.Errorf("%v: got control %t", o, !control)
		}
	}
	if got := Opcode(11).String(); got != "opcode 11" {
		t.Errorf("got %q", got)
	}
}

// Each kind of frame in one stream, and violations of RFC 6455 sections 5.1 to 5.5.
func TestReceiver(t *testing.T) {
	for _, test := range []struct {
		name    string
		deflate bool
		frames  string
		want    []arrival // without the end of the stream
		broken  bool      // a violation follows
	}{
		{name: "a message", frames: "810548656c6c6f", want: []arrival{{opcode: Text, payload: []byte("Hello")}}},
		{name: "fragments with a ping between", frames: "010348656c" + "890161" + "80026c6f", want: []arrival{
			{opcode: Ping, payload: []byte("a")},
			{opcode: Text, payload: []byte("Hello")},
		}},
		{name: "a compressed message", deflate: true, frames: "4101f2" + "800100", want: []arrival{
			{opcode: Text, compressed: true, payload: []byte{0xf2, 0x00}},
		}},
		{name: "a close frame", frames: "880203e8", want: []arrival{{opcode: Close, payload: []byte{3, 0xe8}}}},
		{name: "RSV1 without an extension", frames: "c100", broken: true},
		{name: "RSV2 with one", deflate: true, frames: "a100", broken: true},
		{name: "RSV1 of a continuation", deflate: true, frames: "4100" + "c000", broken: true},
		{name: "RSV1 of a ping", deflate: true, frames: "c900", broken: true},
		{name: "a mask", frames: "818000000000", broken: true},
		{name: "a reserved opcode", frames: "8300", broken: true},
		{name: "a reserved control opcode", frames: "8b00", broken: true},
		{name: "a ping in fragments", frames: "0900", broken: true},
		{name: "a long ping", frames: "897e007e", broken: true},
		{name: "a length of the wrong form", frames: "827e0001" + "00", broken: true},
		{name: "a continuation of nothing", frames: "8000", broken: true},
		{name: "a continuation behind the end", frames: "8100" + "8000", want: []arrival{{opcode: Text}}, broken: true},
		{name: "a message in another", frames: "0100" + "8100", broken: true},
		{name: "a frame behind the close frame", frames: "8800" + "8900", want: []arrival{{opcode: Close}}, broken: true},
		{name: "a length without its payload", frames: "827f0000000100000000", broken: true},
		{name: "lengths whose sum is too large", frames: "020100" + "807f0000000002000000", broken: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			stream, err := hex.DecodeString(test.frames)
			if err != nil {
				t.Fatal(err)
			}
			in := inbox{wake: make(chan struct{}, 1)}
			(&receiver{r: bufio.NewReader(bytes.NewReader(stream)), log: newTestLog(), deflate: test.deflate}).run(&in)
			got := in.take()
			end := got[len(got)-1]
			if !errors.Is(end.end, io.EOF) {
				t.Errorf("the end is %v", end.end)
			}
			if got = got[:len(got)-1]; test.broken {
				var wrong violation
				if len(got) == 0 || !errors.As(got[len(got)-1].violation, &wrong) {
					t.Fatalf("got %+v, want a violation at the end", got)
				}
				got = got[:len(got)-1]
			}
			if len(got) != len(test.want) {
				t.Fatalf("got %+v, want %+v", got, test.want)
			}
			for i, a := range got {
				w := test.want[i]
				if a.opcode != w.opcode || a.compressed != w.compressed || !bytes.Equal(a.payload, w.payload) || a.violation != nil {
					t.Errorf("got %+v, want %+v", a, w)
				}
			}
		})
	}
}

// A stream that ends inside a frame and one that ends after it have different errors.
func TestReceiverCutOff(t *testing.T) {
	stream := []byte("\x82\x05Hello")
	for n := range stream {
		in := inbox{wake: make(chan struct{}, 1)}
		(&receiver{r: bufio.NewReader(bytes.NewReader(stream[:n])), log: newTestLog()}).run(&in)
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if got := in.take(); len(got) != 1 || !errors.Is(got[0].end, want) {
			t.Errorf("%d bytes: got %+v, want %v", n, got, want)
		}
	}
}
