// Package behaviour has tests of behaviour of coder/websocket on which programs may
// rely. All pass with that library.
package behaviour

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// limit bounds short operations, on a busy machine.
const limit = 20 * time.Second

// bounded returns a context for a call that should return long before it ends.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// peer is a server that reads and writes raw bytes.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

// dial returns a client and its peer.
func dial(t *testing.T) (*websocket.Conn, *peer) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *peer, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			close(accepted)
			return
		}
		p := &peer{t: t, Conn: conn, r: bufio.NewReader(conn)}
		r, err := http.ReadRequest(p.r)
		if err != nil {
			conn.Close()
			close(accepted)
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		accepted <- p
	}()
	c, _, err := websocket.Dial(bounded(t), "ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	p := <-accepted
	t.Cleanup(func() { p.Close() })
	p.SetDeadline(time.Now().Add(limit))
	return c, p
}

// The first bytes of frames.
const (
	text          = 0x81
	binaryMessage = 0x82
	closed        = 0x88
	more          = 0x02 // binary, not final
)

// frame is a frame that a server sends.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return append(b, payload...)
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// sendClose sends a close frame.
func (p *peer) sendClose(code websocket.StatusCode) {
	p.t.Helper()
	p.send(frame(closed, binary.BigEndian.AppendUint16(nil, uint16(code))))
}

// wantClose reads frames until the close frame, and returns its code.
func (p *peer) wantClose() websocket.StatusCode {
	p.t.Helper()
	for {
		first, payload := p.readFrame()
		if first == closed {
			if len(payload) < 2 {
				return websocket.StatusNoStatusRcvd
			}
			return websocket.StatusCode(binary.BigEndian.Uint16(payload))
		}
	}
}

// readFrame reads a frame of a client.
func (p *peer) readFrame() (first byte, payload []byte) {
	p.t.Helper()
	head := make([]byte, 2)
	p.read(head)
	n := int(head[1] & 0x7f)
	if n == 126 {
		length := make([]byte, 2)
		p.read(length)
		n = int(binary.BigEndian.Uint16(length))
	}
	key := make([]byte, 4)
	p.read(key)
	payload = make([]byte, n)
	p.read(payload)
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return head[0], payload
}

func (p *peer) read(b []byte) {
	p.t.Helper()
	if _, err := io.ReadFull(p.r, b); err != nil {
		p.t.Fatal(err)
	}
}

// call is a call under way.
type call struct{ done chan error }

func start(f func() error) call {
	c := call{make(chan error, 1)}
	go func() { c.done <- f() }()
	return c
}

// err waits for the call to return.
func (c call) err(t *testing.T) error {
	t.Helper()
	select {
	case err := <-c.done:
		return err
	case <-time.After(limit):
		t.Fatal("the call does not return")
		return nil
	}
}

// startRead starts a Read, and returns when it is waiting: the client has answered a
// ping, which it does only during a read.
func startRead(t *testing.T, c *websocket.Conn, p *peer) call {
	t.Helper()
	reading := start(func() error {
		_, _, err := c.Read(context.Background())
		return err
	})
	p.send(frame(0x89, []byte("reading?")))
	if first, _ := p.readFrame(); first != 0x8a {
		t.Fatalf("got a frame %#x, want a pong", first)
	}
	return reading
}
