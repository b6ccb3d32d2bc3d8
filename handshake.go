//go:build !js

package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strings"
)

// The headers of the opening handshake (RFC 6455 section 11.3).
const (
	headerKey        = "Sec-Websocket-Key"
	headerAccept     = "Sec-Websocket-Accept"
	headerVersion    = "Sec-Websocket-Version"
	headerProtocol   = "Sec-Websocket-Protocol"
	headerExtensions = "Sec-Websocket-Extensions"
)

// protocolVersion is that of RFC 6455.
const protocolVersion = "13"

// keyLen is the length of a Sec-WebSocket-Key: 16 bytes in base64.
const keyLen = 24

// acceptKey is what a server answers to a key (RFC 6455 section 4.2.2).
func acceptKey(key string) string {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum(append(append(make([]byte, 0, keyLen+len(guid)), key...), guid...))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// tokens calls yield for each element of a header that is a comma-separated
// list, over all of its lines, until that returns false.
func tokens(h http.Header, name string, yield func(string) bool) {
	for _, line := range h[name] {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.Trim(token, " \t"); token != "" && !yield(token) {
				return
			}
		}
	}
}

// hasToken reports whether a list header has an element, in any case.
func hasToken(h http.Header, name, want string) bool {
	found := false
	tokens(h, name, func(token string) bool {
		found = sameToken(token, want)
		return !found
	})
	return found
}

// sameToken reports whether s is the token, in any case. Only ASCII has cases here:
// what else folds into it, such as the Kelvin sign, is longer.
func sameToken(s, token string) bool {
	return len(s) == len(token) && strings.EqualFold(s, token)
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
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

// extension is one element of a Sec-WebSocket-Extensions header (RFC 6455
// section 9.1).
type extension struct {
	name   string
	params []param
}

type param struct {
	name, value string
	hasValue    bool
}

// parseExtensions reads the lines of a Sec-WebSocket-Extensions header. It
// reports false for a header that is not well-formed.
func parseExtensions(lines []string) (exts []extension, ok bool) {
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
			if !ok || p != "" && !p.eat(',') {
				return nil, false
			}
			exts = append(exts, ext)
		}
	}
	return exts, true
}

// headerParser is what is left of a header line.
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
func (p *headerParser) extension() (ext extension, ok bool) {
	if ext.name = p.token(); ext.name == "" {
		return ext, false
	}
	for p.skip(); p.eat(';'); p.skip() {
		p.skip()
		var arg param
		if arg.name = p.token(); arg.name == "" {
			return ext, false
		}
		p.skip()
		if p.eat('=') {
			p.skip()
			arg.hasValue = true
			if arg.value, ok = p.value(); !ok {
				return ext, false
			}
		}
		ext.params = append(ext.params, arg)
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
			return unquoted.String(), isToken(unquoted.String())
		case b == '\\' && *p != "":
			b = (*p)[0]
			*p = (*p)[1:]
		}
		unquoted.WriteByte(b)
	}
	return "", false
}
