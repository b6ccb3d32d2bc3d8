package bench

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

var gobwas = library{name: "gobwas", accept: acceptGobwas}

type gobwasConn struct {
	conn net.Conn
	r    *bufio.Reader
	text textCheck
}

func acceptGobwas(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
	c, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return nil, err
	}
	return &gobwasConn{c, rw.Reader, s.text}, nil
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
	err := ws.WriteHeader(c.conn, ws.Header{Fin: true, OpCode: ws.OpCode(op), Length: int64(len(p))})
	if err != nil {
		return err
	}
	_, err = c.conn.Write(p)
	return err
}

func (c *gobwasConn) close() { c.conn.Close() }
