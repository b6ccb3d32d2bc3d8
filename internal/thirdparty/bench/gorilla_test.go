package bench

import (
	"context"
	"net"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/bhojpur/api/internal/rawpeer"
)

var gorilla = library{name: "gorilla", accept: acceptGorilla, client: dialGorilla, prepare: prepareGorilla, oneWriter: true}

var (
	gorillaPlain   websocket.Upgrader
	gorillaDeflate = websocket.Upgrader{EnableCompression: true}
)

type gorillaConn struct{ c *websocket.Conn }

func acceptGorilla(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
	upgrader := &gorillaPlain
	if s.deflate != plain {
		upgrader = &gorillaDeflate
	}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil, err
	}
	return gorillaConn{c}, nil
}

func dialGorilla(connect connector, _ settings) dialer {
	d := &websocket.Dialer{
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return connect() },
	}
	return func(ctx context.Context) (conn, error) {
		c, _, err := d.DialContext(ctx, rawpeer.URL, nil)
		if err != nil {
			return nil, err
		}
		return gorillaConn{c}, nil
	}
}

func (c gorillaConn) receive(p []byte, each func([]byte) bool) error {
	for {
		_, r, err := c.c.NextReader()
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

func (c gorillaConn) write(op int, p []byte) error { return c.c.WriteMessage(op, p) }
func (c gorillaConn) close()                       { c.c.Close() }

type gorillaPrepared struct{ m *websocket.PreparedMessage }

func prepareGorilla(op int, p []byte) (prepared, error) {
	m, err := websocket.NewPreparedMessage(op, p)
	return gorillaPrepared{m}, err
}

func (m gorillaPrepared) writeTo(c conn) error {
	return c.(gorillaConn).c.WritePreparedMessage(m.m)
}
