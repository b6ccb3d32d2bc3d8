package bench

import (
	"context"
	"net/http"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

var bhojpur = library{
	name:    "bhojpur",
	accept:  acceptBhojpur,
	client:  dialBhojpur,
	prepare: prepareBhojpur,
}

// bhojpurRead is bhojpur with Read, which allocates what it returns.
var bhojpurRead = library{
	name: "bhojpur-Read",
	accept: func(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
		c, err := acceptBhojpur(w, r, s)
		if err != nil {
			return nil, err
		}
		return bhojpurReadConn{c.(*bhojpurConn)}, nil
	},
}

// bhojpurAppend is bhojpur with AppendRead.
var bhojpurAppend = library{
	name: "bhojpur-AppendRead",
	accept: func(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
		c, err := acceptBhojpur(w, r, s)
		if err != nil {
			return nil, err
		}
		return bhojpurAppendConn{c.(*bhojpurConn)}, nil
	},
	client: func(connect connector, s settings) dialer {
		dial := dialBhojpur(connect, s)
		return func(ctx context.Context) (conn, error) {
			c, err := dial(ctx)
			if err != nil {
				return nil, err
			}
			return bhojpurAppendConn{c.(*bhojpurConn)}, nil
		}
	},
}

// bhojpurConn has the context of a server's request or of a dial, which can be canceled.
type bhojpurConn struct {
	c   *websocket.Conn
	ctx context.Context
}

func acceptBhojpur(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
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
	return &bhojpurConn{c, r.Context()}, nil
}

func dialBhojpur(connect connector, _ settings) dialer {
	opts := &websocket.DialOptions{HTTPClient: httpClient(connect)}
	return func(ctx context.Context) (conn, error) {
		c, _, err := websocket.Dial(ctx, rawpeer.URL, opts)
		if err != nil {
			return nil, err
		}
		c.SetReadLimit(-1)
		return &bhojpurConn{c, ctx}, nil
	}
}

func (c *bhojpurConn) receive(p []byte, each func([]byte) bool) error {
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

func (c *bhojpurConn) write(op int, p []byte) error {
	return c.c.Write(c.ctx, websocket.MessageType(op), p)
}

func (c *bhojpurConn) close() {
	c.c.CloseNow()
}

type bhojpurReadConn struct{ *bhojpurConn }

func (c bhojpurReadConn) receive(_ []byte, each func([]byte) bool) error {
	for {
		_, message, err := c.c.Read(c.ctx)
		if err != nil {
			return err
		}
		if !each(message) {
			return nil
		}
	}
}

type bhojpurAppendConn struct{ *bhojpurConn }

func (c bhojpurAppendConn) receive(p []byte, each func([]byte) bool) error {
	for {
		_, message, err := c.c.AppendRead(c.ctx, p[:0])
		if err != nil {
			return err
		}
		if !each(message) {
			return nil
		}
	}
}

type bhojpurPrepared struct{ m *websocket.PreparedMessage }

func prepareBhojpur(op int, p []byte) (prepared, error) {
	m, err := websocket.NewPreparedMessage(websocket.MessageType(op), p)
	return bhojpurPrepared{m}, err
}

func (m bhojpurPrepared) writeTo(c conn) error {
	o := c.(*bhojpurConn)
	return o.c.WritePrepared(o.ctx, m.m)
}
