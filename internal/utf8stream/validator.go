// Package utf8stream validates UTF-8 that arrives in pieces, as RFC 6455
// section 8.1 asks of a text message whose frames and reads end anywhere.
//
// A byte is refused as soon as no continuation could make valid UTF-8 of it
// (RFC 3629 section 4): not only bytes that never occur, but the second byte
// of an overlong form (E0 80), of a surrogate (ED A0) and of a code point past
// U+10FFFF (F4 90). A stream is valid exactly when all of its bytes were
// accepted and it does not end inside a sequence.
package utf8stream

// A Validator holds the place in a stream of UTF-8. Its zero value is at the
// beginning of one. One goroutine uses it at a time. It allocates nothing and
// keeps no reference to the bytes it is given.
type Validator struct {
	at state
}

// Write reports whether the stream, with p after all that was written before,
// can still become valid UTF-8. p may begin and end inside a sequence. Once
// Write has returned false it does so until [Validator.Reset].
func (v *Validator) Write(p []byte) bool {
	v.at = advance(v.at, p)
	return v.at != refused
}

// Complete reports whether the stream may end here: everything written is
// valid and the last sequence is whole.
func (v *Validator) Complete() bool {
	return v.at == boundary
}

// Reset begins a new stream.
func (v *Validator) Reset() {
	v.at = boundary
}

// Valid reports whether p is, as a whole, valid UTF-8.
func Valid(p []byte) bool {
	return advance(boundary, p) == boundary
}
