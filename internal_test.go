//go:build !js

package websocket

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/netstream"
)

// versionBefore is the version of the read lock of a beginning.
const versionBefore = 7

// beginning is a connection that has read p, and a message before it that left
// something of everything behind.
func beginning(side role, limit int64, p []byte) *engine {
	e := &newConn(side, nil, connOptions{}).engine
	e.setReadLimit(limit)
	r := &e.rcv
	const before = 3
	r.in.take()
	r.in.r, r.in.w = before, before+copy(r.in.block.B[before:], p)
	r.empty, r.key = 5, 0xffffffff
	for range versionBefore {
		r.mu.Advance()
	}
	r.msg.deflated, r.msg.peekedLen = true, 1
	r.msg.text.Write([]byte{0xff})
	return e
}

// What begins at once is what parseHeader allows, with each first and second byte,
// and lengths in any form.
func TestTryBeginAllowsWhatParseHeaderDoes(t *testing.T) {
	const limit = 4096
	for _, side := range []role{server, client} {
		rules := frameRules{masked: side == server, deflate: true}
		for _, length := range []uint16{0, 1, maxControl, maxControl + 1, limit, limit + 1, 0xffff} {
			for two := range 1 << 16 {
				p := binary.BigEndian.AppendUint16(nil, uint16(two))
				p = binary.BigEndian.AppendUint16(p, length)
				p = append(p, "0123456789"...)
				var h header
				n, err := parseHeader(&h, p, rules)
				want := err == nil && (h.op() == opText || h.op() == opBinary) && !h.rsv1() &&
					0 < h.length && h.length <= limit
				e := beginning(side, limit, p)
				at := e.rcv.in.r
				got := e.rcv.tryBegin()
				if got != want {
					t.Fatalf("side %d, % x: began is %v, want %v (%v)", side, p, got, want, err)
				}
				if got {
					wantBegun(t, e, h, limit)
					at += n
				}
				if e.rcv.in.r != at || e.rcv.msg.open != got {
					t.Fatalf("side %d, % x: at byte %d, open is %v", side, p, e.rcv.in.r, e.rcv.msg.open)
				}
				e.rcv.in.release()
			}
		}
	}
}

// wantBegun wants the message to be that of the frame h, and nothing to be left of
// the one before.
func wantBegun(t *testing.T, e *engine, h header, limit int64) {
	t.Helper()
	r, m := &e.rcv, &e.rcv.msg
	if r.left != h.length || r.key != h.key || r.in.lastPayloadLen != h.length || r.in.lastHeaderLen != int32(len(appendHeader(nil, h))) {
		t.Fatalf("%+v: left %d, key %#x, frame %d behind %d", h, r.left, r.key, r.in.lastPayloadLen, r.in.lastHeaderLen)
	}
	if m.typ != MessageType(h.op()) || m.fin != h.fin() || m.deflated || m.remaining != limit-h.length {
		t.Fatalf("%+v: %+v", h, *m)
	}
	if r.empty != 0 || m.peekedLen != 0 || !m.text.Complete() || r.mu.Version() != versionBefore+1 {
		t.Fatalf("%+v: something is left of the message before: %+v", h, *m)
	}
}

// Nothing begins at once where the slow way has to decide.
func TestTryBeginLeavesTheRest(t *testing.T) {
	frame := append([]byte{byte(finalByte0(opText)), bitMasked | maxControl}, make([]byte, maxHeader)...)
	for name, test := range map[string]struct {
		want    bool
		prepare func(e *engine)
	}{
		"all is well":       {want: true},
		"no limit":          {want: true, prepare: func(e *engine) { e.setReadLimit(-1) }},
		"in a message":      {prepare: func(e *engine) { e.rcv.msg.open = true }},
		"header may be cut": {prepare: func(e *engine) { e.rcv.in.w = e.rcv.in.r + maxHeader - 1 }},
		"nothing there":     {prepare: func(e *engine) { e.rcv.in.release() }},
	} {
		e := beginning(server, 1000, frame)
		if test.prepare != nil {
			test.prepare(e)
		}
		at := e.rcv.in.r
		if got := e.rcv.tryBegin(); got != test.want {
			t.Errorf("%s: began is %v", name, got)
		}
		if !test.want && (e.rcv.in.r != at || e.rcv.mu.Version() != versionBefore) {
			t.Errorf("%s: something was done", name)
		}
		if test.want && (e.rcv.msg.remaining >= 0) != (e.rcv.limit.Load() >= 0) {
			t.Errorf("%s: the budget is %d", name, e.rcv.msg.remaining)
		}
		e.rcv.in.release()
	}
}

// A connection that is closed during a read leaves what the receiving half holds to
// the goroutine that reads, and that leaves it to the next one.
func TestUnlockReadOfClosedConnection(t *testing.T) {
	closed := func(t *testing.T) *engine {
		e := &newConn(server, nil, connOptions{}).engine
		stream, peer := net.Pipe()
		defer peer.Close()
		e.begin(stream, stream)
		mustTryLockRead(t, e)
		e.rcv.in.take()
		e.rcv.in.w = 1 // an empty buffer is released in any case
		e.shut(endReason{})
		if e.rcv.in.block == nil {
			t.Fatal("the block of who reads is gone")
		}
		return e
	}
	wantDropped := func(t *testing.T, e *engine) {
		t.Helper()
		if e.rcv.in.block != nil {
			t.Error("a block is left behind")
		}
		mustTryLockRead(t, e)
	}
	t.Run("alone", func(t *testing.T) {
		e := closed(t)
		e.unlockRead()
		wantDropped(t, e)
	})
	t.Run("before another one", func(t *testing.T) {
		e := closed(t)
		w := e.rcv.mu.Enqueue()
		e.unlockRead()
		if err := e.rcv.mu.Wait(t.Context(), nil, w); err != nil {
			t.Fatal(err)
		}
		if e.rcv.in.block == nil {
			t.Fatal("the block is gone while another one reads")
		}
		e.unlockRead()
		wantDropped(t, e)
	})
}

func mustTryLockRead(t *testing.T, e *engine) {
	t.Helper()
	if !e.rcv.mu.TryLock() {
		t.Fatal("the read lock is held, want it free")
	}
}

// A readBuffer is read into with more at a time while that is filled, and waits for
// the rest of a frame with a small block.
func TestReadBufferGrowsWithItsFlow(t *testing.T) {
	var in readBuffer
	in.take()
	sizes := []int{bufpool.MinBlock, maxNextSize, maxNextSize}
	in.onRead(netstream.FirstRead, netstream.FirstRead)
	for i, want := range sizes {
		in.release()
		in.take()
		if got := len(in.block.B); got != want {
			t.Fatalf("read %d is into %d bytes, want %d", i, got, want)
		}
		in.onRead(len(in.block.B), len(in.block.B))
	}
	in.onRead(100, len(in.block.B))
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
func TestReadBufferAsksForNoMoreThanAHeader(t *testing.T) {
	c := &sizesRead{}
	e := &newConn(server, nil, connOptions{}).engine
	e.begin(c, c)
	in := &e.rcv.in
	in.lastHeaderLen = 8
	for _, frame := range []int64{0, bufpool.MinBlock + 1, bufpool.MinBlock} {
		in.lastPayloadLen = frame
		if err := e.rcv.fill(t.Context()); err != nil {
			t.Fatal(err)
		}
		in.release()
	}
	if want := []int{netstream.FirstRead, 8, maxNextSize}; !slices.Equal(c.sizes, want) {
		t.Errorf("reads of %v bytes, want %v", c.sizes, want)
	}
}

// When the read lock is released after a message of any size, nothing is held of it,
// over a socket and over another stream, whichever way it was read.
func TestEmptyReadBufferHoldsNoBlock(t *testing.T) {
	frame := func(size int) []byte {
		h := header{byte0: finalByte0(opBinary), length: int64(size)}
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
				c := newConn(client, nil, connOptions{})
				c.begin(stream, stream)
				c.SetReadLimit(-1)
				for range 5 {
					go peer.Write(frame(size))
					if err := read(c); err != nil {
						t.Fatal(err)
					}
					if b := c.rcv.in.block; b != nil {
						t.Errorf("%s of %d bytes, %s: %d bytes are held", name, size, kind, len(b.B))
					}
				}
			}
			peer.Close()
			socket.Close()
		}
	}
}
