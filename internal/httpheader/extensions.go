package httpheader

import "strings"

// Extension is one element of a Sec-WebSocket-Extensions header (RFC 6455
// section 9.1).
type Extension struct {
	Name   string
	Params []Param
}

// Param is a parameter of an Extension.
type Param struct {
	Name, Value string
	HasValue    bool // a value is present, quoted or not
}

// Limits of a Sec-WebSocket-Extensions header. There are three registered extensions, and
// the one with most parameters has four. A header of a mebibyte could have half a million of
// either, each of which would take many times its bytes.
const (
	MaxExtensions = 32
	MaxParams     = 32
)

// ParseExtensions parses the lines of a Sec-WebSocket-Extensions header. It returns
// false if the header is malformed or exceeds the limits.
func ParseExtensions(lines []string) (exts []Extension, ok bool) {
	for _, line := range lines {
		p := headerParser(line)
		for {
			p.skip()
			if p.eat(',') {
				continue // an empty list element
			}
			if p == "" {
				break
			}
			ext, ok := p.extension()
			if !ok || len(exts) == MaxExtensions || p != "" && !p.eat(',') {
				return nil, false
			}
			exts = append(exts, ext)
		}
	}
	return exts, true
}

// headerParser is the unparsed rest of a header line.
type headerParser string

func (p *headerParser) skip() {
	*p = headerParser(strings.TrimLeft(string(*p), " \t"))
}

func (p *headerParser) eat(b byte) bool {
	if *p == "" || (*p)[0] != b {
		return false
	}
	*p = (*p)[1:]
	return true
}

func (p *headerParser) token() string {
	n := 0
	for n < len(*p) && isTokenByte((*p)[n]) {
		n++
	}
	t := (*p)[:n]
	*p = (*p)[n:]
	return string(t)
}

// extension parses a name with its parameters, and the white space behind them.
func (p *headerParser) extension() (ext Extension, ok bool) {
	if ext.Name = p.token(); ext.Name == "" {
		return ext, false
	}
	for p.skip(); p.eat(';'); p.skip() {
		p.skip()
		var arg Param
		if arg.Name = p.token(); arg.Name == "" || len(ext.Params) == MaxParams {
			return ext, false
		}
		p.skip()
		if p.eat('=') {
			p.skip()
			arg.HasValue = true
			if arg.Value, ok = p.value(); !ok {
				return ext, false
			}
		}
		ext.Params = append(ext.Params, arg)
	}
	return ext, true
}

// value parses a token or a quoted string.
func (p *headerParser) value() (string, bool) {
	if !p.eat('"') {
		t := p.token()
		return t, t != ""
	}
	var unquoted strings.Builder
	for *p != "" {
		b := (*p)[0]
		*p = (*p)[1:]
		switch {
		case b == '"':
			return unquoted.String(), IsToken(unquoted.String())
		case b == '\\' && *p != "":
			b = (*p)[0]
			*p = (*p)[1:]
		}
		unquoted.WriteByte(b)
	}
	return "", false
}
