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
	e := &newConn(side, nil, extras{}).engine
	e.setReadLimit(limit)
	rd := &e.rd
	const before = 3
	rd.in.take()
	rd.in.r, rd.in.w = before, before+copy(rd.in.block.B[before:], p)
	rd.empty, rd.key = 5, 0xffffffff
	for range versionBefore {
		rd.lock.Advance()
	}
	rd.msg.deflated, rd.msg.ahead = true, 1
	rd.msg.text.Write([]byte{0xff})
	return e
}

// What begins at once is what parseHeader allows, with each first and second byte,
// and lengths in any form.
func TestBeginAtOnceAllowsWhatParseHeaderDoes(t *testing.T) {
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
				r := e.rd.in.r
				got := e.beginAtOnce(t.Context())
				if got != want {
					t.Fatalf("side %d, % x: began is %v, want %v (%v)", side, p, got, want, err)
				}
				if got {
					wantBegun(t, e, h, limit)
					r += n
				}
				if e.rd.in.r != r || e.rd.msg.open != got {
					t.Fatalf("side %d, % x: at byte %d, open is %v", side, p, e.rd.in.r, e.rd.msg.open)
				}
				e.rd.in.release()
			}
		}
	}
}

// wantBegun wants the message to be that of the frame h, and nothing to be left of
// the one before.
func wantBegun(t *testing.T, e *engine, h header, limit int64) {
	t.Helper()
	rd, m := &e.rd, &e.rd.msg
	if rd.left != h.length || rd.key != h.key || rd.in.frame != h.length || rd.in.head != len(appendHeader(nil, h)) {
		t.Fatalf("%+v: left %d, key %#x, frame %d behind %d", h, rd.left, rd.key, rd.in.frame, rd.in.head)
	}
	if m.typ != MessageType(h.op()) || m.fin != h.fin() || m.deflated || m.budget != limit-h.length {
		t.Fatalf("%+v: %+v", h, *m)
	}
	if rd.empty != 0 || m.ahead != 0 || !m.text.Complete() || rd.lock.Version() != versionBefore+1 {
		t.Fatalf("%+v: something is left of the message before: %+v", h, *m)
	}
}

// Nothing begins at once where the slow way has to decide.
func TestBeginAtOnceHasItsTime(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	frame := append([]byte{byte(lastOf(opText)), bitMasked | maxControl}, make([]byte, maxHeader)...)
	for name, test := range map[string]struct {
		want    bool
		prepare func(e *engine)
		ctx     context.Context
	}{
		"all is well":       {want: true},
		"no limit":          {want: true, prepare: func(e *engine) { e.setReadLimit(-1) }},
		"in a message":      {prepare: func(e *engine) { e.rd.msg.open = true }},
		"closing":           {prepare: func(e *engine) { e.life.advance(phaseClosing, nil) }},
		"context ended":     {ctx: ended},
		"header may be cut": {prepare: func(e *engine) { e.rd.in.w = e.rd.in.r + maxHeader - 1 }},
		"nothing there":     {prepare: func(e *engine) { e.rd.in.release() }},
	} {
		e := beginning(server, 1000, frame)
		if test.prepare != nil {
			test.prepare(e)
		}
		if test.ctx == nil {
			test.ctx = t.Context()
		}
		r := e.rd.in.r
		if got := e.beginAtOnce(test.ctx); got != test.want {
			t.Errorf("%s: began is %v", name, got)
		}
		if !test.want && (e.rd.in.r != r || e.rd.lock.Version() != versionBefore) {
			t.Errorf("%s: something was done", name)
		}
		if test.want && (e.rd.msg.budget >= 0) != (e.rd.limit.Load() >= 0) {
			t.Errorf("%s: the budget is %d", name, e.rd.msg.budget)
		}
		e.rd.in.release()
	}
}

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
