package deflate

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// jsonText is n bytes that look like a feed's messages; seed says which.
func jsonText(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":%d,"symbol":"%c%c%c","price":%d.%02d,"side":"%s","venue":"XNAS","ok":true},`,
			r.IntN(1e6), 'A'+r.IntN(26), 'A'+r.IntN(26), 'A'+r.IntN(26), r.IntN(500), r.IntN(100),
			[]string{"buy", "sell"}[r.IntN(2)])
	}
	return b.Bytes()[:n]
}

// noise is n bytes that do not compress.
func noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// conversation is messages of many kinds, which refer to each other.
func conversation() [][]byte {
	msgs := [][]byte{
		[]byte("Hello"), nil, []byte("Hello"), []byte("x"),
		jsonText(100, 1), jsonText(127, 1), jsonText(128, 2), jsonText(129, 2),
		jsonText(1000, 1), jsonText(1000, 1), nil, jsonText(1000, 2),
		noise(1000, 1), noise(300, 1), jsonText(4000, 3),
		bytes.Repeat([]byte{0}, 70000), []byte(strings.Repeat("ab", 3000)),
		noise(40000, 3), noise(40000, 3), jsonText(100000, 4), noise(200, 3),
		jsonText(33000, 4), jsonText(32768, 5), jsonText(65535, 6), jsonText(65536, 7),
	}
	for i := range 40 {
		msgs = append(msgs, jsonText(150+37*i, uint64(i%3)))
	}
	return msgs
}

// sources are ways in which a payload arrives.
var sources = []struct {
	name string
	wrap func(io.Reader) io.Reader
}{
	{"whole", func(r io.Reader) io.Reader { return r }},
	{"bytes", iotest.OneByteReader},
	{"halves", iotest.HalfReader},
	{"data with EOF", iotest.DataErrReader},
	{"interrupted", func(r io.Reader) io.Reader { return &interrupted{r: iotest.OneByteReader(r)} }},
}

// interrupted gives an error between any two reads.
type interrupted struct {
	r     io.Reader
	ready bool
}

func (s *interrupted) Read(p []byte) (int, error) {
	s.ready = !s.ready
	if s.ready {
		return 0, iotest.ErrTimeout
	}
	return s.r.Read(p)
}

// readMessage inflates a message, chunk bytes at a time, through interruptions.
func readMessage(f *Inflater, src io.Reader, chunk int) ([]byte, error) {
	f.Begin(src)
	defer f.End()
	var got []byte
	p := make([]byte, chunk)
	for {
		n, err := f.Read(p)
		got = append(got, p[:n]...)
		switch err {
		case nil, iotest.ErrTimeout:
		case io.EOF:
			return got, nil
		default:
			return got, err
		}
	}
}

// mustRead inflates a payload and compares.
func mustRead(t *testing.T, f *Inflater, payload, want []byte) {
	t.Helper()
	got, err := readMessage(f, bytes.NewReader(payload), 1000)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("inflated %d bytes, error %v; want %d bytes", len(got), err, len(want))
	}
}
