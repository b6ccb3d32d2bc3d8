package bench

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve runs a server on the loopback interface, which upgrades with lib and calls
// each with every connection. It is closed in the cleanup.
func serve(b *testing.B, lib library, set settings, each func(c conn)) (addr string) {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := lib.accept(w, r, set)
		if err != nil {
			b.Error(err)
			return
		}
		each(c)
		c.close()
	}))
	b.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// patience bounds a run, which would wait forever for bytes that are lost.
const patience = time.Minute

// dial returns a TCP connection after the handshake. It uses no library.
func dial(b *testing.B, addr string, s settings) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, requestOf(s)); err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols || r.Buffered() > 0 {
		b.Fatalf("handshake: %v, %v", answer, err)
	}
	return conn
}

// requestOf returns a request that offers the compression of s.
func requestOf(s settings) string {
	offer := s.deflate.offer()
	if offer == "" {
		return request
	}
	return strings.TrimSuffix(request, "\r\n") + "Sec-WebSocket-Extensions: " + offer + "\r\n\r\n"
}

// BenchmarkConcurrentWrite writes from 16 goroutines to one connection. What they
// wrote is counted at the other end.
func BenchmarkConcurrentWrite(b *testing.B) {
	for _, lib := range inTurn(all) {
		b.Run("16x125/"+lib.name, func(b *testing.B) { writeConcurrently(b, lib, 16, 125) })
	}
}

// writeConcurrently writes messages of size bytes, fewer than 126, from writers
// goroutines.
func writeConcurrently(b *testing.B, lib library, writers, size int) {
	p := binary(size)
	c, client := acceptTCP(b, lib, settings{})
	received := newSink(client)
	write := c.write
	if lib.oneWriter {
		write = alone(write)
	}
	var all sync.WaitGroup
	var begun atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	for range writers {
		all.Go(func() {
			for begun.Add(1) <= int64(b.N) {
				if err := write(opBinary, p); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	c.close()
	received.all.Wait()
	wantTotal(b, received.total, 2+size)
}

// alone returns write with a mutex around it.
func alone(write func(op int, p []byte) error) func(op int, p []byte) error {
	var mu sync.Mutex
	return func(op int, p []byte) error {
		mu.Lock()
		defer mu.Unlock()
		return write(op, p)
	}
}

// BenchmarkEcho is 100 clients, each of which sends a message and waits for it. An
// operation is one such exchange, among all of them.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{16, kib, 16 * kib} {
		p := binary(size)
		for _, lib := range inTurn(and(all, bareEcho)) {
			b.Run(strconv.Itoa(size)+"/"+lib.name, func(b *testing.B) { echo(b, lib, p) })
		}
	}
}

func echo(b *testing.B, lib library, p []byte) {
	const connections = 100
	addr := serve(b, lib, settings{}, func(c conn) { echoAll(c, len(p)) })
	frame := clientFrame(opBinary, 0, p)
	head := len(frame) - len(p) - len(key)
	want := p
	if lib.name == bareEcho.name {
		want = frame[head+len(key):] // it does not unmask
	}
	var conns []net.Conn
	for range connections {
		conns = append(conns, dial(b, addr, settings{}))
	}
	var all sync.WaitGroup
	var begun atomic.Int64
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	b.ResetTimer()
	for _, conn := range conns {
		all.Go(func() {
			answer := make([]byte, head+len(p))
			sent := false
			for begun.Add(1) <= int64(b.N) {
				sent = true
				if _, err := conn.Write(frame); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(conn, answer); err != nil {
					b.Error(err)
					return
				}
			}
			if sent && !bytes.Equal(answer[head:], want) {
				b.Error("the echo differs from the message")
			}
		})
	}
	all.Wait()
	b.StopTimer()
	for _, conn := range conns {
		conn.Close()
	}
}

// echoAll echoes the messages of c, of size bytes, until the connection ends.
func echoAll(c conn, size int) {
	c.receive(make([]byte, size+64), func(message []byte) bool {
		return c.write(opBinary, message) == nil
	})
}
