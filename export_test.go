//go:build !js

package websocket

import (
	"bytes"

	"github.com/bhojpur/api/internal/bufpool"
)

// FillPools puts blocks into the pools that are full of secret, as those are that
// other connections have used.
func FillPools(secret string) {
	const (
		enough  = 16 // also where the race detector drops some
		classes = 3  // those that frames are in; to fill the others takes long
	)
	for class := range classes {
		var taken [enough]*bufpool.Block
		for i := range taken {
			taken[i] = bufpool.Get(bufpool.MinBlock << (2 * class))
			copy(taken[i].B, bytes.Repeat([]byte(secret), len(taken[i].B)/len(secret)))
		}
		for _, b := range taken {
			b.Free()
		}
	}
}
