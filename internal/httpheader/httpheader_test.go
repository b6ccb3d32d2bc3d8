package httpheader

import (
	"slices"
	"strings"
	"testing"
)

func TestElements(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  []string
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{" , ,\t,"}, nil},
		{[]string{"a"}, []string{"a"}},
		{[]string{"a, b\t,c"}, []string{"a", "b", "c"}},
		{[]string{"a,b", "", "c"}, []string{"a", "b", "c"}},
		{[]string{"a b"}, []string{"a b"}},
	} {
		var got []string
		Elements(test.lines, func(element string) bool {
			got = append(got, element)
			return true
		})
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.lines, got, test.want)
		}
	}
	n := 0
	Elements([]string{"a,b", "c"}, func(string) bool {
		n++
		return n < 2
	})
	if n != 2 {
		t.Errorf("%d elements were yielded, want 2", n)
	}
}

func TestHas(t *testing.T) {
	for _, test := range []struct {
		lines     []string
		has, only bool
	}{
		{nil, false, false},
		{[]string{","}, false, false},
		{[]string{"keep"}, true, true},
		{[]string{"KEEP"}, true, true},
		{[]string{"keep, Keep", "keep"}, true, true},
		{[]string{"x, keep"}, true, false},
		{[]string{"keep", "x"}, true, false},
		{[]string{"keeper"}, false, false},
		{[]string{"keep x"}, false, false},
		{[]string{"\u212aeep"}, false, false}, // the Kelvin sign folds to k
	} {
		if got := Has(test.lines, "keep"); got != test.has {
			t.Errorf("%q: Has is %t", test.lines, got)
		}
		if got := HasOnly(test.lines, "keep"); got != test.only {
			t.Errorf("%q: HasOnly is %t", test.lines, got)
		}
	}
}

func TestEqualFold(t *testing.T) {
	for _, test := range []struct {
		s, t string
		want bool
	}{
		{"", "", true}, {"a", "A", true}, {"Websocket", "webSocket", true}, {"a", "b", false}, {"a", "aa", false},
		{"k", "\u212a", false}, {"s", "\u017f", false}, {"\u00e9", "\u00e9", false},
	} {
		if got := EqualFold(test.s, test.t); got != test.want {
			t.Errorf("%q and %q: got %t", test.s, test.t, got)
		}
	}
}

// Each single byte: RFC 9110 section 5.6.2 lists those of tokens.
func TestIsToken(t *testing.T) {
	const allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for b := range 256 {
		s := string([]byte{byte(b)})
		if got, want := IsToken("a"+s+"z"), strings.Contains(allowed, s); got != want {
			t.Errorf("%q: got %t", s, got)
		}
		if got := IsASCII(s); got != (b < 0x80) {
			t.Errorf("%q: IsASCII is %t", s, got)
		}
	}
	if IsToken("") {
		t.Error("nothing is a token")
	}
}
