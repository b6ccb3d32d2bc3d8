package bench

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/bhojpur/api/internal/rawpeer"
)

// source opens a connection of lib whose other end sends feed again and again.
type source func(b *testing.B, lib library, s settings, feed []byte) conn

func serverInMemory(b *testing.B, lib library, s settings, feed []byte) conn {
	l := &loop{}
	c := over(b, lib, l, s)
	l.feed = feed
	return c
}

func clientInMemory(b *testing.B, lib library, s settings, feed []byte) conn {
	l := newClientLoop()
	c := dialed(b, lib, l, s)
	l.feed = feed
	return c
}

func serverOverTCP(b *testing.B, lib library, s settings, feed []byte) conn {
	c, peer := acceptTCP(b, lib, s)
	sendAll(b, peer, feed)
	return c
}

func clientOverTCP(b *testing.B, lib library, s settings, feed []byte) conn {
	c, peer := dialTCP(b, lib, s)
	sendAll(b, peer, feed)
	return c
}

// acceptTCP returns a server's connection on the loopback interface, and the other end.
// Both are closed in the cleanup.
func acceptTCP(b *testing.B, lib library, s settings) (conn, net.Conn) {
	opened, done := make(chan conn, 1), make(chan struct{})
	addr := serve(b, lib, s, func(c conn) {
		opened <- c
		<-done
	})
	peer := dial(b, addr, s)
	b.Cleanup(func() { close(done) }) // the handler closes the connection
	return <-opened, peer
}

// dialTCP returns a client's connection, and the other end.
func dialTCP(b *testing.B, lib library, s settings) (conn, net.Conn) {
	opened, done := make(chan net.Conn, 1), make(chan struct{})
	addr := rawServer(b, func(c net.Conn) {
		opened <- c
		<-done
	})
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	c, err := lib.client(func() (net.Conn, error) { return net.Dial("tcp", addr) }, s)(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.close()
		close(done)
	})
	return c, <-opened
}

// sentAtOnce is the least number of bytes that sendAll writes with one call.
const sentAtOnce = 256 * kib

// sendAll writes feed to conn again and again, until the connection ends.
func sendAll(b *testing.B, conn net.Conn, feed []byte) {
	feed = bytes.Repeat(feed, 1+(sentAtOnce-1)/len(feed))
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			if _, err := conn.Write(feed); err != nil {
				return
			}
		}
	})
	b.Cleanup(func() {
		conn.Close()
		sending.Wait()
	})
}

// sink reads all bytes of a connection until its end.
type sink struct {
	all   sync.WaitGroup
	total int64
	kept  []byte // the first bytes
}

// keptBytes is how much of what arrives a sink keeps: more than a message.
const keptBytes = 2 * mib

func newSink(conn net.Conn) *sink {
	s := &sink{}
	s.all.Go(func() {
		p := make([]byte, sentAtOnce)
		for {
			n, err := conn.Read(p)
			s.total += int64(n)
			s.kept = append(s.kept, p[:min(n, keptBytes-len(s.kept))]...)
			if err != nil {
				return
			}
		}
	})
	return s
}

// wantMessage checks that wire begins with a message of a client, in one frame or more,
// and returns the length of its frames.
func wantMessage(tb testing.TB, wire []byte, op int, p []byte) int {
	tb.Helper()
	var message []byte
	at, want := 0, rawpeer.Opcode(op)
	for last := false; !last; want = rawpeer.OpContinuation {
		h, length, n, err := rawpeer.ParseHeader(wire[at:])
		if err != nil || !h.Masked || h.RSV != 0 || h.Opcode != want || length > uint64(len(wire)-at-n) {
			tb.Fatalf("frame of a masked message: %+v, %v", h, err)
		}
		at += n
		message = append(message, wire[at:at+int(length)]...)
		ws.Cipher(message[len(message)-int(length):], h.Key, 0)
		at += int(length)
		last = h.Fin
	}
	if !bytes.Equal(message, p) {
		tb.Fatalf("a message of %d bytes is not the %d bytes that were written", len(message), len(p))
	}
	return at
}

// messages returns the length of the first n messages of wire.
func messages(tb testing.TB, wire []byte, n int) (at int) {
	tb.Helper()
	for n > 0 {
		f, length, head, err := rawpeer.ParseHeader(wire[at:])
		if err != nil || length > uint64(len(wire)-at-head) {
			tb.Fatalf("%d messages are missing: %v", n, err)
		}
		at += head + int(length)
		if f.Fin {
			n--
		}
	}
	return at
}
