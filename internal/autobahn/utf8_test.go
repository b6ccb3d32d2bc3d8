package autobahn

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// sent returns the payload of all data that a case sends.
func sent(c *Case) string {
	var b strings.Builder
	for _, s := range c.Steps {
		if s.Do == SendFrame || s.Do == SendMessage || s.Do == FrameBytes {
			b.WriteString(s.Payload.String())
		}
	}
	return b.String()
}

// TestText checks that a case of group 6 expects an echo exactly if the text is valid
// UTF-8.
func TestText(t *testing.T) {
	for _, c := range Cases() {
		if !strings.HasPrefix(c.ID, "6.") {
			continue
		}
		text := sent(c)
		back := slices.Equal(c.Expect[0].Events, []Event{{Kind: MessageEvent, Payload: text}})
		if utf8.ValidString(text) != back {
			t.Errorf("%s sends %x and expects %s", c.ID, text, FormatEvents(c.Expect[0].Events))
		}
		if c.Close.BySuite != back || c.Close.WrongSideFails == back {
			t.Errorf("%s: the text is echoed: %t, but the closing is %+v", c.ID, back, c.Close)
		}
		want := []int{1000}
		if !back {
			want = []int{1007}
		}
		if !slices.Equal(c.Close.Codes, want) {
			t.Errorf("%s: codes %v, want %v", c.ID, c.Close.Codes, want)
		}
	}
}

// codePoint matches code points in descriptions.
var codePoint = regexp.MustCompile(`\bU\+([0-9A-F]+)|\b([0-9A-F]+) hex`)

// TestCodePoints checks that a payload has the code point at the start of its
// description, valid or not.
func TestCodePoints(t *testing.T) {
	named := []string{"6.7", "6.8", "6.9", "6.10", "6.11", "6.18", "6.19", "6.20", "6.21", "6.22", "6.23"}
	for _, c := range Cases() {
		if c.Group() == "6.17" && !slices.Equal(loosely(sent(c)), []rune{'/'}) {
			t.Errorf("%s: %x is not a slash", c.ID, sent(c))
		}
		if !slices.Contains(named, c.Group()) && !strings.HasPrefix(c.ID, "6.5.") {
			continue
		}
		m := codePoint.FindStringSubmatch(c.Description)
		switch {
		case m == nil && c.Group() != "6.5":
			t.Errorf("%s does not say which code point: %s", c.ID, c.Description)
		case m != nil:
			n, _ := strconv.ParseUint(m[1]+m[2], 16, 32)
			if !slices.Contains(loosely(sent(c)), rune(n)) {
				t.Errorf("%s: %X is not in %x", c.ID, n, sent(c))
			}
		}
	}
}

// loosely decodes invalid UTF-8 too: up to six bytes, overlong encodings, and pairs of
// surrogates as one code point.
func loosely(s string) []rune {
	var runes []rune
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if s[i] >= 0xc0 {
			for n < 6 && s[i]<<n&0x80 != 0 {
				n++
			}
			r &= 0x7f >> n
			for _, b := range []byte(s[i+1 : i+n]) {
				r = r<<6 | rune(b&0x3f)
			}
		}
		runes = append(runes, r)
		i += n
	}
	if len(runes) == 2 && utf16.IsSurrogate(runes[0]) {
		runes = append(runes, utf16.DecodeRune(runes[0], runes[1]))
	}
	return runes
}

// TestShortest checks that the encodings of 6.17 to 6.19 are overlong, with 2 to 6
// bytes, and otherwise valid.
func TestShortest(t *testing.T) {
	for _, c := range Cases() {
		if !slices.Contains([]string{"6.17", "6.18", "6.19"}, c.Group()) {
			continue
		}
		text := sent(c)
		if i := slices.Index([]string{"1", "2", "3", "4", "5"}, strings.TrimPrefix(c.ID, c.Group()+".")); len(text) != i+2 {
			t.Errorf("%s has %d bytes, want %d", c.ID, len(text), i+2)
		}
		r := loosely(text)[0]
		if need := bytesFor(r); need >= len(text) {
			t.Errorf("%s: %X needs %d bytes, and has %d", c.ID, r, need, len(text))
		}
	}
}

// bytesFor returns the number of bytes of r in UTF-8 extended to 6 bytes.
func bytesFor(r rune) int {
	for n, bits := range []int{7, 11, 16, 21, 26} {
		if r < 1<<bits {
			return n + 1
		}
	}
	return 6
}

// TestPrefixes checks that 6.6 has all prefixes of one word, and that 6.14 and 6.15
// have the same truncated sequences.
func TestPrefixes(t *testing.T) {
	var cut string
	for i, c := range mustSelect(t, "6.6.*") {
		if sent(c) != kosme[:i+1] {
			t.Errorf("%s sends %x, want %x", c.ID, sent(c), kosme[:i+1])
		}
	}
	for _, c := range mustSelect(t, "6.14.*") {
		text := sent(c)
		if need := len(text) + 1; text[0] < 0xc0 || text[0]<<len(text)&0x80 == 0 || need < 6 && text[0]<<need&0x80 != 0 {
			t.Errorf("%s: %x lacks not just its last byte", c.ID, text)
		}
		cut += text
	}
	if got := sent(mustSelect(t, "6.15.1")[0]); got != cut {
		t.Errorf("6.15.1 sends %x, want %x", got, cut)
	}
}

func mustSelect(t *testing.T, pattern string) []*Case {
	t.Helper()
	cases, err := Select(Cases(), []string{pattern}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}
