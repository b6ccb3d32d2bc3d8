package frame

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

// key is the masking key 37 fa 21 3d of the examples.
const key = 0x3d21fa37

// The examples of RFC 6455 section 5.7.
func TestExamplesOfTheRFC(t *testing.T) {
	for _, test := range []struct {
		name   string
		header Header
		want   []byte // the header
	}{
		{"unmasked text", Header{Byte0: Final(Text), Length: 5}, []byte{0x81, 0x05}},
		{"masked text", Header{Byte0: Final(Text), Masked: true, Key: key, Length: 5}, []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d}},
		{"first fragment", Header{Byte0: Byte0(Text), Length: 3}, []byte{0x01, 0x03}},
		{"last fragment", Header{Byte0: Final(Continuation), Length: 2}, []byte{0x80, 0x02}},
		{"unmasked ping", Header{Byte0: Final(Ping), Length: 5}, []byte{0x89, 0x05}},
		{"masked pong", Header{Byte0: Final(Pong), Masked: true, Key: key, Length: 5}, []byte{0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d}},
		{"256 bytes", Header{Byte0: Final(Binary), Length: 256}, []byte{0x82, 0x7e, 0x01, 0x00}},
		{"64 KiB", Header{Byte0: Final(Binary), Length: 64 << 10}, []byte{0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}},
	} {
		if got := AppendHeader(nil, test.header); !bytes.Equal(got, test.want) {
			t.Errorf("%s: got % x, want % x", test.name, got, test.want)
		}
		if got := AppendHeader([]byte("before"), test.header); string(got) != "before"+string(test.want) {
			t.Errorf("%s: got %q behind other bytes", test.name, got)
		}
	}
}

// A header is in its shortest form, of at most MaxHeader bytes, for each first byte and
// for lengths on both sides of each limit. The parser that reads it back is independent.
func TestAppendHeader(t *testing.T) {
	for b0 := range 256 {
		for _, length := range []int64{0, 1, MaxControl, MaxControl + 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxInt64} {
			for _, masked := range []bool{false, true} {
				h := Header{Byte0: Byte0(b0), Masked: masked, Length: length}
				if masked {
					h.Key = key
				}
				wantHeader(t, h)
			}
		}
	}
	dst := make([]byte, 0, MaxHeader)
	h := Header{Byte0: Final(Text), Masked: true, Key: key, Length: math.MaxInt64}
	if n := testing.AllocsPerRun(100, func() { AppendHeader(dst, h) }); n != 0 {
		t.Errorf("a header of MaxHeader bytes allocates %v times", n)
	}
}

// wantHeader encodes h and wants it to be read back.
func wantHeader(t *testing.T, h Header) {
	t.Helper()
	b := AppendHeader(nil, h)
	f, length, n, err := rawpeer.ParseHeader(b)
	if err != nil || n != len(b) || n > MaxHeader {
		t.Fatalf("%+v is % x: %d of %d bytes, %v", h, b, n, len(b), err)
	}
	var octets [4]byte
	binary.LittleEndian.PutUint32(octets[:], h.Key)
	if f.Fin != h.Fin() || byte(f.Opcode) != byte(h.Op()) || length != uint64(h.Length) || f.Masked != h.Masked || f.Key != octets {
		t.Fatalf("%+v is % x, which is %v of %d bytes", h, b, f, length)
	}
	if got := h.RSV1(); got != (b[0]&0x40 != 0) {
		t.Fatalf("% x: RSV1 is %v", b, got)
	}
	shortest := rawpeer.AppendHeader(nil, f, rawpeer.Shortest, length)
	if !bytes.Equal(b, shortest) {
		t.Fatalf("%+v is % x, want % x", h, b, shortest)
	}
}

// Opcodes 8 to 15 are those of control frames (RFC 6455 section 5.5).
func TestIsControl(t *testing.T) {
	for op := range Opcode(16) {
		if got := op.IsControl(); got != (op >= 8) {
			t.Errorf("opcode %x: control is %v", byte(op), got)
		}
		if b := Final(op); b.Op() != op || !b.Fin() || b.RSV1() {
			t.Errorf("opcode %x: the first byte is %x", byte(op), byte(b))
		}
	}
}
