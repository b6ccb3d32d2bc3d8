//go:build !js

package websocket

import (
	"crypto/fips140"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/bhojpur/api/internal/httpheader"
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
func acceptKey(key string) string { return string(appendAcceptKey(nil, key)) }

// appendAcceptKey appends the answer to a key.
func appendAcceptKey(dst []byte, key string) []byte {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1Sum(append(append(make([]byte, 0, keyLen+len(guid)), key...), guid...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// sha1Sum is sha1.Sum where GODEBUG=fips140=only forbids it too. Here SHA-1 is no
// security function: the answer only shows that the server understood the
// request (RFC 6455 section 10.8).
func sha1Sum(b []byte) [sha1.Size]byte {
	if !fips140.Enforced() {
		return sha1.Sum(b)
	}
	return unenforcedSHA1(b)
}

func unenforcedSHA1(b []byte) (sum [sha1.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = sha1.Sum(b) })
	return sum
}

// isKey reports whether s is a Sec-WebSocket-Key: 16 bytes in base64.
func isKey(s string) bool {
	if len(s) != keyLen {
		return false
	}
	var nonce [keyLen / 4 * 3]byte
	n, err := base64.StdEncoding.Decode(nonce[:], []byte(s))
	return err == nil && n == 16
}

// The bounds of each header whose elements are compared with what the program
// lists, over all of its lines. They bound the work for a request.
const (
	maxListBytes    = 8 << 10
	maxListElements = 64
)

// checkBounds reports a header that is too large to be looked at.
func checkBounds(h http.Header) *refusal {
	for _, name := range []string{headerProtocol, headerExtensions, "Origin"} {
		n, elements := 0, 0
		for _, line := range h[name] {
			n += len(line)
		}
		if n <= maxListBytes {
			tokens(h, name, func(string) bool { elements++; return elements <= maxListElements })
		}
		if n > maxListBytes || elements > maxListElements {
			text := fmt.Sprintf("%s has more than %d bytes or %d elements", name, maxListBytes, maxListElements)
			return refused(http.StatusRequestHeaderFieldsTooLarge, text, errors.New(text))
		}
	}
	return nil
}

// tokens calls yield for each element of a header that is a comma-separated
// list, over all of its lines, until that returns false.
func tokens(h http.Header, name string, yield func(string) bool) {
	httpheader.Elements(h[name], yield)
}

// hasToken reports whether a list header has an element, in any case.
func hasToken(h http.Header, name, want string) bool { return httpheader.Has(h[name], want) }

// hasTokenAlone reports whether a list header has an element, and no other one.
func hasTokenAlone(h http.Header, name, want string) bool { return httpheader.HasOnly(h[name], want) }

func equalFold(s, t string) bool { return httpheader.EqualFold(s, t) }
func isASCII(s string) bool      { return httpheader.IsASCII(s) }
func isToken(s string) bool      { return httpheader.IsToken(s) }
