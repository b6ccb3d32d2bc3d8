package netstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
)

// upgraded returns the body of a response that switches protocols, directly followed by
// more bytes, with the client's connection and the server's.
func upgraded(t *testing.T, more []byte) (body io.ReadWriteCloser, reported, peer net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		c.Write(append([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"), more...))
		accepted <- c
	}))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request = withConn(request, &reported)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "echo")
	response, err := server.Client().Transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	body, peer = response.Body.(io.ReadWriteCloser), <-accepted
	t.Cleanup(func() { body.Close(); peer.Close() })
	return body, reported, peer
}

// pattern returns n bytes that differ by position.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i ^ i>>8)
	}
	return p
}

// Bytes that arrived together with the response are read first, for all their sizes and
// sizes of reads. Then the socket is read, without the body.
func TestBodyIsReadAhead(t *testing.T) {
	const follows = 5000
	for _, early := range []int{0, 1, 127, 128, 129, 1000, 3900, 10_000} {
		for _, size := range []int{1, 127, 128, 129, 4096, 20_000} {
			t.Run(fmt.Sprintf("%d bytes in reads of %d", early, size), func(t *testing.T) {
				all := pattern(early + follows)
				body, reported, peer := upgraded(t, all[:early])
				l := new(locks)
				s := &side{New(body, reported, l), l, reported}
				if _, err := peer.Write(all[early:]); err != nil {
					t.Fatal(err)
				}
				var got []byte
				for len(got) < len(all) {
					if s.ahead && len(got) >= early {
						t.Fatalf("after %d bytes the body is still read", len(got))
					}
					p := make([]byte, size)
					n, err := s.read(t.Context(), p)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, p[:n]...)
				}
				if !bytes.Equal(got, all) {
					t.Error("the bytes are not those that were sent")
				}
			})
		}
	}
}

// The same in blocks, all of which are released.
func TestBodyIsReadAheadInBlocks(t *testing.T) {
	for _, first := range []int{0, 2, FirstRead} {
		for _, early := range []int{0, 1, 2, FirstRead, FirstRead + 1, 3900} {
			t.Run(fmt.Sprintf("%d bytes, the first %d", early, first), func(t *testing.T) {
				const follows = 5000
				all := pattern(early + follows)
				body, reported, peer := upgraded(t, all[:early])
				s := New(body, reported, new(locks))
				if _, err := peer.Write(all[early:]); err != nil {
					t.Fatal(err)
				}
				var got []byte
				for len(got) < len(all) {
					b, n, err := s.ReadBlock(t.Context(), 1000, first)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, b.B[:n]...)
					b.Free()
				}
				if !bytes.Equal(got, all) {
					t.Error("the bytes are not those that were sent")
				}
				if s.raw != nil && (s.ahead || s.first != nil) {
					t.Errorf("the body is read: %v, and block %v is left", s.ahead, s.first)
				}
			})
		}
	}
}

// A read of the body, and one of the socket after it, end with their context and can be
// repeated.
func TestBodyReadEndsWithItsContext(t *testing.T) {
	body, reported, peer := upgraded(t, []byte("hello"))
	l := new(locks)
	s := &side{New(body, reported, l), l, reported}
	s.wantRead(t, t.Context(), "hello")
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		got := startRead(s, ctx)
		cancel()
		if r := <-got; r.n != 0 || r.err != ErrInterrupted {
			t.Fatalf("got %d bytes and %v, want ErrInterrupted", r.n, r.err)
		}
		if _, err := peer.Write([]byte("more")); err != nil {
			t.Fatal(err)
		}
		s.wantRead(t, t.Context(), "more")
	}
}

// Writes to the socket without waiting work from the beginning.
func TestBodyWriteNow(t *testing.T) {
	body, reported, peer := upgraded(t, []byte("hello"))
	s := New(body, reported, new(locks))
	n, err := s.WriteNow([]byte("pong"))
	if err != nil || n != 4 && s.raw != nil {
		t.Fatalf("wrote %d bytes, %v, want 4", n, err)
	}
	if s.raw == nil && hasSystemCalls() {
		t.Fatal("the socket is not used")
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(peer, p); err != nil || string(p) != "pong"[:n] {
		t.Errorf("got %q, %v", p, err)
	}
}

// hasSystemCalls reports whether sockets are read and written by system calls.
func hasSystemCalls() bool { return runtime.GOOS != "windows" && runtime.GOOS != "plan9" }

// wrapped is a body of a program, with its own methods.
type wrapped struct {
	io.ReadWriteCloser
	reads, writes int
}

func (w *wrapped) Read(p []byte) (int, error) {
	w.reads++
	return w.ReadWriteCloser.Read(p)
}

func (w *wrapped) Write(p []byte) (int, error) {
	w.writes++
	return w.ReadWriteCloser.Write(p)
}

// wrappedConn is a connection of a program.
type wrappedConn struct{ *net.TCPConn }

// The methods of a body that is not net/http's are used, and so are those of one over a
// connection that is not the socket.
func TestWrappedBodyKeepsItsMethods(t *testing.T) {
	body, reported, peer := upgraded(t, []byte("hello"))
	w := &wrapped{ReadWriteCloser: body}
	l := new(locks)
	s := &side{New(w, reported, l), l, reported}
	if s.raw != nil || s.ahead {
		t.Error("the socket is used in place of a wrapped body")
	}
	s.wantRead(t, t.Context(), "hello")
	for i := range 3 {
		if _, err := peer.Write([]byte("more")); err != nil {
			t.Fatal(err)
		}
		s.wantRead(t, t.Context(), "more")
		if _, err := s.write(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if w.reads < i+2 || w.writes != i+1 {
			t.Errorf("%d reads and %d writes went through the body, want %d and %d", w.reads, w.writes, i+2, i+1)
		}
	}
	for _, conn := range []net.Conn{wrappedConn{reported.(*net.TCPConn)}, peer, nil} {
		if s := New(body, conn, new(locks)); s.raw != nil || s.ahead {
			t.Errorf("the socket is used where a connection of type %T was reported", conn)
		}
	}
}
