//go:build !race

package deflate

import (
	"bytes"
	"runtime"
	"testing"
)

// These are built without the race detector alone: with it, pools forget.

func TestCompressorAllocatesNothing(t *testing.T) {
	for _, bits := range []int{9, 15} {
		for _, takeover := range []bool{true, false} {
			allocatesNothing(t, bits, takeover, jsonText(100, 1))
			allocatesNothing(t, bits, takeover, jsonText(1000, 1))
		}
	}
}

func allocatesNothing(t *testing.T, bits int, takeover bool, msg []byte) {
	t.Helper()
	c := NewCompressor(bits, DefaultLevel, takeover)
	dst := make([]byte, 0, 4096)
	for range 500 {
		c.Append(dst, msg)
	}
	if n := testing.AllocsPerRun(100, func() { c.Append(dst, msg) }); n >= 1 {
		t.Errorf("bits %d, takeover %v: Append allocates %v times", bits, takeover, n)
	}
	if n := testing.AllocsPerRun(100, func() { compressIn(c, dst, msg, 300) }); n >= 1 {
		t.Errorf("bits %d, takeover %v: a streamed message allocates %v times", bits, takeover, n)
	}
}

// A compressor is there whatever the garbage collector takes.
func TestCompressorStays(t *testing.T) {
	msg := jsonText(1000, 1)
	var conns [100]*Compressor
	for i := range conns {
		conns[i] = NewCompressor(maxWindowBits, DefaultLevel, true)
		conns[i].Append(nil, msg)
		conns[i].Append(nil, msg)
		conns[i].Append(nil, msg)
	}
	dst := make([]byte, 0, 4096)
	i := 0
	if n := testing.AllocsPerRun(len(conns)-1, func() {
		for range 3 {
			runtime.GC()
		}
		conns[i].Append(dst, msg)
		i++
	}); n >= 1 {
		t.Errorf("a message after collections allocates %v times", n)
	}
}

func TestInflaterAllocatesNothing(t *testing.T) {
	for _, takeover := range []bool{true, false} {
		payload := deflateOthers(5, true, false, nil, jsonText(1000, 1))
		f := NewInflater(maxWindowBits, takeover)
		src := bytes.NewReader(nil)
		p := make([]byte, 4096)
		read := func() {
			src.Reset(payload)
			f.Begin(src)
			for {
				if _, err := f.Read(p); err != nil {
					break
				}
			}
			f.End()
		}
		for range 50 {
			read()
		}
		if n := testing.AllocsPerRun(100, read); n >= 1 {
			t.Errorf("takeover %v: a message allocates %v times", takeover, n)
		}
		if takeover != (f.window.len() > 0) {
			t.Errorf("takeover %v: the window has %d bytes", takeover, f.window.len())
		}
	}
}
