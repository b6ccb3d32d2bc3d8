package netstream

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"time"
)

// closePatience bounds the wait for Close of a stream of an unknown type. That of
// package crypto/tls takes 5 seconds if the peer does not read.
const closePatience = 100 * time.Millisecond

// hurryAfter is the time after which such a Close is hurried.
const hurryAfter = time.Millisecond

// CloseWrite closes the writing direction, if the stream supports that.
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
	case s.kind.is(trusted), s.kind.is(plain) && !s.owner.ReadHeld() && !s.owner.WriteHeld():
		s.rwc.Close() // there is nothing to wait for
	default:
		s.closeUnknown()
	}
}

// closeBelow closes the connection below a TLS connection.
func (s *Stream) closeBelow() {
	below := s.secured().NetConn()
	if s.kind.is(trusted) {
		below.Close()
		return
	}
	await(s.closing(below), closePatience)
}

// secured returns the TLS connection of a secure stream.
func (s *Stream) secured() *tls.Conn {
	if c, ok := s.rwc.(*tls.Conn); ok {
		return c
	}
	return s.conn.(*tls.Conn)
}

// closeUnknown closes a stream of an unknown type, which may contain TLS. It calls only
// Close of the outermost type, since each type may expect to be closed exactly once. It
// interrupts writes meanwhile, so that Close does not wait for a TLS alert. If that has no
// effect, it also closes the connection below, if the type has a NetConn method.
func (s *Stream) closeUnknown() {
	closed := s.closing(s.rwc)
	runtime.Gosched() // most types close at once, and need no timer
	if await(closed, hurryAfter) {
		return
	}
	go s.hurry(closed)
	if await(closed, closePatience) {
		return
	}
	if c, ok := s.conn.(interface{ NetConn() net.Conn }); ok {
		if below := c.NetConn(); below != nil {
			await(s.closing(below), closePatience)
		}
	}
}

// hurry interrupts the writes of a Close.
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
// returned. A read that is still under way then is interrupted: Close of a yamux stream,
// for example, ends only writes.
func (s *Stream) closing(c io.Closer) <-chan struct{} {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.Close()
		if s.conn != nil && !s.kind.is(interrupter) && s.owner.ReadHeld() {
			go s.conn.SetReadDeadline(aLongTimeAgo) // it may wait for the read
		}
	}()
	return closed
}

// await waits for done, and reports false if that takes longer than limit.
func await(done <-chan struct{}, limit time.Duration) bool {
	select {
	case <-done:
		return true
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
