package httpheader

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The grammar of Sec-WebSocket-Extensions (RFC 6455 section 9.1), with the white space
// and the empty list elements of RFC 9110 section 5.6.1.
var (
	tokenChars    = "[!#$%&'*+.^_`|~0-9A-Za-z-]"
	space         = `[ \t]*`
	paramForm     = tokenChars + `+` + `(?:` + space + `=` + space + `(?:` + tokenChars + `+|"(?:\\?` + tokenChars + `)+"))?`
	extensionForm = tokenChars + `+(?:` + space + `;` + space + paramForm + `)*`
	elementForm   = space + `(?:` + extensionForm + `)?` + space
	headerForm    = regexp.MustCompile(`^` + elementForm + `(?:,` + elementForm + `)*$`)
)

// formatExtensions is the reverse of ParseExtensions. It quotes some of the values.
func formatExtensions(exts []Extension) string {
	var elements []string
	for i, ext := range exts {
		element := ext.Name
		for k, p := range ext.Params {
			element += "; " + p.Name
			switch {
			case p.HasValue && (i+k)%2 == 0:
				element += "=" + p.Value
			case p.HasValue:
				element += `="` + p.Value + `"`
			}
		}
		elements = append(elements, element)
	}
	return strings.Join(elements, ", ")
}

// holdsTooMuch reports whether a well-formed header has more extensions, or an
// extension more parameters, than the limits allow. (Values contain no commas and no
// semicolons, quoted or not.)
func holdsTooMuch(line string) bool {
	extensions := 0
	for element := range strings.SplitSeq(line, ",") {
		if strings.Trim(element, " \t") != "" {
			extensions++
		}
		if strings.Count(element, ";") > MaxParams {
			return true
		}
	}
	return extensions > MaxExtensions
}

// FuzzParseExtensions compares ParseExtensions with a regular expression of the
// grammar, and with the parsed form of its formatted result.
func FuzzParseExtensions(f *testing.F) {
	for _, line := range []string{
		"", ",", "permessage-deflate", "permessage-deflate; client_max_window_bits",
		`permessage-deflate; server_max_window_bits="10" ; client_no_context_takeover, x;a="\b\c" ,,y`,
		"a;", "a=b", `a;b="`, `a;b=""`, `a;b="c d"`, "a b", "a\t;\tb\t=\tc", `a;b="c\`, "ä",
		strings.Repeat("a,", MaxExtensions/2), strings.Repeat("a,", MaxExtensions), strings.Repeat("a,,", MaxExtensions+1),
		"a" + strings.Repeat(";b", MaxParams), "a" + strings.Repeat(";b", MaxParams+1),
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		exts, ok := ParseExtensions([]string{line})
		if want := headerForm.MatchString(line) && !holdsTooMuch(line); ok != want {
			t.Fatalf("%q: got %t, want %t", line, ok, want)
		}
		if !ok {
			return
		}
		again, ok := ParseExtensions([]string{formatExtensions(exts)})
		if !ok || !reflect.DeepEqual(again, exts) {
			t.Fatalf("%q is %+v, which is %q, which is %+v", line, exts, formatExtensions(exts), again)
		}
		twice, ok := ParseExtensions([]string{line, line})
		if 2*len(exts) > MaxExtensions {
			if ok {
				t.Fatalf("%q twice: got %d extensions", line, len(twice))
			}
			return
		}
		if !ok || !reflect.DeepEqual(twice, append(slices.Clip(exts), exts...)) {
			t.Fatalf("%q twice: got %+v, %t", line, twice, ok)
		}
	})
}
