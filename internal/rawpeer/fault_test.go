package rawpeer

import (
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestStallReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		release := b.StallReads()
		wantWrite(t, a, "hello")
		b.SetReadDeadline(time.Now().Add(time.Hour))
		wantReadError(t, b, os.ErrDeadlineExceeded)
		b.SetReadDeadline(time.Time{})

		read := GoErr(t, func() error { _, err := io.ReadFull(b, make([]byte, 5)); return err })
		a.Close()
		synctest.Wait()
		if read.Returned() {
			t.Fatal("the read went past the stall")
		}
		release()
		release() // no effect
		read.Want()
		wantReadError(t, b, io.EOF)
	})
}

func TestStallWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		release := a.StallWrites()
		defer a.StallWrites()() // one more stall, until the end
		release()
		release = a.StallWrites()
		write := GoErr(t, func() error { _, err := a.Write([]byte("hello")); return err })
		synctest.Wait()
		if write.Returned() || b.in.pendingLocked() != 0 {
			t.Fatal("the write went past the stall")
		}
		release()
		a.SetWriteDeadline(time.Now().Add(time.Second))
		wantError(t, write.Err(), os.ErrDeadlineExceeded)
	})
}

func TestChunkReads(t *testing.T) {
	a, b := Pipe(nil)
	wantWrite(t, a, "hello")
	b.ChunkReads(2)
	for _, want := range []string{"he", "ll", "o"} {
		p := make([]byte, 10)
		if n, _ := b.Read(p); string(p[:n]) != want {
			t.Fatalf("read %q, want %q", p[:n], want)
		}
	}
}

func TestSetCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		a.SetCapacity(3)
		write := GoErr(t, func() error { _, err := a.Write([]byte("hello")); return err })
		synctest.Wait()
		if write.Returned() {
			t.Fatal("the write went past the capacity")
		}
		a.SetCapacity(Unbounded)
		write.Want()
		wantRead(t, b, "hello")
	})
}

func TestSetLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		start := time.Now()
		a.SetLatency(time.Second)
		wantWrite(t, a, "one")
		time.Sleep(300 * time.Millisecond)
		wantWrite(t, a, "two")
		a.Close()
		for _, step := range []struct {
			read string
			at   time.Duration
		}{{"one", time.Second}, {"two", 1300 * time.Millisecond}} {
			wantRead(t, b, step.read)
			if at := time.Since(start); at != step.at {
				t.Fatalf("read %q at %v, want %v", step.read, at, step.at)
			}
		}
		wantReadError(t, b, io.EOF)
	})
}

func TestCutAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		wantWrite(t, a, "he")
		a.CutAfter(3, ErrReset)
		n, err := a.Write([]byte("llo, lost"))
		if n != 3 {
			t.Fatalf("wrote %d bytes, want 3", n)
		}
		wantError(t, err, ErrBrokenPipe)
		wantRead(t, b, "hello")
		wantReadError(t, b, ErrReset)
	})
}

func TestStats(t *testing.T) {
	a, b := Pipe(nil)
	wantWrite(t, a, "before")
	a.RecordWrites()
	wantWrite(t, a, "one")
	wantWrite(t, a, "two")
	wantRead(t, b, "beforeonetwo")
	if got := a.RecordedWrites(); len(got) != 2 || string(got[0]) != "one" || string(got[1]) != "two" {
		t.Fatalf("recorded %q, want one and two", got)
	}
	a.CloseWrite()
	if got, want := a.Stats(), (Stats{Writes: 3, BytesWritten: 12, HalfClosed: true}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	b.Close()
	if got, want := b.Stats(), (Stats{Reads: 1, BytesRead: 12, Closed: true, HalfClosed: true}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}
