package netstream

import "syscall"

// Unsent returns the number of bytes that were written and that the peer's system has not
// acknowledged. ok is false if it is not known: it is for the sockets of package net, and
// for TLS over them, on Linux and on Apple's systems. Unsent does not block, and may be
// called during a write.
func (s *Stream) Unsent() (n int, ok bool) {
	raw := s.socket()
	if raw == nil {
		return 0, false
	}
	err := raw.Control(func(fd uintptr) { n, ok = unsent(fd) })
	return n, ok && err == nil
}

// socket returns the socket of the stream, or of the connection below TLS, or nil.
func (s *Stream) socket() syscall.RawConn {
	if s.raw != nil {
		return s.raw
	}
	below := s.conn
	if s.kind.is(secure) {
		below = s.secured().NetConn()
	}
	if !isSocket(below) {
		return nil
	}
	raw, err := below.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
