//go:build !js

package websocket

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/netstream"
)

// An inbox is read into with more at a time while that is filled, and waits for
// the rest of a frame with a small block.
func TestInboxGrowsWithItsFlow(t *testing.T) {
	var in inbox
	in.take()
	sizes := []int{bufpool.MinBlock, maxAmple, maxAmple}
	in.got(netstream.FirstRead, netstream.FirstRead)
	for i, want := range sizes {
		in.release()
		in.take()
		if got := len(in.block.B); got != want {
			t.Fatalf("read %d is into %d bytes, want %d", i, got, want)
		}
		in.got(len(in.block.B), len(in.block.B))
	}
	in.got(100, len(in.block.B))
	copy(in.block.B[90:], "0123456789")
	in.r = 90
	room := in.room()
	if got := len(in.block.B); got != bufpool.MinBlock {
		t.Errorf("the rest is waited for with %d bytes, want %d", got, bufpool.MinBlock)
	}
	if got := string(in.bytes()); got != "0123456789" || len(room) != bufpool.MinBlock-10 {
		t.Errorf("%q is left, with room for %d", got, len(room))
	}
	in.release()
	if in.take(); len(in.block.B) != bufpool.MinBlock {
		t.Errorf("after a read that was not filled, the next is into %d bytes, want %d", len(in.block.B), bufpool.MinBlock)
	}
	in.release()
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
func TestInboxAsksForNoMoreThanAHeader(t *testing.T) {
	c := &sizesRead{}
	e := &newConn(server, nil, extras{}).engine
	e.begin(c, c)
	in := &e.rd.in
	in.head = 8
	for _, frame := range []int64{0, bufpool.MinBlock + 1, bufpool.MinBlock} {
		in.frame = frame
		if err := e.fill(t.Context()); err != nil {
			t.Fatal(err)
		}
		in.release()
	}
	if want := []int{netstream.FirstRead, 8, maxAmple}; !slices.Equal(c.sizes, want) {
		t.Errorf("reads of %v bytes, want %v", c.sizes, want)
	}
}

// When the read lock is released after a message of any size, nothing is held of it,
// over a socket and over another stream, whichever way it was read.
func TestEmptyInboxHoldsNoBlock(t *testing.T) {
	frame := func(size int) []byte {
		h := header{lead: lastOf(opBinary), length: int64(size)}
		return append(appendHeader(nil, h), make([]byte, size)...)
	}
	ways := map[string]func(c *Conn) error{
		"Read": func(c *Conn) error {
			_, _, err := c.Read(context.Background())
			return err
		},
		"Reader": func(c *Conn) error {
			_, r, err := c.Reader(context.Background())
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			return err
		},
	}
	for name, read := range ways {
		for _, size := range []int{1, 100, 5000, 16_000, 30_000, 200_000} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			peer, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			socket, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			for kind, stream := range map[string]net.Conn{"socket": socket, "other": struct{ net.Conn }{socket}} {
				c := newConn(client, nil, extras{})
				c.begin(stream, stream)
				c.SetReadLimit(-1)
				for range 5 {
					go peer.Write(frame(size))
					if err := read(c); err != nil {
						t.Fatal(err)
					}
					if b := c.rd.in.block; b != nil {
						t.Errorf("%s of %d bytes, %s: %d bytes are held", name, size, kind, len(b.B))
					}
				}
			}
			peer.Close()
			socket.Close()
		}
	}
}
