// Package poolcheck checks the use of pools in builds with the race detector: it detects
// double frees, uses after the free, and leaks. In other builds On is false, a [Mark] has
// no size, and pools do not call this package.
package poolcheck

import "fmt"

// A Kind is the kind of a pooled object.
type Kind uint8

const (
	Block     Kind = iota // of bytes, on their way in or out
	Write                 // a system call that writes
	KeySource             // random bytes for masking keys
	Waiter                // at a gate
	Decoder               // inflates a message
	Encoder               // compresses a message
	Buffer                // of wsjson and wspb
	kinds
)

var kindNames = [kinds]string{"block", "write", "key source", "waiter", "decoder", "encoder", "buffer"}

// String returns what there is one of.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}
