package httpheader

import (
	"crypto/fips140"
	"crypto/sha1"
	"encoding/base64"
)

// KeyLen is the length of a Sec-WebSocket-Key: 16 bytes in base64.
const KeyLen = 24

// AcceptKeyLen is the length of a Sec-WebSocket-Accept: 20 bytes in base64.
const AcceptKeyLen = 28

// IsKey reports whether s is a Sec-WebSocket-Key (RFC 6455 section 4.1).
func IsKey(s string) bool {
	if len(s) != KeyLen {
		return false
	}
	var nonce [KeyLen / 4 * 3]byte
	n, err := base64.StdEncoding.Decode(nonce[:], []byte(s))
	return err == nil && n == 16
}

// AcceptKey returns the Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2).
func AcceptKey(key string) string { return string(AppendAcceptKey(nil, key)) }

// AppendAcceptKey appends the Sec-WebSocket-Accept for a key.
func AppendAcceptKey(dst []byte, key string) []byte {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	b := append(append(make([]byte, 0, KeyLen+len(guid)), key...), guid...)
	var sum [sha1.Size]byte
	if fips140.Enforced() {
		sum = unenforcedSHA1(b)
	} else {
		sum = sha1.Sum(b)
	}
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// unenforcedSHA1 is sha1.Sum, also under GODEBUG=fips140=only. SHA-1 has no security
// function here: the hash only shows that the server understood the request (RFC 6455
// section 10.8). It is not inlined, so that AppendAcceptKey uses little stack.
//
//go:noinline
func unenforcedSHA1(b []byte) (sum [sha1.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = sha1.Sum(b) })
	return sum
}
