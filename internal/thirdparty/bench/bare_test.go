package bench

import (
	"io"
	"net"
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
