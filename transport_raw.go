//go:build unix

package websocket

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/bhojpur/api/internal/poolcheck"
)

// Calls through raw take functions. These are made once, with what holds their
// arguments and results, so that a call allocates nothing.
//
// The first system call is tried before anything is armed, and the context is
// watched only when it would have to wait.

// rawReading is a read, into p, or into in if that is not nil. Each stream has
// one, for it waits in it.
type rawReading struct {
	on    func(fd uintptr) bool // readable, of this stream
	done  <-chan struct{}       // of its context
	p     []byte
	in    *inbox
	novel bool // it has to wait, and the watch does not watch the context
	n     int
	err   error
}

// rawWriting is a write. They come from a pool.
type rawWriting struct {
	mark poolcheck.Mark
	on   func(fd uintptr) bool // writable, of this one
	s    *stream
	ctx  context.Context
	p    []byte
	mode blockMode
	n    int
	err  error

	vec  [2][]byte   // what bufs begins as
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

// end gives w back, with nothing of the write in it.
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

// openRaw prepares system calls, where the bytes go straight through a socket.
// Only the types themselves will do: what embeds one has its SyscallConn, but
// a Read of its own.
func (s *stream) openRaw() {
	var raw syscall.RawConn
	var err error
	switch c := s.rwc.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return
	}
	if err == nil {
		s.raw = raw
		s.reading.on = s.readable
	}
}

// maxAtOnce is up to which size a frame is read from a socket together with its
// header.
const maxAtOnce = 64 << 10

func (s *stream) rawRead(ctx context.Context, p []byte, in *inbox) (int, error) {
	if ctx.Err() != nil {
		// It is watched only by a read that waits. A peer that sends without end
		// would never let it be noticed.
		return 0, errInterrupted
	}
	r := &s.reading
	if err := s.rd.ready(ctx); err != nil {
		return 0, err
	}
	r.done, r.p, r.in = ctx.Done(), p, in
	r.n, r.err = 0, nil
	err := s.raw.Read(r.on)
	if r.novel {
		// Registering goes deep into the stack, which would have to grow, and
		// stay so, for a connection that waits: hence not from within.
		r.novel = false
		if err = s.rd.turn(ctx, r.done); err == nil {
			err = s.raw.Read(r.on)
		}
	}
	if err == nil {
		err = r.err
	}
	r.done, r.p, r.in, r.err = nil, nil, nil, nil
	return r.n, s.didRead(ctx, r.n, err)
}

// readable tries to read. It reports false to be called again when there is
// something to read.
func (s *stream) readable(fd uintptr) bool {
	r := &s.reading
	p := r.p
	if r.in != nil {
		// A frame like the last one, if that is not too large, comes with one
		// call: it costs more than to copy the payload once more.
		if r.in.frame <= maxAtOnce-maxHeader {
			r.in.ample = max(r.in.ample, int(r.in.frame)+maxHeader)
		}
		r.in.take()
		p = r.in.block.B
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
			r.novel = !s.rd.watches(r.done)
			return r.novel
		}
		r.err = os.NewSyscallError("read", err)
		return true
	}
}

func (s *stream) rawWrite(ctx context.Context, p []byte, mode blockMode) (int, error) {
	if err := s.wr.ready(ctx); err != nil {
		return 0, err
	}
	w := newRawWriting()
	defer w.end()
	w.s, w.ctx, w.p, w.mode = s, ctx, p, mode
	err := s.raw.Write(w.on)
	if err == nil {
		err = w.err
	}
	return w.n, s.didWrite(ctx, err)
}

func (s *stream) rawWriteBoth(ctx context.Context, head, body []byte) (int, error) {
	if err := s.wr.arm(ctx); err != nil {
		return 0, err
	}
	w := newRawWriting()
	defer w.end()
	w.vec = [2][]byte{head, body}
	w.bufs = w.vec[:]
	n, err := w.bufs.WriteTo(s.conn)
	return int(n), s.didWrite(ctx, err)
}

// writable tries to write the rest. It reports false to be called again when
// more can be written.
func (w *rawWriting) writable(fd uintptr) bool {
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
			w.err = w.s.wr.arm(w.ctx)
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
