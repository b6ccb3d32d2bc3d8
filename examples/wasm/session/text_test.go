package session

import (
	"slices"
	"strings"
	"testing"
)

func TestParts(t *testing.T) {
	text := func(s string) Part { return Part{Text: s} }
	link := func(s string) Part { return Part{Text: s, IsLink: true} }
	for _, tt := range []struct {
		text string
		want []Part
	}{
		{"", nil},
		{"hello", []Part{text("hello")}},
		{"http://a.test", []Part{link("http://a.test")}},
		{"see https://a.test/b?c=d#e.", []Part{text("see "), link("https://a.test/b?c=d#e"), text(".")}},
		{"(http://a.test/b)!", []Part{text("("), link("http://a.test/b"), text(")!")}},
		{"http://a.test\nhttp://b.test", []Part{link("http://a.test"), text("\n"), link("http://b.test")}},
		{"<http://a.test>", []Part{text("<"), link("http://a.test"), text(">")}},
		{"http:// https://... http", []Part{text("http:// https://... http")}},
		{"javascript:alert(1) ftp://a.test", []Part{text("javascript:alert(1) ftp://a.test")}},
		{"é\u2028http://bücher.test/ü\u2028", []Part{text("é\u2028"), link("http://bücher.test/ü"), text("\u2028")}},
	} {
		if got := Parts(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %+v, want %+v", tt.text, got, tt.want)
		}
	}
}

// The parts make up the text, and links are web addresses.
func FuzzParts(f *testing.F) {
	f.Add("see http://a.test, or <https://b.test>")
	f.Add("http://\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var all strings.Builder
		for _, part := range Parts(s) {
			all.WriteString(part.Text)
			if part.IsLink && schemeLen(part.Text) == 0 || part.Text == "" {
				t.Errorf("%q has the part %+v", s, part)
			}
		}
		if all.String() != s {
			t.Errorf("%q became %q", s, all.String())
		}
	})
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"":                      "",
		"ada":                   "A",
		"Ada Lovelace":          "AL",
		"Grace Brewster Hopper": "GB",
		"élan vital":            "ÉV",
		"محمد":                  "م",
		"🦊 2":                   "🦊2",
	} {
		if got := Initials(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestHue(t *testing.T) {
	for id, want := range map[string]int{"": 0, "a": 97, "ab": 97*31%360 + 98 - 360*((97*31%360+98)/360)} {
		if got := Hue(id); got != want {
			t.Errorf("%q: got %d, want %d", id, got, want)
		}
	}
}
