// Package poolcheck watches what goes through pools, in builds with the race
// detector: that nothing is given back twice, nothing is used after it was given
// back, and everything is given back. Other builds have none of it: On is false
// there, a [Mark] takes no room, and pools ask before they call.
package poolcheck

import "fmt"

// A Kind is a kind of what comes from a pool.
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
