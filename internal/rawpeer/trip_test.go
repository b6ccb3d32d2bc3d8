package rawpeer

import (
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAfterReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		wantWrite(t, a, "hello")
		wantRead(t, b, "h")
		b.AfterReading(3, a.Reset)
		p := make([]byte, 10)
		if n, err := b.Read(p); string(p[:n]) != "el" || err != nil {
			t.Fatalf("read %q, %v, want the bytes before the third", p[:n], err)
		}
		wantReadError(t, b, ErrReset)

		called := false
		b.AfterReading(3, func() { called = true })
		if !called {
			t.Fatal("not called for bytes that had been read")
		}
	})
}

// The Read waits for the action, however long it takes.
func TestAfterReadingBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		wantWrite(t, a, "hello")
		b.AfterReading(2, func() { time.Sleep(time.Hour) })
		start := time.Now()
		wantRead(t, b, "he")
		if took := time.Since(start); took != time.Hour {
			t.Fatalf("the read took %v", took)
		}
		wantRead(t, b, "llo")
	})
}

func TestAfterWriting(t *testing.T) {
	for _, capacity := range []int{DefaultCapacity, Rendezvous} {
		synctest.Test(t, func(t *testing.T) {
			a, b := Pipe(&PipeOptions{Capacity: capacity})
			read := Go(t, func() (string, error) {
				p := make([]byte, 3)
				n, err := io.ReadFull(b, p)
				return string(p[:n]), err
			})
			a.AfterWriting(3, func() { a.CutWrites(ErrBrokenPipe) })
			n, err := a.Write([]byte("hello"))
			if n != 3 {
				t.Fatalf("wrote %d bytes, want 3", n)
			}
			wantError(t, err, ErrBrokenPipe)
			if got := read.Want(); got != "hel" {
				t.Fatalf("read %q, want the written bytes", got)
			}
			if n := a.Stats().BytesWritten; n != 3 {
				t.Fatalf("%d bytes count as written, want 3", n)
			}
		})
	}
}

// A Write that ends with the byte that triggers the fault succeeds.
func TestAfterWritingTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		a.AfterWriting(5, func() { a.CutWrites(ErrBrokenPipe) })
		wantWrite(t, a, "hello")
		_, err := a.Write([]byte("x"))
		wantError(t, err, ErrBrokenPipe)
		wantRead(t, b, "hello")
		b.SetReadDeadline(time.Now().Add(time.Hour))
		wantReadError(t, b, os.ErrDeadlineExceeded) // neither bytes nor an end arrive

		called := false
		a.AfterWriting(2, func() { called = true })
		if !called {
			t.Fatal("not called for bytes that had been written")
		}
	})
}

// The peer cannot respond to the nth byte before the action has returned.
func TestAfterWritingPrecedesArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		a.AfterWriting(5, func() { time.Sleep(time.Hour) })
		write := GoErr(t, func() error { _, err := a.Write([]byte("hello, you")); return err })
		start := time.Now()
		wantRead(t, b, "hello")
		if took := time.Since(start); took != time.Hour {
			t.Fatalf("the read took %v", took)
		}
		wantRead(t, b, ", you")
		write.Want()
	})
}

func TestCutReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, cause := range []error{io.EOF, ErrReset} {
			a, b := Pipe(&PipeOptions{Capacity: len("lost")})
			wantWrite(t, a, "lost")
			b.CutReads(cause)
			wantReadError(t, b, cause)
			for range 3 { // more than the capacity
				wantWrite(t, a, "lost")
			}
			wantReadError(t, b, cause)

			// The other direction stays open.
			wantWrite(t, b, "more")
			wantRead(t, a, "more")
		}
	})
}

// Bytes of a failed Write that were not read are not counted.
func TestBytesWrittenOfRendezvous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(&PipeOptions{Capacity: Rendezvous})
		a.SetWriteDeadline(time.Now().Add(time.Second))
		write := GoErr(t, func() error { _, err := a.Write([]byte("hello")); return err })
		wantRead(t, b, "he")
		wantError(t, write.Err(), os.ErrDeadlineExceeded)
		if n := a.Stats().BytesWritten; n != 2 {
			t.Fatalf("%d bytes count as written, want 2", n)
		}
	})
}

func TestCutWritesWhileBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := Pipe(&PipeOptions{Capacity: 2})
		defer a.StallWrites()()
		write := GoErr(t, func() error { _, err := a.Write([]byte("hello")); return err })
		synctest.Wait()
		a.CutWrites(syscall.ETIMEDOUT)
		wantError(t, write.Err(), syscall.ETIMEDOUT)
	})
}
