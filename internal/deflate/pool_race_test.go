//go:build race

package deflate

import (
	"bytes"
	"testing"

	"github.com/bhojpur/api/internal/poolcheck"
)

// wantPanic expects misuse to panic, and to leave nothing out of its pool.
func wantPanic(t *testing.T, kind poolcheck.Kind, misuse func()) {
	t.Helper()
	before := poolcheck.Out()[kind]
	defer func() {
		if recover() == nil {
			t.Error("the misuse was not detected")
		}
		if n := poolcheck.Out()[kind]; n != before {
			t.Errorf("%d more are out than before", n-before)
		}
	}()
	misuse()
}

// spoil repeatedly puts an object into a pool and writes to it afterwards. It undoes the
// write unless take panics. The pool drops objects at random.
func spoil[T any](take func() T, put func(T), write, undo func(T)) {
	for range 100 {
		v := take()
		put(v)
		write(v)
		put(take())
		undo(v)
	}
}

func takeDecoder() *decoder { return getDecoder(bytes.NewReader(nil), &nothing) }

func TestDecoderMisuse(t *testing.T) {
	t.Run("put twice", func(t *testing.T) {
		d := takeDecoder()
		putDecoder(d)
		wantPanic(t, poolcheck.Decoder, func() { putDecoder(d) })
	})
	t.Run("written after put", func(t *testing.T) {
		wantPanic(t, poolcheck.Decoder, func() {
			spoil(takeDecoder, putDecoder, func(d *decoder) { d.ownBuf[9]++ }, func(d *decoder) { d.ownBuf[9]-- })
		})
	})
}

func TestEncoderMisuse(t *testing.T) {
	t.Run("put twice", func(t *testing.T) {
		e, _ := takeEncoder(0, 0)
		putEncoder(e, historyLost)
		wantPanic(t, poolcheck.Encoder, func() { putEncoder(e, historyLost) })
	})
	t.Run("written after put", func(t *testing.T) {
		var stamp uint64
		take := func() *encoder {
			e, _ := takeEncoder(0, stamp)
			return e
		}
		put := func(e *encoder) { stamp = putEncoder(e, historyKept) }
		wantPanic(t, poolcheck.Encoder, func() {
			spoil(take, put, func(e *encoder) { e.buf[9]++ }, func(e *encoder) { e.buf[9]-- })
		})
	})
}

// A Compressor that is closed has given everything back, inside a message too.
func TestCompressorsReturnWriters(t *testing.T) {
	before := poolcheck.Out()
	for range 24 {
		for _, takeover := range []bool{false, true} {
			c := NewCompressor(maxWindowBits, DefaultLevel, takeover)
			defer c.Close()
			c.Append(nil, jsonText(1000, 1))
			c.Begin()
			c.Write(nil, jsonText(1000, 1))
			f := NewInflater(maxWindowBits, takeover)
			defer f.Close()
			f.Begin(bytes.NewReader(nil))
		}
	}
	t.Cleanup(func() {
		for kind, n := range poolcheck.Out() {
			if n != before[kind] {
				t.Errorf("%d of %v are out, before it were %d", n, kind, before[kind])
			}
		}
	})
}
