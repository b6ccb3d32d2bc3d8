//go:build !js && !race

package attack

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// The heap that a client dialed over TCP with default options holds while it waits for
// the next message, after an echo. docs/security.md states the figure.
func TestIdleClientMemory(t *testing.T) {
	const connections, most = 100, 4_000
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	opts := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
	open := func() {
		var server net.Conn
		echoed := rawpeer.GoErr(t, func() (err error) {
			server, err = echoOnce(l)
			return err
		})
		c, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(t.Context(), websocket.MessageText, []byte(conntest.Filler(136))); err != nil {
			t.Fatal(err)
		}
		echoed.Want()
		conntest.WantText(t, c, conntest.Filler(136))
		ctx, cancel := context.WithCancel(t.Context())
		read := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
		t.Cleanup(func() {
			cancel()
			conntest.WantError(t, read.Err(), context.Canceled)
			c.CloseNow()
			server.Close()
		})
	}
	open()
	before := settledHeap()
	for range connections {
		open()
	}
	got := (settledHeap() - before) / connections
	t.Logf("%d bytes, the server's net.Conn included", got)
	if got > most {
		t.Errorf("an idle client holds more than %d bytes", most)
	}
}

// echoOnce accepts a connection, echoes one text of 136 bytes, and keeps only the
// connection afterwards.
func echoOnce(l net.Listener) (net.Conn, error) {
	c, err := l.Accept()
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(c)
	r, err := http.ReadRequest(buffered)
	if err != nil {
		return c, err
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if _, err := fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])); err != nil {
		return c, err
	}
	frame := make([]byte, 2+2+4+136)
	if _, err := io.ReadFull(buffered, frame); err != nil {
		return c, err
	}
	key, payload := frame[4:8], frame[8:]
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	_, err = c.Write(rawpeer.AppendFrame(nil, rawpeer.Text(string(payload))))
	return c, err
}
