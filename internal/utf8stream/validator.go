// Package utf8stream validates UTF-8 in pieces, for text messages whose frames end anywhere
// (RFC 6455 section 8.1). It can unmask them in the same pass.
//
// A byte is refused if no bytes after it can make the stream valid (RFC 3629 section 4):
// bytes that never occur, and the second byte of an overlong form (E0 80), of a surrogate
// (ED A0) and of a code point above U+10FFFF (F4 90). A stream is valid if all of its bytes
// were accepted and it does not end inside a sequence.
package utf8stream

// A Validator is the state of a stream of UTF-8. The zero value is the state at its
// beginning. A Validator is not safe for concurrent use. It allocates nothing and keeps no
// reference to the bytes of the stream.
type Validator struct {
	at state
}

// Write adds p to the stream and reports whether that can still become valid UTF-8. p may
// begin and end inside a sequence. After a Write that returned false, all return false
// until [Validator.Reset].
func (v *Validator) Write(p []byte) bool {
	v.at = advance(v.at, p)
	return v.at != refused
}

// Complete reports whether the stream may end here: it is valid and does not end inside a
// sequence.
func (v *Validator) Complete() bool {
	return v.at == boundary
}

// Reset begins a new stream.
func (v *Validator) Reset() {
	v.at = boundary
}

// Valid reports whether p is valid UTF-8.
func Valid(p []byte) bool {
	return advance(boundary, p) == boundary
}
