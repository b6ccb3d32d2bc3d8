package chart

import (
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one two", []string{"one two"}},
		{"one two three four", []string{"one two", "three four"}}, // of 62 pixels: 10 letters
		{"averylongword of 2", []string{"averylongword", "of 2"}},
		{"÷ ÷ ÷ ÷ ÷ ÷", []string{"÷ ÷ ÷ ÷ ÷", "÷"}},
	} {
		if got := lines(test.text, 62); !slices.Equal(got, test.want) {
			t.Errorf("lines(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

// The content begins below the subtitle, however many lines that has.
func TestTop(t *testing.T) {
	one := New(Frame{Subtitle: "A line.", Width: 400, Height: 100})
	three := New(Frame{Subtitle: strings.Repeat("A line of many words. ", 7), Width: 400, Height: 100})
	if one.Top != 66 || three.Top != 66+2*lineHeight {
		t.Errorf("the contents begin at %d and %d", one.Top, three.Top)
	}
	for _, c := range []*Chart{one, three} {
		if c.Bottom != c.Top+100 {
			t.Errorf("the chart ends at %d, want %d", c.Bottom, c.Top+100)
		}
	}
	if n := strings.Count(string(three.Bytes()), "<text x="); n != 3 {
		t.Errorf("the subtitle has %d lines, want 3", n)
	}
}
