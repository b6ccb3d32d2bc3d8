package netstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/bhojpur/api/internal/bufpool"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// withConn makes the transport report the connection of a request.
func withConn(r *http.Request, c *net.Conn) *http.Request {
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { *c = info.Conn }}
	return r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
}

// sockets are the trusted streams, in real time.
var sockets = []struct {
	name    string
	connect func(t *testing.T) (c, peer net.Conn)
	writes  error // of a write whose context ends
}{
	{"TCP", func(t *testing.T) (c, peer net.Conn) { return tcp(t) }, ErrInterrupted},
	{"Unix", func(t *testing.T) (c, peer net.Conn) {
		e := connect(t, "unix", filepath.Join(t.TempDir(), "socket"))
		return e.c, e.peer
	}, ErrInterrupted},
	{"TLS", func(t *testing.T) (c, peer net.Conn) {
		return overTLS(t, func(c net.Conn) net.Conn { return c })
	}, ErrCutOff},
}

func TestSocketReads(t *testing.T) {
	for _, test := range sockets {
		t.Run(test.name, func(t *testing.T) {
			c, peer := test.connect(t)
			s := newSide(t, c)
			if !s.kind.is(trusted) {
				t.Fatal("the type is not known")
			}
			ended, end := context.WithCancel(t.Context())
			end()
			if _, err := s.read(ended, make([]byte, 1)); err != ErrInterrupted {
				t.Errorf("got %v for a context that has ended, want ErrInterrupted", err)
			}
			kept, end := context.WithCancel(t.Context())
			defer end()
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				if _, err := s.read(ctx, make([]byte, 1)); err != ErrInterrupted {
					t.Fatalf("got %v, want ErrInterrupted", err)
				}
				cancel()
				for _, ctx := range []context.Context{kept, context.Background(), kept, kept} {
					peer.Write([]byte("hello"))
					s.wantRead(t, ctx, "hello")
				}
			}
			peer.Close()
			if _, err := s.read(kept, make([]byte, 1)); err != io.EOF {
				t.Errorf("got %v, want io.EOF", err)
			}
		})
	}
}

func TestSocketWrites(t *testing.T) {
	for _, test := range sockets {
		t.Run(test.name, func(t *testing.T) {
			c, peer := test.connect(t)
			s := newSide(t, c)
			p := make([]byte, 32<<20)
			for i := range p {
				p[i] = byte(i % 251)
			}
			sent, err := 0, error(nil)
			for sent == 0 { // on a busy machine the context may end before
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				sent, err = s.write(ctx, p)
				cancel()
			}
			if err != test.writes {
				t.Fatalf("got %v, want %v", err, test.writes)
			}
			if err == ErrCutOff {
				return
			}
			rest := start(func() (int, error) {
				s.locks.writing.Store(true)
				defer s.locks.writing.Store(false)
				return s.WriteBoth(t.Context(), p[sent:sent+3], p[sent+3:])
			})
			got := make([]byte, len(p))
			if _, err := io.ReadFull(peer, got); err != nil {
				t.Fatal(err)
			}
			if r := <-rest; r.err != nil || r.n != len(p)-sent {
				t.Errorf("wrote %d bytes with %v, want %d", r.n, r.err, len(p)-sent)
			}
			for i, b := range got {
				if b != byte(i%251) {
					t.Fatalf("byte %d is %d, want %d", i, b, i%251)
				}
			}
		})
	}
}

// A read that waits holds no block, and one of a socket takes a block that is large
// enough for the received bytes.
func TestReadBlock(t *testing.T) {
	for _, test := range sockets {
		t.Run(test.name, func(t *testing.T) {
			c, peer := test.connect(t)
			s := newSide(t, c)
			for _, want := range []struct{ size, first, sent, raw, other int }{
				{0, FirstRead, 5, bufpool.MinBlock, FirstRead},
				{2 * bufpool.MinBlock, 0, 5, 4 * bufpool.MinBlock, 4 * bufpool.MinBlock},
				{2 * bufpool.MinBlock, 8, 8, 4 * bufpool.MinBlock, 8},
			} {
				size := want.other
				if s.raw != nil {
					size = want.raw
				}
				peer.Write(make([]byte, want.sent))
				s.locks.reading.Store(true)
				b, n, err := s.ReadBlock(t.Context(), want.size, want.first)
				s.locks.reading.Store(false)
				if err != nil || n != want.sent || len(b.B) != size {
					t.Fatalf("read %d bytes into %d with %v, want %d into %d", n, len(b.B), err, want.sent, size)
				}
				b.Free()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			s.locks.reading.Store(true)
			defer s.locks.reading.Store(false)
			if b, n, err := s.ReadBlock(ctx, 1<<20, 0); b != nil || n != 0 || err != ErrInterrupted {
				t.Errorf("got %d bytes, block %v and %v; want only ErrInterrupted", n, b, err)
			}
		})
	}
}

// WriteNow does not block.
func TestWriteNow(t *testing.T) {
	for _, test := range sockets {
		t.Run(test.name, func(t *testing.T) {
			c, peer := test.connect(t)
			s := newSide(t, c)
			n, err := s.WriteNow([]byte("hello"))
			switch {
			case err != nil:
				t.Fatal(err)
			case s.raw == nil:
				if n != 0 {
					t.Errorf("wrote %d bytes without knowing whether that waits", n)
				}
				return
			case n != 5:
				t.Errorf("wrote %d bytes of 5 into an empty socket", n)
			}
			p := make([]byte, 5)
			if _, err := io.ReadFull(peer, p); err != nil || string(p) != "hello" {
				t.Fatalf("got %q and %v", p, err)
			}
			for n > 0 {
				if n, err = s.WriteNow(make([]byte, 1<<20)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestCallsAllocateNothing(t *testing.T) {
	if poolcheck.On {
		return // with the race detector, pools drop objects
	}
	c, peer := tcp(t)
	s := newSide(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.write(ctx, p); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, p); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Write(p); err != nil {
			t.Fatal(err)
		}
		if n, err := s.read(ctx, p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The size of each stream in bytes, on 64 bits. An increase must be deliberate.
func TestSizeOfStream(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) < 8 {
		return
	}
	if size := unsafe.Sizeof(Stream{}); size > 256 {
		t.Errorf("a Stream takes %d bytes, want at most 256", size)
	}
}

// A Stream that implements Interrupter is interrupted by its methods.
func TestInterrupter(t *testing.T) {
	for _, want := range []struct {
		outcome Outcome
		err     error
	}{{Resumable, ErrInterrupted}, {CutOff, ErrCutOff}} {
		t.Run(want.err.Error(), func(t *testing.T) {
			c, _ := pipe(t)
			h := &ownInterrupts{ReadWriteCloser: c, outcome: want.outcome, reads: make(chan struct{}, 1)}
			l := new(locks)
			s := &side{New(h, nil, l), l, nil}
			for range 2 {
				ctx, cancel := context.WithCancel(t.Context())
				reading := startRead(s, ctx)
				cancel()
				if got := <-reading; got.err != want.err && got.err != ErrInterrupted {
					t.Errorf("got %v, want %v", got.err, want.err)
				}
			}
			if s.LocalAddr() != nil || s.RemoteAddr() != nil || s.Secure() {
				t.Error("a stream without addresses or system calls has some")
			}
		})
	}
}

// ownInterrupts is a stream without deadlines.
type ownInterrupts struct {
	io.ReadWriteCloser
	outcome Outcome
	reads   chan struct{}
}

func (o *ownInterrupts) Read([]byte) (int, error) {
	<-o.reads
	return 0, io.ErrClosedPipe
}

func (o *ownInterrupts) InterruptRead() Outcome {
	o.reads <- struct{}{}
	return o.outcome
}

func (o *ownInterrupts) ResumeRead() {
	select {
	case <-o.reads:
	default:
	}
}

func (o *ownInterrupts) InterruptWrite() Outcome { return o.outcome }
func (o *ownInterrupts) ResumeWrite()            {}

// Unsent counts the bytes that the peer has not accepted, also while a write waits.
func TestUnsent(t *testing.T) {
	for _, test := range sockets {
		t.Run(test.name, func(t *testing.T) {
			c, peer := test.connect(t)
			s := newSide(t, c)
			if _, ok := s.Unsent(); !ok {
				if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
					t.Fatal("the unsent bytes of a socket are not known")
				}
				return
			}
			written := make(chan error, 1)
			go func() {
				_, err := s.Write(t.Context(), make([]byte, 32<<20))
				written <- err
			}()
			for n := 0; n == 0; runtime.Gosched() {
				n, _ = s.Unsent()
			}
			go io.Copy(io.Discard, peer)
			if err := <-written; err != nil {
				t.Fatal(err)
			}
			for n := 1; n > 0; runtime.Gosched() {
				n, _ = s.Unsent()
			}
		})
	}
	ours, theirs := net.Pipe()
	defer theirs.Close()
	if n, ok := newSide(t, ours).Unsent(); ok {
		t.Errorf("%d bytes of a pipe are unsent", n)
	}
}

// A socket is the connection of a stream, whichever one is passed beside it.
func TestSocketBesideAnotherConn(t *testing.T) {
	socket, peer := tcp(t)
	other, _ := pipe(t)
	s := New(socket, other, new(locks))
	t.Cleanup(s.Close)
	if got, want := s.LocalAddr(), socket.LocalAddr(); got != want {
		t.Errorf("got the address %v, want %v", got, want)
	}
	if n, err := s.WriteBoth(t.Context(), []byte("head"), []byte("body")); n != 8 || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	s.CloseWrite()
	peer.SetReadDeadline(time.Now().Add(rawpeer.DefaultTimeout))
	if got, err := io.ReadAll(peer); string(got) != "headbody" || err != nil {
		t.Errorf("the peer read %q, %v", got, err)
	}
}
