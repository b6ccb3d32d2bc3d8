//go:build !js

package websocket

import "testing"

// An inbox is read into with more at a time while that is filled, and waits for
// the rest of a frame with a small block.
func TestInboxGrowsWithItsFlow(t *testing.T) {
	var in inbox
	in.take()
	sizes := []int{minBlock, maxAmple, maxAmple}
	in.got(firstRead, firstRead)
	for i, want := range sizes {
		in.release()
		in.take()
		if got := len(in.block.b); got != want {
			t.Fatalf("read %d is into %d bytes, want %d", i, got, want)
		}
		in.got(len(in.block.b), len(in.block.b))
	}
	in.got(100, len(in.block.b))
	copy(in.block.b[90:], "0123456789")
	in.r = 90
	room := in.room()
	if got := len(in.block.b); got != minBlock {
		t.Errorf("the rest is waited for with %d bytes, want %d", got, minBlock)
	}
	if got := string(in.bytes()); got != "0123456789" || len(room) != minBlock-10 {
		t.Errorf("%q is left, with room for %d", got, len(room))
	}
	in.release()
	if in.take(); len(in.block.b) != minBlock {
		t.Errorf("after a read that was not filled, the next is into %d bytes, want %d", len(in.block.b), minBlock)
	}
	in.release()
}
