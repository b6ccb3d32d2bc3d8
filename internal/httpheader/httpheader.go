// Package httpheader parses the headers of a WebSocket handshake: tokens,
// comma-separated lists, and the elements of Sec-WebSocket-Extensions. It also makes
// the Sec-WebSocket-Accept of a key.
//
// Its functions are pure. A header is passed as its lines, the value of an http.Header
// for a name; a list may be spread over several lines (RFC 9110 section 5.3). The
// comparison of names and tokens ignores case only in ASCII: in Unicode, letters of
// other scripts fold to k and to s.
package httpheader

import (
	"strings"
	"unicode/utf8"
)

// Elements calls yield for each element of a list, without surrounding white space,
// until yield returns false. It skips empty elements.
func Elements(lines []string, yield func(string) bool) {
	for _, line := range lines {
		for more := true; more; {
			var element string
			element, line, more = strings.Cut(line, ",")
			if element = trim(element); element != "" && !yield(element) {
				return
			}
		}
	}
}

// trim removes surrounding white space.
func trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }

// Has reports whether a list has the element want, ignoring case.
func Has(lines []string, want string) bool {
	found := false
	Elements(lines, func(element string) bool {
		found = EqualFold(element, want)
		return !found
	})
	return found
}

// HasOnly reports whether a list has the element want, once or several times, and no
// other.
func HasOnly(lines []string, want string) bool {
	has, others := false, false
	Elements(lines, func(element string) bool {
		has = EqualFold(element, want)
		others = !has
		return !others
	})
	return has && !others
}

// EqualFold reports whether s and t are ASCII and equal, ignoring case.
func EqualFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || lower(s[i]) != lower(t[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// IsASCII reports whether s has no byte above 0x7f.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// IsToken reports whether s is a token (RFC 9110 section 5.6.2).
func IsToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
