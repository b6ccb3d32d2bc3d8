// Package httpheader has the rules of the headers of a WebSocket handshake: tokens,
// comma-separated lists, and the elements of Sec-WebSocket-Extensions.
//
// Its functions are pure. A header is given as its lines, which is what an
// http.Header has for a name; a list may be spread over several lines (RFC 9110
// section 5.3). Names and tokens are compared without regard to case in ASCII alone:
// in Unicode there are letters of other scripts that fold to k and to s.
package httpheader

import (
	"strings"
	"unicode/utf8"
)

// Elements calls yield for each element of a list, without the white space around
// it, until yield returns false. Empty elements are left out.
func Elements(lines []string, yield func(string) bool) {
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.Trim(element, " \t"); element != "" && !yield(element) {
				return
			}
		}
	}
}

// Has reports whether a list has the element want, in any case.
func Has(lines []string, want string) bool {
	found := false
	Elements(lines, func(element string) bool {
		found = EqualFold(element, want)
		return !found
	})
	return found
}

// HasOnly reports whether a list has the element want, once or more often, and no
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

// EqualFold reports whether s and t are equal without regard to case, and both
// ASCII.
func EqualFold(s, t string) bool {
	return strings.EqualFold(s, t) && IsASCII(s) && IsASCII(t)
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
