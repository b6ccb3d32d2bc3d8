package bench

import (
	"context"
	"net/http"

	"github.com/coder/websocket"

	"github.com/bhojpur/api/internal/rawpeer"
)

var coder = library{name: "coder", accept: acceptCoder, client: dialCoder}

// coderConn has the context of a server's request or of a dial, which can be canceled.
type coderConn struct {
	c   *websocket.Conn
	ctx context.Context
}

func acceptCoder(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
	opts := &websocket.AcceptOptions{}
	switch s.deflate {
	case takeover:
		opts.CompressionMode = websocket.CompressionContextTakeover
	case noTakeover:
		opts.CompressionMode = websocket.CompressionNoContextTakeover
	}
	c, err := websocket.Accept(w, r, opts)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1)
	return &coderConn{c, r.Context()}, nil
}

func dialCoder(connect connector, _ settings) dialer {
	opts := &websocket.DialOptions{HTTPClient: httpClient(connect)}
	return func(ctx context.Context) (conn, error) {
		c, _, err := websocket.Dial(ctx, rawpeer.URL, opts)
		if err != nil {
			return nil, err
		}
		c.SetReadLimit(-1)
		return &coderConn{c, ctx}, nil
	}
}

func (c *coderConn) receive(p []byte, each func([]byte) bool) error {
	for {
		_, r, err := c.c.Reader(c.ctx)
		if err != nil {
			return err
		}
		message, err := readInto(r, p)
		if err != nil {
			return err
		}
		if !each(message) {
			return nil
		}
	}
}

func (c *coderConn) write(op int, p []byte) error {
	return c.c.Write(c.ctx, websocket.MessageType(op), p)
}

func (c *coderConn) close() {
	c.c.CloseNow()
}
