//go:build !race

package deflate

import (
	"bytes"
	"runtime"
	"testing"
)

// These tests are not built with the race detector, which makes pools drop objects.

func TestCompressorAllocatesNothing(t *testing.T) {
	for level := 1; level <= MaxLevel; level++ {
		for _, takeover := range []bool{true, false} {
			allocatesNothing(t, maxWindowBits, level, takeover)
		}
	}
	for bits := minWindowBits; bits < maxWindowBits; bits++ {
		allocatesNothing(t, bits, DefaultLevel, true)
	}
}

func allocatesNothing(t *testing.T, bits, level int, takeover bool) {
	t.Helper()
	var conns [3]*Compressor
	for i := range conns {
		conns[i] = NewCompressor(bits, level, takeover)
	}
	dst := make([]byte, 0, 64<<10)
	for _, n := range []int{minReferring, 1000, 20_000} {
		msg := jsonText(n, 1)
		i := 0
		whole := func() {
			conns[i%len(conns)].Append(dst, msg)
			i++
		}
		streamed := func() {
			compressIn(conns[i%len(conns)], dst, msg, 300)
			i++
		}
		for range 10 {
			whole()
			streamed()
		}
		if n := testing.AllocsPerRun(20, whole); n >= 1 {
			t.Errorf("bits %d, level %d, takeover %v: a message of %d bytes allocates %v times", bits, level, takeover, len(msg), n)
		}
		if n := testing.AllocsPerRun(20, streamed); n >= 1 {
			t.Errorf("bits %d, level %d, takeover %v: a streamed message of %d bytes allocates %v times", bits, level, takeover, len(msg), n)
		}
	}
}

// A compressor is available after any garbage collection.
func TestCompressorSurvivesCollection(t *testing.T) {
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
