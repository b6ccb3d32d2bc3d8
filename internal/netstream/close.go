package netstream

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// closePatience is how long Close waits for a stream of an unknown type to be
// closed. Package crypto/tls takes 5 seconds for it if the peer does not read.
const closePatience = 100 * time.Millisecond

// hurryAfter is when writing is interrupted for the first time.
const hurryAfter = time.Millisecond

// CloseWrite tells the peer that nothing follows, if the stream can.
func (s *Stream) CloseWrite() {
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	} else if c, ok := s.rwc.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
}

// Close closes the stream, and calls under way return an error. It does not wait for
// a peer that does not read. The stream is closed once, however often Close is
// called.
func (s *Stream) Close() {
	if s.closed.Swap(true) {
		return
	}
	switch {
	case s.kind.is(secure):
		// Close of the TLS connection would send an alert first, and wait until it
		// is sent. CloseWrite has done that, if it was wanted.
		s.closeBelow()
	case s.kind.is(trusted):
		s.rwc.Close()
	default:
		s.closeUnknown()
	}
}

// closeBelow closes what a TLS connection is over.
func (s *Stream) closeBelow() {
	c, ok := s.rwc.(*tls.Conn)
	if !ok {
		c = s.conn.(*tls.Conn)
	}
	below := c.NetConn()
	if s.kind.is(trusted) {
		below.Close()
		return
	}
	await(closing(below), closePatience)
}

// closeUnknown closes a stream that may be TLS inside another type, say. It calls
// Close of the outermost type alone, which may keep an account, as may the types
// below, of which each one wants to be closed once. So that Close does not wait for
// an alert to be sent, writing is interrupted meanwhile. Only if that does not help,
// what the type says is below is closed, too.
func (s *Stream) closeUnknown() {
	closed := closing(s.rwc)
	if await(closed, hurryAfter) {
		return
	}
	go s.hurry(closed)
	if await(closed, closePatience) {
		return
	}
	if c, ok := s.conn.(interface{ NetConn() net.Conn }); ok {
		if below := c.NetConn(); below != nil {
			await(closing(below), closePatience)
		}
	}
}

// hurry interrupts the writes that closing a stream takes.
func (s *Stream) hurry(closed <-chan struct{}) {
	if s.conn == nil {
		return
	}
	for pause := hurryAfter; pause <= closePatience; pause *= 2 {
		s.conn.SetWriteDeadline(aLongTimeAgo)
		if await(closed, pause) {
			return
		}
	}
}

// closing closes c in a goroutine of its own. The channel is closed when Close has
// returned.
func closing(c io.Closer) <-chan struct{} {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.Close()
	}()
	return closed
}

// await waits for done, and reports false if that takes longer than limit.
func await(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
