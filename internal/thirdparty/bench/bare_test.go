package bench

import (
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"

	"github.com/bhojpur/api/internal/rawpeer"
)

// bare moves the bytes of frames that it knows the size of, and looks at none: what
// a library could be at best.
type bare struct {
	conn net.Conn
	// head is how many bytes of a frame are before the payload.
	head, size int
}

func (c bare) receive(p []byte, each func([]byte) bool) error {
	frame := p[:c.head+c.size]
	for {
		if _, err := io.ReadFull(c.conn, frame); err != nil {
			return err
		}
		if !each(frame[c.head:]) {
			return nil
		}
	}
}

// bareEcho sends frames back with the fewest calls, one to read and one to write,
// their payload as it came. It finds the size of all in the first of them.
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
