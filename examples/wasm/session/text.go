package session

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Part is a part of a text.
type Part struct {
	Text   string
	IsLink bool // Text is a web address
}

// Parts splits a text into web addresses and the text between them. Punctuation and
// brackets at the end are not part of an address.
func Parts(text string) []Part {
	var parts []Part
	add := func(p Part) {
		if p.Text != "" {
			parts = append(parts, p)
		}
	}
	begin := 0 // of the rest that was not added
	for at := 0; at < len(text); {
		rest := text[at:]
		scheme := schemeLen(rest)
		if scheme == 0 {
			_, size := utf8.DecodeRuneInString(rest)
			at += size
			continue
		}
		if end := strings.IndexFunc(rest, notInAddress); end >= 0 {
			rest = rest[:end]
		}
		address := strings.TrimRight(rest, `.,:;!?')]`)
		if len(address) > scheme {
			add(Part{Text: text[begin:at]})
			add(Part{Text: address, IsLink: true})
			begin = at + len(address)
		}
		at += max(len(address), scheme)
	}
	add(Part{Text: text[begin:]})
	return parts
}

// schemeLen returns the length of the scheme at the start of s, or 0.
func schemeLen(s string) int {
	for _, scheme := range []string{"https://", "http://"} {
		if strings.HasPrefix(s, scheme) {
			return len(scheme)
		}
	}
	return 0
}

func notInAddress(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(`<>"`, r)
}

// Initials returns the first characters of the first two words of a name.
func Initials(name string) string {
	var initials strings.Builder
	words := strings.Fields(name)
	for _, word := range words[:min(len(words), 2)] {
		first, _ := utf8.DecodeRuneInString(word)
		initials.WriteRune(first)
	}
	return strings.ToUpper(initials.String())
}

// Hue returns the hue of a person, in degrees.
func Hue(id string) int {
	hue := 0
	for _, r := range id {
		hue = (hue*31 + int(r)) % 360
	}
	return hue
}
