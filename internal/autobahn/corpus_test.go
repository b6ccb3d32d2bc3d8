package autobahn

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"unicode/utf8"
)

// TestCorpora checks the size, the hash and the compression ratio of each corpus.
func TestCorpora(t *testing.T) {
	for _, tt := range []struct {
		corpus    Corpus
		size      int
		sha256    string
		low, high float64 // bounds of the compression ratio
	}{
		{CorpusJSON, 194056, "96307ade6cec45caa4dbfa21abe4ef71636f4b295e7ecdec8fac1298bfcd82ba", 4, 5},
		{CorpusBitmap, 263222, "56ffa38bb2db8b1610ef07c731b423f05f717834800801c44a30f410569a54e9", 1.2, 1.5},
		{CorpusPlay, 222218, "2feeade5ac73e7d7ae74d83be648d2b107b1589e02002a81cd7c94341d379a2c", 2.4, 2.8},
		{CorpusHTML, 263527, "e7e624f1f678ddaee738d515e639b99322e5ac834f0e12328f50fa621539669c", 4.5, 5.7},
		{CorpusPDF, 1042328, "983dd5c8ab638c9f4f90e78637f5089cbc1e92a517bc39f027708c3fd3f23714", 1.05, 1.2},
	} {
		t.Run(string(tt.corpus), func(t *testing.T) {
			b := tt.corpus.Bytes()
			if len(b) != tt.size {
				t.Errorf("%d bytes, want %d", len(b), tt.size)
			}
			if sum := fmt.Sprintf("%x", sha256.Sum256(b)); sum != tt.sha256 {
				t.Errorf("SHA-256 %s, want %s", sum, tt.sha256)
			}
			var compressed bytes.Buffer
			w, err := flate.NewWriter(&compressed, 6)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(b)
			w.Close()
			if ratio := float64(len(b)) / float64(compressed.Len()); ratio < tt.low || ratio > tt.high {
				t.Errorf("compresses %.2f:1, want from %.2f to %.2f", ratio, tt.low, tt.high)
			}
		})
	}
}

// TestCorporaOfText checks that the corpora sent as text can be cut at any byte.
func TestCorporaOfText(t *testing.T) {
	for _, c := range []Corpus{CorpusJSON, CorpusHTML} {
		for i, char := range c.Bytes() {
			if char >= utf8.RuneSelf {
				t.Errorf("%s: byte %d is %#x, want ASCII", c, i, char)
				break
			}
		}
	}
}

func TestCorpusJSON(t *testing.T) {
	var records []struct{ Email, About string }
	if err := json.Unmarshal(CorpusJSON.Bytes(), &records); err != nil {
		t.Fatal(err)
	}
	if len(records) < 100 {
		t.Errorf("%d records, want at least 100", len(records))
	}
}

func TestCorpusPlay(t *testing.T) {
	b := CorpusPlay.Bytes()
	if !utf8.Valid(b) {
		t.Error("the play is not UTF-8")
	}
	if n := len(b) - utf8.RuneCount(b); n < 2000 {
		t.Errorf("%d letters of two bytes, want at least 2,000", n)
	}
}

// TestCorpusBitmap checks the bitmap's headers, and that the pixels form a picture:
// light and dark, without jumps.
func TestCorpusBitmap(t *testing.T) {
	b := CorpusBitmap.Bytes()
	field := func(offset int) int { return int(binary.LittleEndian.Uint32(b[offset:])) }
	pixels, width, height := field(10), field(18), field(22)
	if string(b[:2]) != "BM" || field(2) != len(b) || width != 512 || height != 512 || len(b)-pixels != width*height {
		t.Fatalf("header % x of %d points by %d, which begin at %d", b[:2], width, height, pixels)
	}
	if depth := binary.LittleEndian.Uint16(b[28:]); depth != 8 || field(46) != 256 {
		t.Fatalf("%d bits a point, %d colours, want 8 and 256", depth, field(46))
	}
	for grey := range 256 {
		if colour := b[54+4*grey:][:4]; !bytes.Equal(colour, []byte{byte(grey), byte(grey), byte(grey), 0}) {
			t.Fatalf("colour %d is % x", grey, colour)
		}
	}
	darkest, lightest, jumps := 255, 0, 0
	for i, point := range b[pixels : len(b)-1] {
		darkest, lightest = min(darkest, int(point)), max(lightest, int(point))
		if step := int(b[pixels+i+1]) - int(point); (step < -12 || step > 12) && i%width != width-1 {
			jumps++
		}
	}
	if darkest > 60 || lightest < 190 || jumps > 0 {
		t.Errorf("from %d to %d with %d jumps, want a picture", darkest, lightest, jumps)
	}
}

// TestCorpusPDF looks up the objects listed in the document's table.
func TestCorpusPDF(t *testing.T) {
	b := CorpusPDF.Bytes()
	_, tail, _ := bytes.Cut(b[len(b)-1024:], []byte("startxref\n"))
	digits, _, _ := bytes.Cut(tail, []byte("\n"))
	xref, err := strconv.Atoi(string(digits))
	if err != nil || !bytes.HasPrefix(b[xref:], []byte("xref\n0 ")) {
		t.Fatalf("no table at %q", digits)
	}
	var count int
	if _, err := fmt.Sscanf(string(b[xref:xref+20]), "xref\n0 %d\n", &count); err != nil || count < 100 {
		t.Fatalf("%d objects (%v), want at least 100", count, err)
	}
	entries := b[xref+bytes.IndexByte(b[xref+5:], '\n')+6:]
	for n := 1; n < count; n++ {
		offset, err := strconv.Atoi(string(entries[20*n:][:10]))
		if err != nil || !bytes.HasPrefix(b[offset:], fmt.Appendf(nil, "%d 0 obj\n", n)) {
			t.Errorf("object %d is not at %d", n, offset)
		}
	}
}
