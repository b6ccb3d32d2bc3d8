//go:build unix

package netstream

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/poolcheck"
)

// Calls of a syscall.RawConn take functions. These are allocated once, in structs that
// hold their arguments and results, so that a call does not allocate.

// rawReading is a read into p, or, if that is nil, into a block. Each stream has one,
// which is in use while a read waits.
type rawReading struct {
	on       func(fd uintptr) bool // readable, of this stream
	p        []byte                // destination; nil for a block, then in Stream.first
	n        int                   // number of bytes read; 0 at the end; or a negative errno
	size     int32                 // of the block
	watched  bool                  // the context is registered
	register bool                  // the read has to wait, and the context must be registered before
}

// rawWriting is a write. It comes from a pool.
type rawWriting struct {
	mark poolcheck.Mark
	on   func(fd uintptr) bool // writable, of this one
	s    *Stream
	ctx  context.Context
	p    []byte
	mode blockMode
	n    int
	err  error

	vec  [2][]byte   // initial elements of bufs
	bufs net.Buffers // of a vectored write
}

var rawWritings = sync.Pool{New: func() any {
	w := new(rawWriting)
	w.on = w.writable
	return w
}}

func newRawWriting() *rawWriting {
	w := rawWritings.Get().(*rawWriting)
	if poolcheck.On {
		poolcheck.Got(poolcheck.Write, &w.mark, w)
	}
	return w
}

// end clears w and returns it to the pool.
func (w *rawWriting) end() {
	*w = rawWriting{mark: w.mark, on: w.on}
	if poolcheck.On {
		poolcheck.Put(poolcheck.Write, &w.mark, w)
	}
	rawWritings.Put(w)
}

type blockMode uint8

const (
	blocking blockMode = iota
	notBlocking
)

// openRaw prepares system calls on a socket.
func (s *Stream) openRaw(socket any) {
	if raw, err := socket.(syscall.Conn).SyscallConn(); err == nil {
		s.raw = raw
		s.reading.on = s.readable
	}
}

// rawRead reads into p, or, if that is nil, into a block of at least size bytes.
func (s *Stream) rawRead(ctx context.Context, p []byte, size int) (int, *bufpool.Block, error) {
	if ctx.Err() != nil {
		// A context is registered only by a read that waits. If the peer sends without
		// pause, this check notices the end of the context.
		return 0, nil, ErrInterrupted
	}
	r := &s.reading
	if !s.rd.BeginNoWait(ctx) {
		return 0, nil, ErrInterrupted
	}
	done := ctx.Done()
	r.p, r.size, r.watched = p, int32(size), s.rd.Watches(done)
	r.n = 0
	err := s.raw.Read(r.on)
	if r.register {
		// Registering needs much stack, which would grow and stay large for a
		// connection that waits. So it is not done in readable, which is called
		// deeper in the stack.
		r.register = false
		if !s.rd.Register(ctx, done) {
			r.p = nil
			return 0, nil, ErrInterrupted
		}
		r.watched = true
		err = s.raw.Read(r.on)
	}
	n, block := r.n, s.first
	if n <= 0 {
		if err == nil {
			err = r.err()
		}
		n = 0
	}
	r.p, s.first = nil, nil
	if s.rd.TryEnd() {
		return n, block, err
	}
	if s.rd.End() && err != nil {
		err = s.interruption(ctx, s.outcomes.read, err)
	}
	return n, block, err
}

// err returns the error of a read that got no bytes.
func (r *rawReading) err() error {
	if r.n == 0 {
		return io.EOF
	}
	return os.NewSyscallError("read", syscall.Errno(-r.n))
}

// readable tries to read. It returns false to be called again when bytes are available.
func (s *Stream) readable(fd uintptr) bool {
	r := &s.reading
	p := r.p
	var block *bufpool.Block
	if p == nil {
		block = bufpool.Get(int(r.size))
		p = block.B
	}
	for {
		n, errno := readNow(fd, p)
		if n > 0 {
			r.n, s.first = n, block
			return true
		}
		if errno == syscall.EINTR {
			continue
		}
		if block != nil {
			block.Free()
		}
		if errno == syscall.EAGAIN {
			r.register = !r.watched
			return r.register
		}
		r.n = -int(errno)
		return true
	}
}

func (s *Stream) rawWrite(ctx context.Context, p []byte, mode blockMode) (int, error) {
	if !s.wr.BeginNoWait(ctx) {
		return 0, ErrInterrupted
	}
	w := newRawWriting()
	defer w.end()
	w.s, w.ctx, w.p, w.mode = s, ctx, p, mode
	err := s.raw.Write(w.on)
	if err == nil {
		err = w.err
	}
	return w.n, s.rawWrote(ctx, err)
}

// rawWriteBoth is WriteBoth with one system call.
func (s *Stream) rawWriteBoth(ctx context.Context, head, body []byte) (int, error) {
	if !s.wr.Begin(ctx) {
		return 0, ErrInterrupted
	}
	w := newRawWriting()
	defer w.end()
	w.vec = [2][]byte{head, body}
	w.bufs = w.vec[:]
	n, err := w.bufs.WriteTo(s.conn)
	return int(n), s.rawWrote(ctx, err)
}

// rawWrote ends a write that may have blocked.
func (s *Stream) rawWrote(ctx context.Context, err error) error {
	if s.wr.End() && err != nil && err != ErrInterrupted {
		err = s.interruption(ctx, s.outcomes.write, err)
	}
	return err
}

// writable tries to write the rest. It returns false to be called again when more can
// be written.
func (w *rawWriting) writable(fd uintptr) bool {
	for w.n < len(w.p) {
		n, errno := writeNow(fd, w.p[w.n:])
		if n > 0 {
			w.n += n
			continue
		}
		switch errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			if w.mode == notBlocking {
				return true
			}
			if !w.s.wr.Begin(w.ctx) {
				w.err = ErrInterrupted
				return true
			}
			return false
		case 0:
			w.err = io.ErrUnexpectedEOF
			return true
		default:
			w.err = os.NewSyscallError("write", errno)
			return true
		}
	}
	return true
}

// readSocket and writeSocket read and write by one system call, which fails with EAGAIN if
// it would have to wait.

func readSocket(fd uintptr, p []byte) (int, syscall.Errno) {
	n, err := syscall.Read(int(fd), p)
	errno, _ := err.(syscall.Errno)
	return n, errno
}

func writeSocket(fd uintptr, p []byte) (int, syscall.Errno) {
	n, err := syscall.Write(int(fd), p)
	errno, _ := err.(syscall.Errno)
	return n, errno
}
