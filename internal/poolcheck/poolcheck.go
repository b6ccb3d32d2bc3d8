// Package poolcheck checks the use of pools in builds with the race detector: it detects
// double frees, uses after the free, and leaks. In other builds On is false, a [Mark] has
// size zero, and pools do not call this package.
package poolcheck

import "fmt"

// A Kind is the kind of a pooled object.
type Kind uint8

const (
	Block     Kind = iota // of bytes being read or written
	Write                 // the state of a write system call
	KeySource             // random bytes for masking keys
	Waiter                // in the queue of a lock
	Decoder               // inflates a message
	Encoder               // compresses a message
	Buffer                // of wsjson and wspb
	kinds
)

var kindNames = [kinds]string{"block", "write", "key source", "waiter", "decoder", "encoder", "buffer"}

// String returns the name of an object of the kind.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}
