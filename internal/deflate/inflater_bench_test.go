package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
)

// BenchmarkInflate inflates messages as each of three decoders does.
func BenchmarkInflate(b *testing.B) {
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog, and over 1,234 others. ", 16_000))
	rows := []struct {
		name string
		msg  []byte
	}{
		{"JSON/16", jsonText(16, 1)},
		{"JSON/1024", jsonText(1<<10, 1)},
		{"JSON/16384", jsonText(16<<10, 1)},
		{"JSON/1048576", jsonText(1<<20, 1)},
		{"text/16384", text[:16<<10]},
		{"text/1048576", text[:1<<20]},
		{"distance1/32768", bytes.Repeat([]byte("x"), 32<<10)},
		{"distance3/32768", bytes.Repeat([]byte("xyz"), 11<<10)[:32<<10]},
		{"distance7/32768", bytes.Repeat([]byte("abcdefg"), 5<<10)[:32<<10]},
		{"distance12/32768", bytes.Repeat([]byte("abcdefghijkl"), 3<<10)[:32<<10]},
		{"noise/1048576", noise(1<<20, 1)},
		{"letters/1048576", letters(1 << 20)},
		{"skewed/1048576", skewed(1 << 20)},
	}
	for _, row := range rows {
		payload := deflateOthers(6, true, false, nil, row.msg)
		ended := append(bytes.Clone(payload), tail+"\x01\x00\x00\xff\xff"...)
		src := bytes.NewReader(nil)
		f := NewInflater(maxWindowBits, false)
		std, other := stdflate.NewReader(src), flate.NewReader(src)
		for _, decoder := range []struct {
			name    string
			payload []byte
			reset   func() io.Reader
		}{
			{"this", payload, func() io.Reader { f.Begin(src); return f }},
			{"compress", ended, func() io.Reader { std.(stdflate.Resetter).Reset(src, nil); return std }},
			{"klauspost", ended, func() io.Reader { other.(flate.Resetter).Reset(src, nil); return other }},
		} {
			b.Run(fmt.Sprintf("%s/%s", row.name, decoder.name), func(b *testing.B) {
				p := make([]byte, len(row.msg)+1)
				b.SetBytes(int64(len(row.msg)))
				b.ReportAllocs()
				for b.Loop() {
					src.Reset(decoder.payload)
					if n, err := io.ReadFull(decoder.reset(), p); n != len(row.msg) || err != io.ErrUnexpectedEOF {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

// letters returns n random letters, digits and two signs, which compress by a quarter and
// have few matches.
func letters(n int) []byte {
	p := noise(n, 1)
	for i := range p {
		p[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[p[i]&63]
	}
	return p
}

// skewed returns n random bytes, of which small ones are frequent. Their codes have 4 to
// 11 bits.
func skewed(n int) []byte {
	p, q := noise(n, 1), noise(n, 2)
	for i := range p {
		p[i] = byte(int(p[i]) * int(q[i]) >> 8)
	}
	return p
}
