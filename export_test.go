//go:build !js

package websocket

import "bytes"

// FillPools puts blocks into the pools that are full of secret, as those are that
// other connections have used.
func FillPools(secret string) {
	const enough = 64 // also where the race detector drops some
	for class := range blockClasses - 1 {
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
