package bench

import (
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"

	"github.com/bhojpur/api/internal/rawpeer"
)

// bareRead copies the bytes of frames, all of the size of the first one, and processes
// none of them: the most that a library could reach.
var bareRead = library{
	name: "bare",
	accept: func(w http.ResponseWriter, r *http.Request, _ settings) (conn, error) {
		c, _, _, err := ws.UpgradeHTTP(r, w)
		return bareReadConn{bareEchoConn{c}}, err
	},
}

type bareReadConn struct{ bareEchoConn }

func (c bareReadConn) receive(p []byte, each func([]byte) bool) error {
	var start [maxHead]byte
	if _, err := io.ReadFull(c.conn, start[:]); err != nil {
		return err
	}
	_, length, head, err := rawpeer.ParseHeader(start[:])
	if err != nil {
		return err
	}
	frame := p[:head+int(length)]
	n := copy(frame, start[:])
	for {
		if _, err := io.ReadFull(c.conn, frame[n:]); err != nil {
			return err
		}
		if !each(frame[head:]) {
			return nil
		}
		n = 0
	}
}

// maxHead is the length of the longest header (RFC 6455 section 5.2).
const maxHead = 14

// bareEcho sends frames back with the fewest calls, one to read and one to write. The
// payload stays masked.
var bareEcho = library{
	name: "bare",
	accept: func(w http.ResponseWriter, r *http.Request, _ settings) (conn, error) {
		c, _, _, err := ws.UpgradeHTTP(r, w)
		return bareEchoConn{c}, err
	},
}

type bareEchoConn struct{ conn net.Conn }

func (c bareEchoConn) receive(p []byte, _ func([]byte) bool) error {
	n, err := c.conn.Read(p)
	for err == nil {
		_, length, head, e := rawpeer.ParseHeader(p[:n])
		if e != nil {
			return e
		}
		frame := p[:head+int(length)]
		if n < len(frame) {
			if _, err := io.ReadFull(c.conn, frame[n:]); err != nil {
				return err
			}
		}
		// The key's room makes room for the header.
		answer := frame[len(key):]
		copy(answer, frame[:head-len(key)])
		answer[1] &^= 0x80
		if _, err := c.conn.Write(answer); err != nil {
			return err
		}
		n, err = c.conn.Read(p)
	}
	return err
}

func (c bareEchoConn) write(int, []byte) error { return nil }
func (c bareEchoConn) close()                  { c.conn.Close() }
