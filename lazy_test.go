//go:build !js

package websocket

import (
	"bufio"
	"strings"
	"testing"
	"unsafe"
)

// What every connection takes, in bytes, on 64 bits. Who makes it more does so
// knowingly.
func TestSizeOfConnection(t *testing.T) {
	for _, test := range []struct {
		what      string
		size, max uintptr
	}{
		{"a Conn", unsafe.Sizeof(Conn{}), 576},
	} {
		if test.size > test.max {
			t.Errorf("%s takes %d bytes, want at most %d", test.what, test.size, test.max)
		}
	}
}

// The HTTP server keeps the reader of a hijacked connection while the handler
// runs: what it had is taken out, and its buffer is gone.
func TestTakeBuffered(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("early, and more"))
	if _, err := r.ReadString(','); err != nil {
		t.Fatal(err)
	}
	if got := string(takeBuffered(r)); got != " and more" {
		t.Errorf("%q was there, want %q", got, " and more")
	}
	if b, err := r.ReadByte(); err == nil {
		t.Errorf("%q is still there", b)
	}
	if r.Size() > 16 {
		t.Errorf("its buffer has %d bytes", r.Size())
	}
}
