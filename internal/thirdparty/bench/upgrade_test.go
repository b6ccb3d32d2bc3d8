package bench

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

const request = "GET / HTTP/1.1\r\nHost: server.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rawpeer.DefaultKey + "\r\n\r\n"

// canned is a connection in memory on which one request comes, then nothing.
type canned struct {
	mu      sync.Mutex
	changed sync.Cond // of mu
	unread  string
	expired bool
	closed  bool
	answer  []byte
}

// reset makes c as new. It keeps the memory.
func (c *canned) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.L = &c.mu
	c.unread, c.expired, c.closed, c.answer = request, false, false, c.answer[:0]
}

func (c *canned) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.unread == "" {
		if c.closed {
			return 0, net.ErrClosed
		}
		if c.expired {
			return 0, os.ErrDeadlineExceeded
		}
		c.changed.Wait()
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

func (c *canned) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = append(c.answer, p...)
	return len(p), nil
}

func (c *canned) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
	return nil
}

func (c *canned) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expired = !t.IsZero() && time.Until(t) <= 0
	c.changed.Broadcast()
	return nil
}

func (c *canned) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }
func (c *canned) LocalAddr() net.Addr              { return rawpeer.ServerAddr }
func (c *canned) RemoteAddr() net.Addr             { return rawpeer.ClientAddr }

// cannedListener accepts the connections that are sent to it.
type cannedListener chan net.Conn

func (l cannedListener) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (cannedListener) Close() error   { return nil }
func (cannedListener) Addr() net.Addr { return rawpeer.ServerAddr }

// BenchmarkUpgrade is a whole request through net/http's server, until the handler
// has upgraded and closed the connection. With middleware, the handler gets a writer
// that notes the status.
func BenchmarkUpgrade(b *testing.B) {
	for _, lib := range inTurn(all) {
		b.Run("nethttp/"+lib.name, func(b *testing.B) {
			upgrade(b, lib, func(w http.ResponseWriter) http.ResponseWriter { return w })
		})
	}
	for _, lib := range inTurn([]library{bhojpur, coder}) {
		b.Run("middleware/"+lib.name, func(b *testing.B) {
			upgrade(b, lib, func(w http.ResponseWriter) http.ResponseWriter { return &noting{ResponseWriter: w} })
		})
	}
}

// noting is the writer of a middleware.
type noting struct {
	http.ResponseWriter
	status int
}

func (n *noting) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

func upgrade(b *testing.B, lib library, wrap func(http.ResponseWriter) http.ResponseWriter) {
	done := make(chan error)
	listener, ended := make(cannedListener), make(chan struct{})
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := lib.accept(wrap(w), r, settings{})
		if err == nil {
			c.close()
		}
		done <- err
	})}
	go func() {
		defer close(ended)
		server.Serve(listener)
	}()
	defer func() {
		close(listener)
		<-ended
	}()
	// net/http may hold a connection for a moment after the handler has returned.
	var conns [64]canned
	next := 0
	one := func() {
		c := &conns[next%len(conns)]
		next++
		c.reset()
		listener <- c
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		if !bytes.HasPrefix(c.answer, []byte("HTTP/1.1 101 ")) {
			b.Fatalf("answered %q", c.answer)
		}
	}
	warmUpgrades.Do(func() {
		for range upgradesToWarm {
			one()
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		one()
	}
}

// The first of a process's upgrades take a tenth longer, whoever does them: until
// the heap has the size that it keeps. They are not the first library's alone.
const upgradesToWarm = 30_000

var warmUpgrades sync.Once
