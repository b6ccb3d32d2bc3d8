//go:build !js

package websocket

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"unsafe"

	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/poolcheck"
)

// versionBefore is the version of the read lock in a beginning.
const versionBefore = 7

// beginning returns a connection that has read p, and has state of a previous message
// in all fields.
func beginning(side role, limit int64, p []byte) *engine {
	e := &newConn(side).engine
	e.setReadLimit(limit)
	r := &e.rcv
	const before = 3
	r.in.Take()
	r.in.R, r.in.W = before, before+copy(r.in.Block.B[before:], p)
	r.empty, r.key = 5, 0xffffffff
	for range versionBefore {
		r.mu.Advance()
	}
	r.msg.deflated, r.msg.peekedLen = true, 1
	r.msg.text.Write([]byte{0xff})
	return e
}

// tryBegin accepts headers that parseHeader accepts, for each first and second byte,
// and lengths in any form.
func TestTryBeginAgreesWithParseHeader(t *testing.T) {
	const limit = 4096
	lengths := []uint16{0, 1, frame.MaxControl, frame.MaxControl + 1, limit, limit + 1, 0xffff}
	if poolcheck.On { // with the race detector
		lengths = []uint16{1, limit + 1}
	}
	for _, side := range []role{server, client} {
		rules := frameRules{masked: side == server, deflate: true}
		for _, length := range lengths {
			for two := range 1 << 16 {
				p := binary.BigEndian.AppendUint16(nil, uint16(two))
				p = binary.BigEndian.AppendUint16(p, length)
				p = append(p, "0123456789"...)
				var h header
				n, err := parseHeader(&h, p, rules)
				want := err == nil && (h.Op() == frame.Text || h.Op() == frame.Binary) && !h.RSV1() &&
					0 < h.Length && h.Length <= limit
				e := beginning(side, limit, p)
				at := e.rcv.in.R
				got := e.rcv.tryBegin()
				if got != want {
					t.Fatalf("side %d, % x: began is %v, want %v (%v)", side, p, got, want, err)
				}
				if got {
					wantBegun(t, e, h, limit)
					at += n
				}
				if e.rcv.in.R != at || e.rcv.msg.open != got {
					t.Fatalf("side %d, % x: at byte %d, open is %v", side, p, e.rcv.in.R, e.rcv.msg.open)
				}
				e.rcv.in.Release()
			}
		}
	}
}

// wantBegun expects the message to be that of the frame h, without state of the previous
// one.
func wantBegun(t *testing.T, e *engine, h header, limit int64) {
	t.Helper()
	r, m := &e.rcv, &e.rcv.msg
	if r.left != h.Length || r.key != h.Key || r.in.LastPayloadLen != h.Length || r.in.LastHeaderLen != int32(len(frame.AppendHeader(nil, h))) {
		t.Fatalf("%+v: left %d, key %#x, frame %d behind %d", h, r.left, r.key, r.in.LastPayloadLen, r.in.LastHeaderLen)
	}
	if m.typ != MessageType(h.Op()) || m.fin != h.Fin() || m.deflated || m.remaining != limit-h.Length {
		t.Fatalf("%+v: %+v", h, *m)
	}
	if r.empty != 0 || m.peekedLen != 0 || !m.text.Complete() || r.mu.Version() != versionBefore+1 {
		t.Fatalf("%+v: state of the previous message is left: %+v", h, *m)
	}
}

// tryBegin leaves all other cases to the slow path.
func TestTryBeginRejects(t *testing.T) {
	first := append([]byte{byte(frame.Final(frame.Text)), frame.BitMasked | frame.MaxControl}, make([]byte, frame.MaxHeader)...)
	for name, test := range map[string]struct {
		want    bool
		prepare func(e *engine)
	}{
		"all is well":       {want: true},
		"no limit":          {want: true, prepare: func(e *engine) { e.setReadLimit(-1) }},
		"in a message":      {prepare: func(e *engine) { e.rcv.msg.open = true }},
		"header may be cut": {prepare: func(e *engine) { e.rcv.in.W = e.rcv.in.R + frame.MaxHeader - 1 }},
		"nothing there":     {prepare: func(e *engine) { e.rcv.in.Release() }},
	} {
		e := beginning(server, 1000, first)
		if test.prepare != nil {
			test.prepare(e)
		}
		at := e.rcv.in.R
		if got := e.rcv.tryBegin(); got != test.want {
			t.Errorf("%s: began is %v", name, got)
		}
		if !test.want && (e.rcv.in.R != at || e.rcv.mu.Version() != versionBefore) {
			t.Errorf("%s: the state has changed", name)
		}
		if test.want && (e.rcv.msg.remaining >= 0) != (e.rcv.limit.Load() >= 0) {
			t.Errorf("%s: the budget is %d", name, e.rcv.msg.remaining)
		}
		e.rcv.in.Release()
	}
}

// If a connection is closed during a read, the reading goroutine releases the read
// state, or leaves it to the next one.
func TestUnlockReadOfClosedConnection(t *testing.T) {
	closed := func(t *testing.T) *engine {
		e := &newConn(server).engine
		stream, peer := net.Pipe()
		defer peer.Close()
		e.begin(stream, stream)
		mustTryLockRead(t, e)
		e.rcv.in.Take()
		e.rcv.in.W = 1 // an empty buffer is released in any case
		e.shut(endReason{})
		if e.rcv.in.Block == nil {
			t.Fatal("the block of the reader is not there")
		}
		return e
	}
	wantDropped := func(t *testing.T, e *engine) {
		t.Helper()
		if e.rcv.in.Block != nil {
			t.Error("a block is leaked")
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
		if e.rcv.in.Block == nil {
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

// When the read lock is released, no memory of a message of any size is held, over a
// socket and over another stream, with all ways to read.
func TestEmptyBufferHoldsNoBlock(t *testing.T) {
	frame := func(size int) []byte {
		h := header{Byte0: frame.Final(frame.Binary), Length: int64(size)}
		return append(frame.AppendHeader(nil, h), make([]byte, size)...)
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
				c := newConn(client)
				c.begin(stream, stream)
				c.SetReadLimit(-1)
				for range 5 {
					go peer.Write(frame(size))
					if err := read(c); err != nil {
						t.Fatal(err)
					}
					if b := c.rcv.in.Block; b != nil {
						t.Errorf("%s of %d bytes, %s: %d bytes are held", name, size, kind, len(b.B))
					}
				}
			}
			peer.Close()
			socket.Close()
		}
	}
}

// newConn returns a connection without a stream.
func newConn(side role) *Conn {
	c := new(Conn)
	c.init(side, nil, connOptions{})
	return c
}

// The structs of each connection fit into the size classes of Go's allocator that are named
// here, for 64 bits. Another word takes 64 bytes for a Conn, 32 for a Stream and 16 for
// a deflateParams.
func TestSizeOfConnection(t *testing.T) {
	const mallocHeader = 8 // of objects above 512 bytes with pointers
	for _, test := range []struct {
		what      string
		size, max uintptr
	}{
		{"a Conn", unsafe.Sizeof(Conn{}), 576 - mallocHeader},
		{"a Stream", unsafe.Sizeof(netstream.Stream{}), 256},
		{"a deflateParams", unsafe.Sizeof(deflateParams{}), 48},
	} {
		if test.size > test.max {
			t.Errorf("%s takes %d bytes, want at most %d", test.what, test.size, test.max)
		}
	}
}

// The HTTP server keeps the reader and the writer of a hijacked connection while the handler
// runs: the contents are taken, and the buffers are released.
func TestTakeBuffered(t *testing.T) {
	for _, test := range []struct {
		name string
		take func(*bufio.ReadWriter) []byte
		w    *bufio.Writer
	}{
		{"buffered", takeBuffered, bufio.NewWriter(io.Discard)},
		{"buffered, no writer", takeBuffered, nil},
		{"last", takeLast, bufio.NewWriter(io.Discard)},
		{"last, no writer", takeLast, nil},
	} {
		r := bufio.NewReader(strings.NewReader("early, and more"))
		if _, err := r.ReadString(','); err != nil {
			t.Fatal(err)
		}
		if got := string(test.take(&bufio.ReadWriter{Reader: r, Writer: test.w})); got != " and more" {
			t.Errorf("%s: the buffer has %q, want %q", test.name, got, " and more")
		}
		if r.Buffered() > 0 || r.Size() > 16 {
			t.Errorf("%s: the reader has %d bytes, and a buffer of %d", test.name, r.Buffered(), r.Size())
		}
		if test.w != nil && test.w.Size() > 1 {
			t.Errorf("%s: the writer has a buffer of %d bytes", test.name, test.w.Size())
		}
	}
}

// The HTTP server may use its reader and its writer again. They have no access to the
// connection.
func TestUseAfterTakeBuffered(t *testing.T) {
	var sent strings.Builder
	rw := bufio.NewReadWriter(bufio.NewReader(strings.NewReader("early")), bufio.NewWriter(&sent))
	takeBuffered(rw)
	if b, err := rw.ReadByte(); err != io.EOF {
		t.Errorf("got %q and the error %v, want io.EOF", b, err)
	}
	_, err := rw.WriteString("late")
	if err = cmp.Or(err, rw.Flush()); err != http.ErrHijacked || sent.Len() > 0 {
		t.Errorf("%q was sent, and the error is %v, want http.ErrHijacked", sent.String(), err)
	}
}
