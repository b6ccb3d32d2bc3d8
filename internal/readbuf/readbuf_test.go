package readbuf

import (
	"bytes"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/netstream"
)

// owner is that of a stream on which no other call is under way.
type owner struct{}

func (owner) ReadHeld() bool  { return true }
func (owner) WriteHeld() bool { return false }

// A Buffer is read into with more at a time while that is filled, and waits for
// the rest of a frame with a small block.
func TestGrowsWithItsFlow(t *testing.T) {
	var in Buffer
	in.Take()
	sizes := []int{bufpool.MinBlock, maxNextSize, maxNextSize}
	in.OnRead(netstream.FirstRead, netstream.FirstRead)
	for i, want := range sizes {
		in.Release()
		in.Take()
		if got := len(in.Block.B); got != want {
			t.Fatalf("read %d is into %d bytes, want %d", i, got, want)
		}
		in.OnRead(len(in.Block.B), len(in.Block.B))
	}
	in.OnRead(100, len(in.Block.B))
	copy(in.Block.B[90:], "0123456789")
	in.R = 90
	room := in.Room()
	if got := len(in.Block.B); got != bufpool.MinBlock {
		t.Errorf("the rest is waited for with %d bytes, want %d", got, bufpool.MinBlock)
	}
	if got := string(in.Bytes()); got != "0123456789" || len(room) != bufpool.MinBlock-10 {
		t.Errorf("%q is left, with room for %d", got, len(room))
	}
	in.Release()
	if in.Take(); len(in.Block.B) != bufpool.MinBlock {
		t.Errorf("after a read that was not filled, the next is into %d bytes, want %d", len(in.Block.B), bufpool.MinBlock)
	}
	in.Release()
}

// sizesRead is a stream of 0xAA that notes how much each read asks for.
type sizesRead struct {
	net.Conn
	sizes []int
}

func (c *sizesRead) Read(p []byte) (int, error) {
	c.sizes = append(c.sizes, len(p))
	return copy(p, bytes.Repeat([]byte{0xaa}, len(p))), nil
}

func (c *sizesRead) SetDeadline(time.Time) error     { return nil }
func (c *sizesRead) SetReadDeadline(time.Time) error { return nil }

// Behind a large frame no more than a header is read to somewhere else than where
// the payload of another one belongs.
func TestAsksForNoMoreThanAHeader(t *testing.T) {
	c := &sizesRead{}
	stream := netstream.New(c, c, owner{})
	var in Buffer
	in.LastHeaderLen = 8
	for _, frame := range []int64{0, bufpool.MinBlock + 1, bufpool.MinBlock} {
		in.LastPayloadLen = frame
		if err := in.Fill(t.Context(), stream); err != nil {
			t.Fatal(err)
		}
		in.Release()
	}
	if want := []int{netstream.FirstRead, 8, maxNextSize}; !slices.Equal(c.sizes, want) {
		t.Errorf("reads of %v bytes, want %v", c.sizes, want)
	}
}
