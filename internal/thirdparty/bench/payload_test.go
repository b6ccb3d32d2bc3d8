package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/bhojpur/api/internal/rawpeer"
)

var key = [4]byte{0x5a, 0xc3, 0x17, 0xe8}

// clientFrame returns a frame as a client sends it.
func clientFrame(op, rsv int, p []byte) []byte {
	return rawpeer.AppendFrame(nil, rawpeer.Frame{
		Fin: true, RSV: byte(rsv), Opcode: rawpeer.Opcode(op), Masked: true, Key: key, Payload: p,
	})
}

// serverFrame returns a frame as a server sends it.
func serverFrame(op int, p []byte) []byte {
	return rawpeer.AppendFrame(nil, rawpeer.Frame{Fin: true, Opcode: rawpeer.Opcode(op), Payload: p})
}

// random returns the same random numbers in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(6455, 7692)) }

func binary(n int) []byte {
	rnd, p := random(), make([]byte, n)
	for i := range p {
		p[i] = byte(rnd.Uint32())
	}
	return p
}

const (
	asciiText = "The quick brown fox jumps over the lazy dog, and over 1,234 others. "
	// mixedText has characters of one to four bytes.
	mixedText = "Grüße, żółw, Ελλάδα, привет, こんにちは世界, 你好, 🙂🚀 and some words. "
)

// text returns n bytes of s again and again. Where a character would be cut it has
// dots.
func text(s string, n int) []byte {
	p := strings.Repeat(s, n/len(s)+1)
	p = strings.ToValidUTF8(p[:n], "")
	return []byte(p + strings.Repeat(".", n-len(p)))
}

var (
	firstNames = strings.Fields("Asha Bruno Chidi Dalia Emeka Freya Goran Hana Ines Jonas Kavya Liam Mei Noor Otto Priya")
	lastNames  = strings.Fields("Almeida Bauer Chen Dogan Eriksen Fischer Gupta Haddad Ivanova Jensen Kim Lopez Mbeki Novak")
	cities     = strings.Fields("Accra Bergen Cusco Delhi Essen Florence Geneva Hanoi Izmir Jaipur Kyoto Lisbon Mumbai Nairobi")
	states     = strings.Fields("new paid packed shipped delivered returned")
)

// document returns a JSON document of n bytes, of records as an API sends them.
func document(rnd *rand.Rand, n int) []byte {
	if n < 280 {
		return fmt.Appendf(nil, `{"seq":%*d}`, n-8, rnd.IntN(1e8))
	}
	pick := func(of []string) string { return of[rnd.IntN(len(of))] }
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"seq":%d,"orders":[`, rnd.Uint32())
	for first := true; first || b.Len() < n-280; first = false {
		if !first {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%08x","customer":{"name":"%s %s","city":"%s"},"state":"%s","items":%d,"total":%d.%02d,"at":"2026-%02d-%02dT%02d:%02d:%02dZ"}`,
			rnd.Uint32(), pick(firstNames), pick(lastNames), pick(cities), pick(states), rnd.IntN(20), rnd.IntN(1000), rnd.IntN(100),
			1+rnd.IntN(12), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60))
	}
	b.WriteString(`],"note":"`)
	for b.Len() < n-2 {
		b.WriteString(pick(lastNames) + " ")
	}
	return append(b.Bytes()[:n-2], `"}`...)
}

// documents returns 512 different ones.
func documents(n int) [][]byte {
	rnd, docs := random(), make([][]byte, 512)
	for i := range docs {
		docs[i] = document(rnd, n)
	}
	return docs
}

// deflated returns p compressed as one message (RFC 7692 section 7.2.1), so that a
// receiver with a window of 4 KiB can read it: a server may have asked for that.
func deflated(p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriterWindow(&b, 1<<12)
	if err != nil {
		panic(err)
	}
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}
