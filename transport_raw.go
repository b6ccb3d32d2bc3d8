//go:build unix

package websocket

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
)

// sysCalls holds the arguments and the results of calls through raw, which
// takes functions: they are made once, so that a call allocates nothing.
//
// The first system call is tried before anything is armed, and the context is
// watched only when it would have to wait.
type sysCalls struct {
	onReadable, onWritable func(fd uintptr) bool
	rd                     rawReading
	wr                     rawWriting
}

// rawReading is a read under way: into p, or into in if that is not nil.
type rawReading struct {
	ctx   context.Context
	p     []byte
	in    *inbox
	armed bool
	n     int
	err   error
}

type rawWriting struct {
	ctx   context.Context
	p     []byte
	mode  blockMode
	armed bool
	n     int
	err   error
}

type blockMode uint8

const (
	blocking blockMode = iota
	notBlocking
)

// openRaw prepares system calls, where the bytes go straight through a socket.
// Only the types themselves will do: what embeds one has its SyscallConn, but
// a Read of its own.
func (s *stream) openRaw() bool {
	var raw syscall.RawConn
	var err error
	switch c := s.rwc.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return false
	}
	if err != nil {
		return false
	}
	s.raw = raw
	s.sys.onReadable = s.readable
	s.sys.onWritable = s.writable
	return true
}

func (s *stream) rawRead(ctx context.Context, p []byte, in *inbox) (int, error) {
	r := &s.sys.rd
	*r = rawReading{ctx: ctx, p: p, in: in}
	err := s.raw.Read(s.sys.onReadable)
	n, armed := r.n, r.armed
	if err == nil {
		err = r.err
	}
	*r = rawReading{}
	return n, s.didRead(ctx, armed, n, err)
}

// readable tries to read. It reports false to be called again when there is
// something to read.
func (s *stream) readable(fd uintptr) bool {
	r := &s.sys.rd
	p := r.p
	if r.in != nil {
		r.in.take()
		p = r.in.block.b
	}
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case err == syscall.EINTR:
			continue
		case n > 0:
			r.n = n
			if r.in != nil {
				r.in.got(n, len(p))
			}
			return true
		}
		if r.in != nil {
			r.in.release()
		}
		switch err {
		case nil:
			r.err = io.EOF
			return true
		case syscall.EAGAIN:
			if !r.armed {
				r.armed, r.err = s.rd.arm(r.ctx)
			}
			return r.err != nil
		}
		r.err = os.NewSyscallError("read", err)
		return true
	}
}

func (s *stream) rawWrite(ctx context.Context, p []byte, mode blockMode) (int, error) {
	w := &s.sys.wr
	*w = rawWriting{ctx: ctx, p: p, mode: mode}
	err := s.raw.Write(s.sys.onWritable)
	n, armed := w.n, w.armed
	if err == nil {
		err = w.err
	}
	*w = rawWriting{}
	return n, s.didWrite(ctx, armed, err)
}

// writable tries to write the rest. It reports false to be called again when
// more can be written.
func (s *stream) writable(fd uintptr) bool {
	w := &s.sys.wr
	for w.n < len(w.p) {
		n, err := syscall.Write(int(fd), w.p[w.n:])
		if n > 0 {
			w.n += n
			continue
		}
		switch err {
		case syscall.EINTR:
		case syscall.EAGAIN:
			if w.mode == notBlocking {
				return true
			}
			if !w.armed {
				w.armed, w.err = s.wr.arm(w.ctx)
			}
			return w.err != nil
		case nil:
			w.err = io.ErrUnexpectedEOF
			return true
		default:
			w.err = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}
