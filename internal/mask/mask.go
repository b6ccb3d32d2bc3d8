// Package mask applies the masking of RFC 6455 section 5.3: each octet of a
// client's payload is combined by exclusive or with one octet of a four-octet
// key, in turn. Masking and unmasking are the same operation.
//
// A key is held as a uint32 whose low byte is the first octet of the key as it
// is on the wire (binary.LittleEndian.Uint32 of the four octets). Both
// functions return the key turned to where the sequence stands after the
// bytes they were given, so that a payload may be masked in pieces of any
// length.
//
// The functions keep no reference to the memory they are given.
package mask

// XOR masks or unmasks p in place and returns the key for the byte after p.
func XOR(p []byte, key uint32) uint32 {
	return xor(p, p, key)
}

// Copy masks or unmasks src into dst, which costs one read and one write of
// each byte, and returns the key for the byte after src. The bytes of dst past
// len(src) are not touched.
//
// dst and src begin at the same byte or do not overlap at all. Copy panics
// when dst is shorter than src.
func Copy(dst, src []byte, key uint32) uint32 {
	return xor(dst[:len(src)], src, key)
}
