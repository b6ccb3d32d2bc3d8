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

// owner is that of a stream without other calls under way.
type owner struct{}

func (owner) ReadHeld() bool  { return true }
func (owner) WriteHeld() bool { return false }

// The reads of a Buffer grow while they fill it. It waits for the rest of a frame with
// a small block.
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

// sizesRead is a stream of 0xAA that records the sizes of reads.
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

// After a large frame, only a header is read into the buffer, so that the next payload
// can be read directly into the caller's slice.
func TestReadsNoMoreThanAHeader(t *testing.T) {
	c := &sizesRead{}
	stream := netstream.New(c, c, owner{})
	var in Buffer
	in.LastHeaderLen = 8
	for _, frame := range []int64{0, bufpool.MinBlock + 1, bufpool.MinBlock} {
		in.LastPayloadLen = frame
		if _, err := in.Fill(t.Context(), Source{Stream: stream}); err != nil {
			t.Fatal(err)
		}
		in.Release()
	}
	if want := []int{netstream.FirstRead, 8, maxNextSize}; !slices.Equal(c.sizes, want) {
		t.Errorf("reads of %v bytes, want %v", c.sizes, want)
	}
}

// someRead is a stream whose reads return at most the given numbers of bytes. It
// records the room of each read.
type someRead struct {
	net.Conn
	give, rooms []int
}

func (c *someRead) Read(p []byte) (int, error) {
	c.rooms = append(c.rooms, len(p))
	n := min(c.give[0], len(p))
	c.give = c.give[1:]
	return n, nil
}

func (c *someRead) SetDeadline(time.Time) error     { return nil }
func (c *someRead) SetReadDeadline(time.Time) error { return nil }

// TestSkim discards a long frame, in small and in large reads, and what follows it.
func TestSkim(t *testing.T) {
	const all = 1 << 30
	c := &someRead{}
	stream := netstream.New(c, c, owner{})
	var in Buffer
	defer in.Release()
	skim := func(give int, expected int64, discard int) int {
		t.Helper()
		c.give, c.rooms = []int{give}, nil
		w := len(in.Bytes())
		n, err := in.Skim(t.Context(), Source{Stream: stream}, expected)
		if err != nil || n != min(give, c.rooms[0]) || len(in.Bytes()) != w+n {
			t.Fatalf("Skim of %d bytes: %d, %v, then %d buffered", give, n, err, len(in.Bytes()))
		}
		in.R = min(in.R+discard, in.W)
		return c.rooms[0]
	}
	for i, step := range []struct{ give, discard, want int }{
		{10, all, bufpool.MinBlock},
		{all, all, bufpool.MinBlock},
		{all, all, 4 * bufpool.MinBlock},
		{all, all, min(16*bufpool.MinBlock, maxSkim)},
		{all, all, maxSkim},
		{maxSkim / 2, all, maxSkim},
		{10, all, maxSkim},
	} {
		if got := skim(step.give, 1<<40, step.discard); got != step.want {
			t.Errorf("read %d of a long frame has room for %d bytes, want %d", i, got, step.want)
		}
	}
	if got := skim(20, 0, 13); got != netstream.FirstRead {
		t.Errorf("the wait behind it has room for %d bytes, want %d", got, netstream.FirstRead)
	}
	if got, want := skim(20, 0, all), bufpool.MinBlock-7; got != want {
		t.Errorf("the rest of a header has room for %d bytes, want %d", got, want)
	}
	if got := skim(10, 0, all); got != netstream.FirstRead || in.Block == nil {
		t.Errorf("an idle wait has room for %d bytes, want %d", got, netstream.FirstRead)
	}
}
