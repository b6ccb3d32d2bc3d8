package bench

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"

	"github.com/bhojpur/api/internal/rawpeer"
)

// BenchmarkClientEcho is 100 clients of a library, each of which sends a message and
// waits for it. An operation is one such exchange, among all of them.
func BenchmarkClientEcho(b *testing.B) {
	for _, size := range []int{16, kib, 16 * kib} {
		p := binary(size)
		for _, lib := range inTurn(dialing) {
			b.Run(strconv.Itoa(size)+"/"+lib.name, func(b *testing.B) { clientEcho(b, lib, p) })
		}
	}
}

func clientEcho(b *testing.B, lib library, p []byte) {
	const connections = 100
	addr := rawServer(b, func(c net.Conn) { unmaskAll(c, len(p)) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dial := lib.client(func() (net.Conn, error) { return net.Dial("tcp", addr) }, settings{})
	var conns []conn
	for range connections {
		c, err := dial(ctx)
		if err != nil {
			b.Fatal(err)
		}
		defer c.close()
		conns = append(conns, c)
	}
	var all sync.WaitGroup
	var begun atomic.Int64
	next := func(c conn) bool { return begun.Add(1) <= int64(b.N) && c.write(opBinary, p) == nil }
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	b.ResetTimer()
	for _, c := range conns {
		all.Go(func() {
			if !next(c) {
				return
			}
			right := false
			err := c.receive(make([]byte, len(p)+64), func(got []byte) bool {
				right = len(got) == len(p)
				if right && next(c) {
					return true
				}
				right = bytes.Equal(got, p)
				return false
			})
			if err != nil || !right {
				b.Errorf("the answer is not the message, or %v", err)
			}
		})
	}
	all.Wait()
	b.StopTimer()
}

// unmaskAll echoes the frames of a client, of messages of size bytes, until the
// connection ends. It writes the answers to all frames that it has read with one call.
func unmaskAll(c net.Conn, size int) {
	p, answers := make([]byte, size+kib), make([]byte, 0, size+kib)
	n := 0
	for {
		k, err := c.Read(p[n:])
		if err != nil {
			return
		}
		n += k
		at := 0
		for answers = answers[:0]; ; {
			h, length, head, err := rawpeer.ParseHeader(p[at:n])
			if err != nil || n-at < head+int(length) {
				break
			}
			payload := p[at+head:][:length]
			ws.Cipher(payload, h.Key, 0)
			mask := len(answers) + 1
			answers = append(answers, p[at:at+head-len(h.Key)]...)
			answers[mask] &^= 0x80
			answers = append(answers, payload...)
			at += head + int(length)
		}
		n = copy(p, p[at:n])
		if _, err := c.Write(answers); err != nil {
			return
		}
	}
}
