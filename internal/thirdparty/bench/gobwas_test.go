package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

var gobwas = library{name: "gobwas", accept: acceptGobwas, oneWriter: true}

type gobwasConn struct {
	conn net.Conn
	r    *bufio.Reader
	text textCheck
	// frame is where frames are put together, where a call costs more than that.
	frame *bytes.Buffer
}

func acceptGobwas(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
	c, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return nil, err
	}
	g := &gobwasConn{conn: c, r: rw.Reader, text: s.text}
	if _, ok := c.(*net.TCPConn); ok {
		g.frame = &bytes.Buffer{}
	}
	return g, nil
}

var errTooLong = errors.New("message is longer than the buffer")

func (c *gobwasConn) receive(p []byte, each func([]byte) bool) error {
	if c.text == validated {
		return c.receiveText(p, each)
	}
	for {
		h, err := ws.ReadHeader(c.r)
		if err != nil {
			return err
		}
		if h.Length > int64(len(p)) {
			return errTooLong
		}
		message := p[:h.Length]
		if _, err := io.ReadFull(c.r, message); err != nil {
			return err
		}
		ws.Cipher(message, h.Mask, 0)
		if !each(message) {
			return nil
		}
	}
}

// receiveText goes through wsutil, which is what validates.
func (c *gobwasConn) receiveText(p []byte, each func([]byte) bool) error {
	r := wsutil.Reader{Source: c.r, State: ws.StateServerSide, CheckUTF8: true}
	for {
		if _, err := r.NextFrame(); err != nil {
			return err
		}
		message, err := readInto(&r, p)
		if err != nil {
			return err
		}
		if !each(message) {
			return nil
		}
	}
}

func (c *gobwasConn) write(op int, p []byte) error {
	h := ws.Header{Fin: true, OpCode: ws.OpCode(op), Length: int64(len(p))}
	if c.frame != nil {
		c.frame.Reset()
		if err := ws.WriteHeader(c.frame, h); err != nil {
			return err
		}
		c.frame.Write(p)
		_, err := c.conn.Write(c.frame.Bytes())
		return err
	}
	if err := ws.WriteHeader(c.conn, h); err != nil {
		return err
	}
	_, err := c.conn.Write(p)
	return err
}

func (c *gobwasConn) close() { c.conn.Close() }
