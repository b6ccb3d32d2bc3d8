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
	HasValue    bool // there is a value, perhaps in quotes
}

// Bounds of what a Sec-WebSocket-Extensions header may have. There are three extensions, and
// four parameters of the one that has most. A header of a mebibyte can have half a
// million of either, each of which would take many times its bytes.
const (
	MaxExtensions = 32
	MaxParams     = 32
)

// ParseExtensions reads the lines of a Sec-WebSocket-Extensions header. It
// reports false for a header that is not well-formed, or holds too much.
func ParseExtensions(lines []string) (exts []Extension, ok bool) {
	for _, line := range lines {
		p := headerParser(line)
		for {
			p.skip()
			if p.eat(',') {
				continue // an empty element
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

// headerParser is the rest of a header line.
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

// extension reads a name and its parameters, and the space behind them.
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

// value reads a token, in quotes or without.
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
