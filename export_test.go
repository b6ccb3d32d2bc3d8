//go:build !js

package websocket

import "bytes"

// FillPools puts blocks into the pools that are full of secret, as those are that
// other connections have used.
func FillPools(secret string) {
	const (
		enough  = 16 // also where the race detector drops some
		classes = 3  // those that frames are in; to fill the others takes long
	)
	for class := range classes {
		var taken [enough]*block
		for i := range taken {
			taken[i] = newBlock(minBlock << (2 * class))
			copy(taken[i].b, bytes.Repeat([]byte(secret), len(taken[i].b)/len(secret)))
		}
		for _, b := range taken {
			b.free()
		}
	}
}
