package rawpeer

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// onStreams runs test on each kind of stream, and on TCP, to show that the in-memory
// streams behave like it.
func onStreams(t *testing.T, test func(t *testing.T, a, b net.Conn)) {
	for _, kind := range []struct {
		name string
		opts *PipeOptions
	}{
		{"default", nil},
		{"small", &PipeOptions{Capacity: 7}},
		{"rendezvous", &PipeOptions{Capacity: Rendezvous}},
		{"unbounded", &PipeOptions{Capacity: Unbounded}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := Connect(t, Listen(kind.opts))
				test(t, a, b)
			})
		})
	}
	t.Run("tcp", func(t *testing.T) {
		a, b := Connect(t, ListenLoopback(t))
		test(t, a, b)
	})
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
}

func wantRead(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got[:n], err, want)
	}
}

func wantWrite(t *testing.T, conn net.Conn, s string) {
	t.Helper()
	if n, err := io.WriteString(conn, s); n != len(s) || err != nil {
		t.Fatalf("wrote %d bytes, %v, want %d", n, err, len(s))
	}
}

func wantReadError(t *testing.T, conn net.Conn, want error) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	if n != 0 {
		t.Fatalf("read %d bytes, want none", n)
	}
	wantError(t, err, want)
}

func TestStreamCarriesBothWays(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		sent := make([]byte, 300_000)
		rand.NewChaCha8([32]byte{}).Read(sent)
		send := func(conn net.Conn) *Call[struct{}] {
			return GoErr(t, func() error {
				_, err := io.Copy(conn, bytes.NewReader(sent))
				return errors.Join(err, conn.(interface{ CloseWrite() error }).CloseWrite())
			})
		}
		receive := func(conn net.Conn) *Call[[]byte] {
			return Go(t, func() ([]byte, error) { return io.ReadAll(conn) })
		}
		sendA, sendB, recvA, recvB := send(a), send(b), receive(a), receive(b)
		sendA.Want()
		sendB.Want()
		if !bytes.Equal(recvA.Want(), sent) || !bytes.Equal(recvB.Want(), sent) {
			t.Fatal("the bytes changed on their way")
		}
	})
}

func TestStreamPingPong(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		echo := GoErr(t, func() error {
			_, err := io.Copy(b, b)
			return err
		})
		for _, s := range []string{"one", "", "two", "a longer one"} {
			wantWrite(t, a, s)
			wantRead(t, a, s)
		}
		a.Close()
		echo.Want()
	})
}

func TestStreamConcurrentWrites(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		var writers sync.WaitGroup
		const each = 100
		for c := byte('a'); c < 'e'; c++ {
			writers.Go(func() {
				for range 10 {
					a.Write(bytes.Repeat([]byte{c}, each))
				}
			})
		}
		for range 4 * 10 {
			p := make([]byte, each)
			if _, err := io.ReadFull(b, p); err != nil {
				t.Fatal(err)
			}
			if want := bytes.Repeat(p[:1], each); !bytes.Equal(p, want) {
				t.Fatalf("got %q, want one write's bytes", p)
			}
		}
		writers.Wait()
	})
}

func TestStreamPastDeadline(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		past := time.Now().Add(-time.Minute)
		a.SetDeadline(past)
		for range 2 {
			n, err := a.Write([]byte("x"))
			if n != 0 {
				t.Fatalf("wrote %d bytes, want none", n)
			}
			wantError(t, err, os.ErrDeadlineExceeded)
			wantReadError(t, a, os.ErrDeadlineExceeded)
		}
		var timeout net.Error
		if _, err := a.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("got %v, want a net.Error that is a timeout", err)
		}

		// Without the deadlines, the stream works as before.
		a.SetDeadline(time.Time{})
		write := GoErr(t, func() error { _, err := b.Write([]byte("hello")); return err })
		wantRead(t, a, "hello")
		write.Want()
	})
}

func TestStreamDeadlineBeforeBytes(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		write := GoErr(t, func() error { _, err := b.Write([]byte("hello")); return err })
		wantRead(t, a, "h")
		a.SetReadDeadline(time.Now().Add(-1))
		wantReadError(t, a, os.ErrDeadlineExceeded)
		a.SetReadDeadline(time.Time{})
		wantRead(t, a, "ello")
		write.Want()
	})
}

func TestStreamDeadlineWhileBlocked(t *testing.T) {
	const wait = 20 * time.Millisecond
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		start := time.Now()
		a.SetReadDeadline(start.Add(wait))
		wantReadError(t, a, os.ErrDeadlineExceeded)
		if d := time.Since(start); d < wait {
			t.Fatalf("failed after %v, want %v", d, wait)
		}

		// Nothing is read, so the write blocks partway.
		unsent := 1 << 20
		if _, ok := a.(*net.TCPConn); ok {
			unsent = 16 << 20 // more than the kernel buffers
		}
		a.SetWriteDeadline(time.Now().Add(wait))
		n, err := a.Write(make([]byte, unsent))
		if err == nil && n == unsent {
			return // unbounded
		}
		wantError(t, err, os.ErrDeadlineExceeded)
		got := Go(t, func() ([]byte, error) { return io.ReadAll(b) })
		a.Close()
		if p := got.Want(); len(p) != n {
			t.Fatalf("%d bytes arrived, Write returned %d", len(p), n)
		}
	})
}

func TestStreamDeadlineMoves(t *testing.T) {
	const wait = 20 * time.Millisecond
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		var read *Call[struct{}]
		for moved := false; !moved; {
			old := time.Now().Add(wait)
			a.SetReadDeadline(old)
			read = GoErr(t, func() error { _, err := a.Read(make([]byte, 1)); return err })
			a.SetReadDeadline(old.Add(time.Hour))
			if moved = time.Now().Before(old); !moved { // fails on a busy machine
				a.SetReadDeadline(time.Now().Add(-1))
				wantError(t, read.Err(), os.ErrDeadlineExceeded)
			}
		}
		time.Sleep(wait + wait/2)
		if read.Returned() {
			t.Fatalf("the read failed at the old deadline: %v", read.Err())
		}
		a.SetReadDeadline(time.Now().Add(-1))
		wantError(t, read.Err(), os.ErrDeadlineExceeded)
	})
}

func TestStreamCloseWhileBlocked(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		read := GoErr(t, func() error { _, err := a.Read(make([]byte, 1)); return err })
		peerRead := GoErr(t, func() error { _, err := b.Read(make([]byte, 1)); return err })
		time.Sleep(time.Millisecond)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		wantError(t, read.Err(), net.ErrClosed)
		wantError(t, peerRead.Err(), io.EOF)
		wantReadError(t, a, net.ErrClosed)
		_, err := a.Write([]byte("x"))
		wantError(t, err, net.ErrClosed)
		wantError(t, a.Close(), net.ErrClosed)
		wantError(t, a.SetDeadline(time.Now()), net.ErrClosed)
	})
}

func TestStreamCloseWrite(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		send := GoErr(t, func() error {
			_, err := a.Write([]byte("last"))
			return errors.Join(err, a.(interface{ CloseWrite() error }).CloseWrite())
		})
		wantRead(t, b, "last")
		wantReadError(t, b, io.EOF)
		send.Want()

		// The other direction stays open.
		write := GoErr(t, func() error { _, err := b.Write([]byte("answer")); return err })
		wantRead(t, a, "answer")
		write.Want()
		_, err := a.Write([]byte("x"))
		wantError(t, err, ErrBrokenPipe)
	})
}

func TestStreamConcurrentMethods(t *testing.T) {
	onStreams(t, func(t *testing.T, a, b net.Conn) {
		go func() {
			for {
				if _, err := b.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		var methods sync.WaitGroup
		for range 20 {
			methods.Go(func() { a.Read(make([]byte, 100)) })
			methods.Go(func() {
				a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
				a.Write(make([]byte, 100))
			})
			methods.Go(func() { a.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) })
			methods.Go(func() { a.LocalAddr(); a.RemoteAddr() })
		}
		methods.Wait()
		a.Close()
		b.Close()
	})
}

func TestStreamReset(t *testing.T) {
	for _, n := range []int{DefaultCapacity, Rendezvous} {
		synctest.Test(t, func(t *testing.T) {
			a, b := Pipe(&PipeOptions{Capacity: n})
			write := GoErr(t, func() error { _, err := b.Write(make([]byte, 2*DefaultCapacity)); return err })
			read := GoErr(t, func() error { _, err := b.Read(make([]byte, 1)); return err })
			synctest.Wait()
			a.Reset()
			for range 2 {
				wantError(t, write.Err(), ErrReset)
				wantError(t, read.Err(), ErrReset)
				wantReadError(t, b, ErrReset)
			}
			_, err := b.Write([]byte("x"))
			wantError(t, err, ErrReset)
			wantReadError(t, a, net.ErrClosed)
		})
	}
}

func TestStreamResetUnread(t *testing.T) {
	for _, opts := range []*PipeOptions{{}, {ResetUnread: true}} {
		a, b := Pipe(opts)
		wantWrite(t, a, "never read")
		wantWrite(t, b, "last words")
		b.Close()
		if opts.ResetUnread {
			wantReadError(t, a, ErrReset)
		} else {
			wantRead(t, a, "last words")
			wantReadError(t, a, io.EOF)
		}
		if n := b.Stats().Unread; n != len("never read") {
			t.Fatalf("%d bytes were not read, want %d", n, len("never read"))
		}
	}
}

// A stream whose reader keeps up does not allocate, so tests that count allocations can
// use it.
func TestStreamAllocations(t *testing.T) {
	a, b := Pipe(nil)
	p := make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() {
		a.Write(p)
		io.ReadFull(b, p)
	}); n != 0 {
		t.Fatalf("%v allocations, want none", n)
	}
}
