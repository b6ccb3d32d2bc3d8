//go:build !js

package websocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/rawpeer"
)

// lengths are near the limits of the three forms.
var lengths = []int64{0, 1, 125, 126, 127, 255, 256, math.MaxUint16, math.MaxUint16 + 1, math.MaxInt32, math.MaxInt32 + 1, 1 << 62, math.MaxInt64}

func TestHeaderForms(t *testing.T) {
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	for _, h := range []header{
		{Byte0: frame.Final(frame.Text)},
		{Byte0: byte0(frame.Text)},
		{Byte0: byte0(frame.Text) | frame.BitRSV1},
		{Byte0: frame.Final(frame.Binary) | frame.BitRSV1},
		{Byte0: byte0(frame.Continuation)},
		{Byte0: frame.Final(frame.Continuation)},
	} {
		for _, masked := range []bool{false, true} {
			for _, length := range lengths {
				f := rawpeer.Frame{Fin: h.Fin(), Opcode: rawpeer.Opcode(h.Op())}
				if h.RSV1() {
					f.RSV = rawpeer.RSV1
				}
				h.Masked, h.Key, h.Length = masked, 0, length
				if masked {
					f = f.WithKey(key)
					h.Key = binary.LittleEndian.Uint32(key[:])
				}
				wire := rawpeer.AppendHeader(nil, f, rawpeer.Shortest, uint64(length))
				if got := frame.AppendHeader([]byte("before"), h); string(got) != "before"+string(wire) {
					t.Errorf("%+v is % x, want % x", h, got[len("before"):], wire)
				}
				rules := frameRules{masked: masked, deflate: true, inMessage: h.Op() == frame.Continuation}
				wantHeader(t, wire, rules, h)
			}
		}
	}
}

// wantHeader expects wire to be parsed as h, with and without more bytes, and each
// shorter prefix to need more.
func wantHeader(t *testing.T, wire []byte, rules frameRules, want header) {
	t.Helper()
	for n := range wire {
		if _, got, err := parsed(wire[:n], rules); got != 0 || err != nil {
			t.Errorf("% x of % x: got a header of %d bytes, %v, want to need more", wire[:n], wire, got, err)
		}
	}
	for _, b := range [][]byte{wire, append(slices.Clip(wire), 0xff)} {
		got, n, err := parsed(b, rules)
		if got != want || n != len(wire) || err != nil {
			t.Errorf("% x: got %+v of %d bytes, %v, want %+v", b, got, n, err, want)
		}
	}
}

// The validity of a first byte depends only on the negotiated extensions and the
// position in a message, so all combinations can be listed.
func TestFirstByte(t *testing.T) {
	const control = "\x88\x89\x8a"
	for _, test := range []struct {
		rules frameRules
		right string
	}{
		{frameRules{}, "\x01\x02\x81\x82" + control},
		{frameRules{deflate: true}, "\x01\x02\x81\x82\x41\x42\xc1\xc2" + control},
		{frameRules{inMessage: true}, "\x00\x80" + control},
		{frameRules{inMessage: true, deflate: true}, "\x00\x80" + control},
	} {
		for b := range 256 {
			first := []byte{byte(b)}
			_, n, err := parsed(first, test.rules)
			if right := bytes.Contains([]byte(test.right), first); right != (err == nil) || n != 0 {
				t.Errorf("%+v, %#x: got %d, %v, want right: %t", test.rules, b, n, err, right)
			}
		}
	}
}

func TestSecondByte(t *testing.T) {
	for _, first := range []byte{0x81, 0x82, 0x01, 0x88, 0x89, 0x8a} {
		for b := range 256 {
			for _, rules := range []frameRules{{}, {masked: true}} {
				wire := []byte{first, byte(b)}
				right := b >= 128 == rules.masked
				if length := b % 128; first >= 0x88 {
					right = right && length <= 125 && (first != 0x88 || length != 1)
				}
				if _, _, err := parsed(wire, rules); right != (err == nil) {
					t.Errorf("%+v, % x: got %v, want right: %t", rules, wire, err, right)
				}
			}
		}
	}
}

// Each violation is detected at the last of these bytes, and not before.
func TestHeaderViolations(t *testing.T) {
	for _, test := range []struct {
		wire  string
		rules frameRules
		want  error
	}{
		{"\xc1", frameRules{}, errRSV},
		{"\xa1", frameRules{deflate: true}, errRSV},
		{"\x91", frameRules{deflate: true}, errRSV},
		{"\xf1", frameRules{deflate: true}, errRSV},
		{"\xc9", frameRules{deflate: true}, errRSV},
		{"\xc0", frameRules{deflate: true, inMessage: true}, errRSV},
		{"\x83", frameRules{}, errOpcode},
		{"\x87", frameRules{inMessage: true}, errOpcode},
		{"\x8b", frameRules{}, errOpcode},
		{"\x8f", frameRules{}, errOpcode},
		{"\x08", frameRules{}, errControlFragment},
		{"\x09", frameRules{}, errControlFragment},
		{"\x0a", frameRules{}, errControlFragment},
		{"\x80", frameRules{}, errContinuation},
		{"\x00", frameRules{}, errContinuation},
		{"\x81", frameRules{inMessage: true}, errNoContinuation},
		{"\x02", frameRules{inMessage: true}, errNoContinuation},

		{"\x81\x05", frameRules{masked: true}, errUnmasked},
		{"\x81\x85", frameRules{}, errMasked},
		{"\x89\x7e", frameRules{}, errControlLength},
		{"\x88\x7f", frameRules{}, errControlLength},
		{"\x8a\xfe", frameRules{masked: true}, errControlLength},
		{"\x88\x01", frameRules{}, errCloseLength},
		{"\x88\x81", frameRules{masked: true}, errCloseLength},

		{"\x81\x7e\x00\x00", frameRules{}, errLengthForm},
		{"\x81\x7e\x00\x7d", frameRules{}, errLengthForm},
		{"\x81\xfe\x00\x7d", frameRules{masked: true}, errLengthForm},
		{"\x81\x7f\x00\x00\x00\x00\x00\x00", frameRules{}, errLengthForm},
		{"\x81\xff\x00\x00\x00\x00\x00\x00", frameRules{masked: true}, errLengthForm},
		{"\x81\x7f\x80", frameRules{}, errLengthTopBit},
		{"\x81\xff\xff", frameRules{masked: true}, errLengthTopBit},
	} {
		last := len(test.wire) - 1
		if _, n, err := parsed([]byte(test.wire[:last]), test.rules); n != 0 || err != nil {
			t.Errorf("%+v, % x: got %d, %v, want to need more", test.rules, test.wire[:last], n, err)
		}
		for _, rest := range []string{"", "\x00", strings.Repeat("\xff", frame.MaxHeader)} {
			if _, n, err := parsed([]byte(test.wire+rest), test.rules); n != 0 || err != test.want {
				t.Errorf("%+v, % x: got %d, %v, want %v", test.rules, test.wire+rest, n, err, test.want)
			}
		}
	}
}

func TestParseClose(t *testing.T) {
	long := strings.Repeat("r", maxCloseReason)
	for _, test := range []struct {
		payload string
		want    CloseError
		err     error
	}{
		{"", CloseError{Code: StatusNoStatusRcvd}, nil},
		{"\x03\xe8", CloseError{Code: StatusNormalClosure}, nil},
		{"\x0f\xa0bye", CloseError{Code: 4000, Reason: "bye"}, nil},
		{"\x0b\xb8\xc3\xa9", CloseError{Code: 3000, Reason: "é"}, nil},
		{"\x03\xf6" + long, CloseError{Code: StatusBadGateway, Reason: long}, nil},

		{"\x03", CloseError{}, errCloseLength},
		{"\x03\xe7", CloseError{}, errCloseCodeRcvd},
		{"\x03\xed", CloseError{}, errCloseCodeRcvd},
		{"\x03\xed\xff", CloseError{}, errCloseCodeRcvd},
		{"\x13\x88", CloseError{}, errCloseCodeRcvd},
		{"\xff\xff", CloseError{}, errCloseCodeRcvd},
		{"\x03\xe8\xff", CloseError{}, errCloseUTF8},
		{"\x03\xe8ok\xc3", CloseError{}, errCloseUTF8},
		{"\x03\xe8\xed\xa0\x80", CloseError{}, errCloseUTF8},
	} {
		got, err := parseClose([]byte(test.payload))
		if got != test.want || err != test.err {
			t.Errorf("%q: got %+v, %v, want %+v, %v", test.payload, got, err, test.want, test.err)
		}
		if test.err == nil {
			if got := appendClose([]byte("!"), test.want.Code, test.want.Reason); string(got) != "!"+test.payload {
				t.Errorf("%+v is %q, want %q", test.want, got[1:], test.payload)
			}
		}
	}
}

// The valid codes on the wire are those in these ranges.
func TestCloseCodesOnWire(t *testing.T) {
	ranges := [][2]StatusCode{{1000, 1003}, {1007, 1014}, {3000, 4999}}
	for code := StatusCode(-1); code <= math.MaxUint16+1; code++ {
		want := slices.ContainsFunc(ranges, func(r [2]StatusCode) bool { return r[0] <= code && code <= r[1] })
		if got := code.onWire(); got != want {
			t.Errorf("%d: got %t, want %t", int(code), got, want)
		}
	}
}

// parsed is parseHeader with the header as a result.
func parsed(b []byte, rules frameRules) (h header, n int, err error) {
	n, err = parseHeader(&h, b, rules)
	return h, n, err
}

// FuzzParseHeader compares parseHeader with the raw peer's parser and with
// frame.AppendHeader.
func FuzzParseHeader(f *testing.F) {
	for _, length := range lengths {
		f.Add(frame.AppendHeader(nil, header{Byte0: frame.Final(frame.Text), Length: length}), byte(0))
		f.Add(frame.AppendHeader(nil, header{Byte0: byte0(frame.Continuation), Masked: true, Key: 1 << 30, Length: length}), byte(7))
	}
	for _, wire := range []string{
		"\x81\x7e\x00\x7d", "\x81\x7e\x00\x7e", "\x81\x7f\x80", "\x81\x7f\x7f",
		"\x81\x7f\x00\x00\x00\x00\x00\x00", "\x81\x7f\x00\x00\x00\x00\x00\x01", "\x88\x01", "\xc1", "\x80", "\x09",
	} {
		f.Add([]byte(wire), byte(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, flags byte) {
		rules := frameRules{masked: flags&1 != 0, deflate: flags&2 != 0, inMessage: flags&4 != 0}
		h, n, err := parsed(b, rules)
		peers, length, size, peersErr := rawpeer.ParseHeader(b)
		peersRules := rawpeer.Rules{Sender: rawpeer.Server}
		if rules.masked {
			peersRules.Sender = rawpeer.Client
		}
		if rules.deflate {
			peersRules.Deflate = rawpeer.ContextTakeover
		}
		if wrong := peersRules.Violation(b, rules.inMessage) != 0; wrong != (err != nil) {
			t.Fatalf("% x by %+v: got %v, wrong for the peer: %t", b, rules, err, wrong)
		}
		switch {
		case err != nil:
			// A violation stays one with any further bytes, and in any pieces.
			if _, ok := errors.AsType[*violation](err); !ok || n != 0 {
				t.Fatalf("% x: got %d, %v, want a violation", b, n, err)
			}
			if _, _, again := parsed(append(slices.Clip(b), 0), rules); again != err {
				t.Fatalf("% x: got %v, with a byte more %v", b, err, again)
			}
			return
		case n == 0:
			if peersErr != io.ErrUnexpectedEOF {
				t.Fatalf("% x: needs more, the peer found %v", b, peersErr)
			}
			return
		case peersErr != nil || n != size:
			t.Fatalf("% x: got %d bytes, the peer %d, %v", b, n, size, peersErr)
		}
		key := binary.LittleEndian.Uint32(peers.Key[:])
		want := header{Masked: peers.Masked, Key: key, Length: int64(length)}
		want.Byte0 = byte0(b[0])
		if h != want || h.Fin() != peers.Fin || h.RSV1() != (peers.RSV == rawpeer.RSV1) || h.Op() != opcode(peers.Opcode) {
			t.Fatalf("% x: got %+v, want %+v", b, h, want)
		}
		if again := frame.AppendHeader(nil, h); !bytes.Equal(again, b[:n]) {
			t.Fatalf("% x is %+v, which is % x", b[:n], h, again)
		}
		wantHeader(t, b[:n], rules, h)
	})
}

// FuzzClose compares the parsed payload of a close frame with the rules of RFC 6455,
// and with the payload sent for the same code and reason.
func FuzzClose(f *testing.F) {
	for _, payload := range []string{"", "\x03", "\x03\xe8", "\x03\xe8bye", "\x03\xed", "\x03\xe8\xff", "\x0f\xa0caf\xc3", "\x13\x88", "\x03\xf6\xf0\x9f\xa6\x8a"} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) > frame.MaxControl {
			return
		}
		want, code := wordForWord(payload)
		got, err := parseClose(payload)
		if code == 0 && (err != nil || got != want) {
			t.Fatalf("%q: got %+v, %v, want %+v", payload, got, err, want)
		}
		if v, ok := err.(*violation); code != 0 && (!ok || v.code != code) {
			t.Fatalf("%q: got %+v, %v, want a violation %v", payload, got, err, code)
		}
		if code == 0 {
			if again := appendClose([]byte("!"), got.Code, got.Reason); string(again) != "!"+string(payload) {
				t.Fatalf("%q is %+v, which is %q", payload, got, again[1:])
			}
			if _, _, err := sendable(got.Code, got.Reason); err != nil {
				t.Fatalf("%+v can't be sent: %v", got, err)
			}
		}
		checkClosePrefixes(t, payload, err)
	})
}

// wordForWord parses a close frame's payload by RFC 6455 sections 5.5.1, 7.4 and 8.1.
// code is that of the violation, or 0.
func wordForWord(p []byte) (ce CloseError, code StatusCode) {
	if len(p) == 0 {
		return CloseError{Code: 1005}, 0
	}
	if len(p) == 1 {
		return ce, 1002
	}
	ce.Code, ce.Reason = StatusCode(int(p[0])*256+int(p[1])), string(p[2:])
	switch {
	case ce.Code < 1000, ce.Code == 1004, ce.Code == 1005, ce.Code == 1006, 1015 <= ce.Code && ce.Code < 3000, ce.Code > 4999:
		return ce, 1002
	case !utf8.ValidString(ce.Reason):
		return ce, 1007
	}
	return ce, 0
}

// checkClosePrefixes expects a violation in a payload to be detected at one byte, and in
// all longer prefixes.
func checkClosePrefixes(t *testing.T, payload []byte, err error) {
	t.Helper()
	found := false
	for n := range len(payload) + 1 {
		got := checkClosePart(payload[:n], 0)
		if got != nil && got != err || found && got == nil {
			t.Fatalf("%q: got %v of the first %d bytes, %v of all", payload, got, n, err)
		}
		found = got != nil
	}
	if !found && err != nil && utf8.Valid(payload[min(2, len(payload)):]) && len(payload) != 1 {
		t.Fatalf("%q: %v is not found before the end", payload, err)
	}
}
