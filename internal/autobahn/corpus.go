package autobahn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"sync"
)

// A Corpus is the source of messages in the compression cases. Each corpus is generated
// from a fixed seed and is the same on all platforms and with all releases of Go. The
// corpora resemble those of the original suite in kind, size and approximate entropy.
type Corpus string

// The corpora. JSON and HTML are ASCII, so a piece cut at any byte is text.
const (
	CorpusJSON   Corpus = "json"   // records of people
	CorpusBitmap Corpus = "bitmap" // a grey picture of 512 by 512 points, as BMP
	CorpusPlay   Corpus = "play"   // a play in German verse, in UTF-8
	CorpusHTML   Corpus = "html"   // a page of articles and tables
	CorpusPDF    Corpus = "pdf"    // a document with compressed streams
)

// Sizes of the corpora, equal to those of the original suite.
const (
	jsonSize   = 194_056
	bitmapSize = 263_222
	playSize   = 222_218
	htmlSize   = 263_527
	pdfSize    = 1_042_328
)

var corpora = map[Corpus]func() []byte{
	CorpusJSON:   sync.OnceValue(makeJSON),
	CorpusBitmap: sync.OnceValue(makeBitmap),
	CorpusPlay:   sync.OnceValue(makePlay),
	CorpusHTML:   sync.OnceValue(makeHTML),
	CorpusPDF:    sync.OnceValue(makePDF),
}

// Bytes returns the corpus, which is generated once and must not be changed. It panics
// if the corpus does not exist.
func (c Corpus) Bytes() []byte {
	corpus, ok := corpora[c]
	if !ok {
		panic("autobahn: no corpus " + string(c))
	}
	return corpus()
}

// dice generates the random choices of a corpus. It uses rand.PCG, which is specified,
// and not rand.Rand, whose algorithms may change.
type dice struct{ pcg *rand.PCG }

func newDice(c Corpus) dice {
	var seed [16]byte
	copy(seed[:], c)
	return dice{rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:]))}
}

// below returns a number from 0 to n-1.
func (d dice) below(n int) int {
	number, _ := bits.Mul64(d.pcg.Uint64(), uint64(n))
	return int(number)
}

// between returns a number from low to high.
func (d dice) between(low, high int) int { return low + d.below(high-low+1) }

// of returns one of words.
func (d dice) of(words []string) string { return words[d.below(len(words))] }

// often returns one of words; the first ones are more likely than the last.
func (d dice) often(words []string) string { return words[d.below(1+d.below(len(words)))] }

// sentence returns a sentence of low to high English words.
func (d dice) sentence(low, high int) string {
	var b strings.Builder
	for i, n := 0, d.between(low, high); i < n; i++ {
		word := d.often(english)
		switch {
		case i == 0:
			word = capital(word)
		case d.below(12) == 0:
			b.WriteString(", ")
		default:
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	b.WriteByte('.')
	return b.String()
}

// fill returns exactly n bytes of sentences.
func (d dice) fill(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(d.sentence(6, 14))
		b.WriteByte(' ')
	}
	return b.String()[:n]
}

// hex returns n hexadecimal digits.
func (d dice) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[d.below(16)]
	}
	return string(b)
}

// capital returns an ASCII word with its first letter in upper case.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// makeJSON generates indented records of people.
func makeJSON() []byte {
	const end = "\"}\n]\n"
	d := newDice(CorpusJSON)
	b := []byte("[\n")
	for index := 0; len(b) < jsonSize-2500; index++ {
		b = appendRecord(b, d, index)
	}
	b = append(b, `  {"about": "`...)
	b = append(b, d.fill(jsonSize-len(b)-len(end))...)
	return append(b, end...)
}

// appendRecord appends a record of at most 2,000 bytes.
func appendRecord(b []byte, d dice, index int) []byte {
	first, last, company := d.of(firstNames), d.of(lastNames), capital(d.of(english))+d.of([]string{"ex", "ia", "ora", "is", "on"})
	b = fmt.Appendf(b, "  {\n    \"id\": %d,\n    \"guid\": \"%s-%s-%s\",\n", index, d.hex(8), d.hex(4), d.hex(12))
	b = fmt.Appendf(b, "    \"isActive\": %t,\n    \"balance\": \"$%d,%03d.%02d\",\n", d.below(2) == 0, d.between(1, 3), d.below(1000), d.below(100))
	b = fmt.Appendf(b, "    \"picture\": \"http://placehold.example/32x32\",\n    \"age\": %d,\n", d.between(20, 40))
	b = fmt.Appendf(b, "    \"name\": \"%s %s\",\n    \"company\": \"%s\",\n", first, last, company)
	b = fmt.Appendf(b, "    \"email\": \"%s%s@%s.example\",\n", strings.ToLower(first), strings.ToLower(last), strings.ToLower(company))
	b = fmt.Appendf(b, "    \"phone\": \"+1 (%d) 555-%04d\",\n", d.between(800, 999), d.below(10000))
	b = fmt.Appendf(b, "    \"address\": \"%d %s Street, %sville, %d\",\n", d.between(100, 999), d.of(lastNames), d.of(firstNames), d.between(100, 9999))
	b = fmt.Appendf(b, "    \"about\": \"%s %s\",\n", d.sentence(10, 20), d.sentence(10, 20))
	b = fmt.Appendf(b, "    \"registered\": \"%d-%02d-%02dT%02d:%02d:%02d\",\n", d.between(1990, 2012), d.between(1, 12), d.between(1, 28), d.below(24), d.below(60), d.below(60))
	b = fmt.Appendf(b, "    \"latitude\": %d.%06d,\n    \"longitude\": %d.%06d,\n", d.between(-89, 89), d.below(1e6), d.between(-179, 179), d.below(1e6))
	b = append(b, "    \"tags\": [\n"...)
	for i := range 5 {
		b = fmt.Appendf(b, "      \"%s\"%s\n", d.of(english), separator(i, 5))
	}
	b = append(b, "    ],\n    \"friends\": [\n"...)
	for i := range 3 {
		b = fmt.Appendf(b, "      {\n        \"id\": %d,\n        \"name\": \"%s %s\"\n      }%s\n", i+1, d.of(firstNames), d.of(lastNames), separator(i, 3))
	}
	return fmt.Appendf(b, "    ],\n    \"randomItem\": %d\n  },\n", d.between(1, 5))
}

// separator returns the text after element i of n in JSON.
func separator(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}

// makeHTML generates a page of articles and tables.
func makeHTML() []byte {
	const end = "</p>\n</div>\n</body>\n</html>\n"
	d := newDice(CorpusHTML)
	b := []byte("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"us-ascii\">\n<title>An almanac</title>\n</head>\n<body>\n")
	for index := 1; len(b) < htmlSize-6000; index++ {
		b = appendArticle(b, d, index)
	}
	b = append(b, "<div class=\"footer\" id=\"footer\">\n<p class=\"small\">"...)
	b = append(b, d.fill(htmlSize-len(b)-len(end))...)
	return append(b, end...)
}

// appendArticle appends an article of at most 5,000 bytes.
func appendArticle(b []byte, d dice, index int) []byte {
	title := capital(d.often(english)) + " and " + d.often(english)
	b = fmt.Appendf(b, "<div class=\"article\" id=\"section-%d\">\n<h2 class=\"title\"><a href=\"#section-%d\" title=\"%s\">%s</a></h2>\n", index, index, title, title)
	for range d.between(1, 3) {
		b = fmt.Appendf(b, "<p class=\"text\">%s <em>%s</em> %s</p>\n", d.sentence(8, 20), d.sentence(2, 5), d.sentence(8, 20))
	}
	b = append(b, "<table class=\"listing\" border=\"0\" cellpadding=\"2\" cellspacing=\"0\">\n"...)
	for row := range d.between(4, 10) {
		word := d.often(english)
		b = fmt.Appendf(b, "<tr class=\"row%d\"><td class=\"name\"><a class=\"reference internal\" href=\"/wiki/%s\">%s</a></td>", row%2, word, capital(word))
		b = fmt.Appendf(b, "<td class=\"number\">%d.%d&nbsp;&euro;</td><td class=\"text\">%s</td></tr>\n", d.below(1000), d.below(10), d.sentence(3, 9))
	}
	return append(b, "</table>\n</div>\n"...)
}

// makePlay generates scenes of verse dialogue.
func makePlay() []byte {
	d := newDice(CorpusPlay)
	b := []byte("DER WANDERER\n\nEine Tragödie in fünf Akten\n\n")
	for act := 1; len(b) < playSize; act++ {
		b = fmt.Appendf(b, "\n\n%d. AKT\n", act)
		for scene := 1; scene <= 6; scene++ {
			b = fmt.Appendf(b, "\n%d. SZENE. %s.\n(%s.)\n", scene, d.of(places), d.verse(4))
			for range d.between(20, 40) {
				b = fmt.Appendf(b, "\n%s.\n", d.of(speakers))
				for range d.between(1, 8) {
					b = fmt.Appendf(b, "  %s%s\n", d.verse(d.between(4, 7)), d.often([]string{",", ".", "!", ";", "?", ":"}))
				}
			}
		}
	}
	// The end is arbitrary, but does not cut a letter of two bytes.
	b = b[:playSize-1]
	return append([]byte(strings.ToValidUTF8(string(b), ".")), '\n')
}

// verse returns a verse of n words, without its final punctuation.
func (d dice) verse(n int) string {
	var b strings.Builder
	for i := range n {
		var word string
		switch kind := d.below(10); {
		case kind < 4:
			word = d.often(particles)
		case kind < 6:
			word = d.of(adjectives) + d.of([]string{"", "e", "en", "er", "es"})
		case kind < 8:
			word = d.often([]string{"", "", "ver", "er", "be", "ent"}) + d.of(verbs) + d.of([]string{"t", "en", "e", "st", "end"})
		case kind < 9:
			word = d.of(nouns)
		default:
			word = d.of(nouns) + d.often([]string{"", "s"}) + strings.ToLower(d.of(nouns))
		}
		if i > 0 {
			b.WriteByte(' ')
		} else if word[0] < 0x80 {
			word = capital(word)
		}
		b.WriteString(word)
	}
	return b.String()
}

// makeBitmap generates a smooth picture with the grain of a photograph: noise at
// several scales, computed in integers.
func makeBitmap() []byte {
	const (
		side    = 512
		palette = 256
		pixels  = 14 + 40 + 4*palette // offset of the pixels, behind both headers
	)
	d := newDice(CorpusBitmap)
	b := make([]byte, 0, bitmapSize)
	b = append(b, "BM"...)
	for _, field := range []uint32{
		bitmapSize, 0, pixels,
		40, side, side, 1 | 8<<16, // one plane, 8 bits per pixel
		0, side * side, 2835, 2835, palette, 0,
	} {
		b = binary.LittleEndian.AppendUint32(b, field)
	}
	for grey := range palette {
		b = append(b, byte(grey), byte(grey), byte(grey), 0)
	}
	var light [side * side]int // up to 65,536
	for _, octave := range []struct{ size, weight int }{{256, 44000}, {128, 20000}, {64, 9000}, {32, 3600}, {16, 1400}, {8, 600}} {
		addNoise(light[:], d, side, octave.size, octave.weight)
	}
	for _, l := range light {
		b = append(b, byte(min(max(l/256-20, 0)+d.below(4)+d.below(4), 255)))
	}
	return b
}

// addNoise adds light of up to weight to a square picture: random values at the corners
// of squares of size pixels, interpolated between them.
func addNoise(light []int, d dice, side, size, weight int) {
	corners := side/size + 1
	grid := make([]int64, corners*corners) // an int may overflow in the sums
	for i := range grid {
		grid[i] = int64(d.below(weight))
	}
	for y := range side {
		gy, wy := y/size, smooth(y%size, size)
		for x := range side {
			gx, wx := x/size, smooth(x%size, size)
			corner := grid[gy*corners+gx:]
			above := corner[0]*(1024-wx) + corner[1]*wx
			below := corner[corners]*(1024-wx) + corner[corners+1]*wx
			light[y*side+x] += int((above*(1024-wy) + below*wy) >> 20)
		}
	}
}

// smooth returns the weight, of 1024, of the value at n when x goes from 0 to n, on a
// curve that is level at both ends.
func smooth(x, n int) int64 {
	at, end := int64(x), int64(n)
	return 1024 * at * at * (3*end - 2*at) / (end * end * end)
}

// makePDF generates a document of pages. Random bytes stand for compressed streams.
func makePDF() []byte {
	const first = 4 // the first page, after the catalog, the page list and the font
	d := newDice(CorpusPDF)
	b := []byte("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	offsets := map[int]int{1: len(b)} // of objects, by number
	b = append(b, "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"...)
	offsets[3] = len(b)
	b = append(b, "3 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n"...)
	n := first
	for ; len(b) < pdfSize-60_000; n += 2 {
		offsets[n] = len(b)
		b = appendPage(b, d, n)
		offsets[n+1] = len(b)
		b = appendStream(b, d, n+1, d.between(1000, 12000))
	}
	offsets[2] = len(b)
	b = append(b, "2 0 obj\n<< /Type /Pages /Kids [ "...)
	for page := first; page < n; page += 2 {
		b = fmt.Appendf(b, "%d 0 R ", page)
	}
	b = fmt.Appendf(b, "] /Count %d >>\nendobj\n", (n-first)/2)
	// The last object is a stream that fills the space before the table.
	offsets[n] = len(b)
	table := 20*(n+1) + 100 // with the trailer
	b = appendStream(b, d, n, pdfSize-table-len(b)-100)
	xref := len(b)
	b = fmt.Appendf(b, "xref\n0 %d\n0000000000 65535 f \n", n+1)
	for i := 1; i <= n; i++ {
		b = fmt.Appendf(b, "%010d 00000 n \n", offsets[i])
	}
	b = fmt.Appendf(b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF", n+1, xref)
	return append(b, bytes.Repeat([]byte("\n"), pdfSize-len(b))...)
}

// appendPage appends object n: a page that shows the next object, a stream.
func appendPage(b []byte, d dice, n int) []byte {
	b = fmt.Appendf(b, "%d 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 595 842 ] /Rotate 0\n/Contents %d 0 R\n/Resources << /ProcSet [ /PDF /Text /ImageB ]\n", n, n+1)
	b = append(b, "/Font << "...)
	for range d.between(2, 12) {
		b = fmt.Appendf(b, "/F%d 3 0 R ", d.between(1, 40))
	}
	b = append(b, ">> >>\n/Annots [ "...)
	coordinate := func(limit int) string { return fmt.Sprintf("%d.%03d", d.below(limit), d.below(1000)) }
	for range d.between(1, 8) {
		b = fmt.Appendf(b, "<< /Type /Annot /Subtype /Link /Border [ 0 0 0 ] /Rect [ %s %s %s %s ] /Dest (%s) >>\n",
			coordinate(595), coordinate(842), coordinate(595), coordinate(842), d.often(english))
	}
	return append(b, "] >>\nendobj\n"...)
}

// appendStream appends object n: a stream of size bytes.
func appendStream(b []byte, d dice, n, size int) []byte {
	b = fmt.Appendf(b, "%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n", n, size)
	for range size {
		b = append(b, byte(d.below(256)))
	}
	return append(b, "\nendstream\nendobj\n"...)
}
