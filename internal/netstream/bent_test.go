package netstream

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/bent"
	"github.com/bhojpur/api/internal/rawpeer"
)

// bentTypes are connections whose deadlines do not follow the rules of package net,
// with the outcome for a call whose context ends, and the time that it takes.
var bentTypes = []struct {
	name   string
	bend   func(net.Conn) net.Conn
	reads  Outcome
	writes Outcome
	after  time.Duration
}{
	{"right and known", func(c net.Conn) net.Conn { return c }, Resumable, Resumable, 0},
	{"right", func(c net.Conn) net.Conn { return bent.Opaque{Conn: c} }, Resumable, CutOff, 0},
	{"deadlines that do nothing", func(c net.Conn) net.Conn { return bent.IgnoresDeadlines{Conn: c} }, Closed, Closed, 2 * interruptPatience},
	{"deadlines that are refused", func(c net.Conn) net.Conn { return bent.RefusesDeadlines{Conn: c} }, Closed, Closed, 0},
	{"setters that wait", func(c net.Conn) net.Conn { return bent.NewWaitingSetters(c) }, Closed, Closed, 2 * interruptPatience},
	{"timeouts of its own", func(c net.Conn) net.Conn { return bent.OwnTimeouts{Conn: c} }, Resumable, CutOff, 0},
	{"deadline overwritten", func(c net.Conn) net.Conn {
		// The context ends before the type sets its own deadline.
		return bent.IdleTimeout{Conn: c, Timeout: time.Hour, Enter: func() { time.Sleep(300 * time.Millisecond) }}
	}, Resumable, CutOff, interruptPatience},
}

const untilEnd = 200 * time.Millisecond

func wantOutcome(t *testing.T, got result, want Outcome, after time.Duration) {
	t.Helper()
	closed, isClosed := errors.AsType[*ClosedError](got.err)
	switch want {
	case Resumable:
		if got.err != ErrInterrupted {
			t.Errorf("got %v, want ErrInterrupted", got.err)
		}
	case CutOff:
		if got.err != ErrCutOff {
			t.Errorf("got %v, want ErrCutOff", got.err)
		}
	case Closed:
		if !isClosed || closed.Cause != context.DeadlineExceeded {
			t.Errorf("got %v, want a ClosedError with the context's error", got.err)
		}
	}
	if got.after != untilEnd+after {
		t.Errorf("returned after %v, want %v", got.after, untilEnd+after)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	for _, test := range bentTypes {
		for _, calls := range []string{"first call", "registered before"} {
			bubble(t, test.name+"/"+calls, func(t *testing.T) {
				c, peer := pipe(t)
				s := newSide(t, test.bend(c))
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if calls != "first call" {
					for range 3 {
						peer.Write([]byte("hello"))
						s.wantRead(t, ctx, "hello")
					}
				}
				limited, stop := context.WithTimeout(ctx, untilEnd)
				defer stop()
				got := <-startRead(s, limited)
				wantOutcome(t, got, test.reads, test.after)
				_, err := peer.Write([]byte("again"))
				switch test.reads {
				case Closed:
					if err == nil {
						t.Error("the stream is open")
					}
				case Resumable:
					s.wantRead(t, t.Context(), "again")
				}
			})
		}
	}
}

func TestWriteEndsWithItsContext(t *testing.T) {
	for _, test := range bentTypes {
		bubble(t, test.name, func(t *testing.T) {
			c, peer := pipe(t)
			s := newSide(t, test.bend(c))
			ctx, cancel := context.WithTimeout(t.Context(), untilEnd)
			defer cancel()
			got := <-startWrite(s, ctx)
			wantOutcome(t, got, test.writes, test.after)
			if test.writes != Resumable {
				return
			}
			if got.n != rawpeer.DefaultCapacity {
				t.Errorf("%d bytes were written, want %d", got.n, rawpeer.DefaultCapacity)
			}
			rest := start(func() (int, error) { return s.write(t.Context(), []byte("the rest")) })
			p := make([]byte, got.n+len("the rest"))
			if _, err := io.ReadFull(peer, p); err != nil {
				t.Fatal(err)
			}
			if r := <-rest; r.err != nil || string(p[got.n:]) != "the rest" {
				t.Errorf("wrote %q with %v", p[got.n:], r.err)
			}
		})
	}
}

// After an interrupted write, reads still work.
func TestReadAfterWriteCutOff(t *testing.T) {
	bubble(t, "bubble", func(t *testing.T) {
		c, peer := pipe(t)
		s := newSide(t, bent.Opaque{Conn: c})
		ctx, cancel := context.WithTimeout(t.Context(), untilEnd)
		defer cancel()
		if got := <-startWrite(s, ctx); got.err != ErrCutOff {
			t.Fatalf("got %v, want ErrCutOff", got.err)
		}
		peer.Write([]byte("hello"))
		s.wantRead(t, t.Context(), "hello")
	})
}

// The count of an interrupted write is ignored: a program's type cannot continue by
// returning that nothing was written.
func TestCutOffWithAnyCount(t *testing.T) {
	bubble(t, "bubble", func(t *testing.T) {
		c, _ := pipe(t)
		c.Write(make([]byte, rawpeer.DefaultCapacity))
		s := newSide(t, bent.Opaque{Conn: c})
		ctx, cancel := context.WithTimeout(t.Context(), untilEnd)
		defer cancel()
		if got := <-startWrite(s, ctx); got.n != 0 || got.err != ErrCutOff {
			t.Errorf("got %d and %v, want 0 and ErrCutOff", got.n, got.err)
		}
	})
}

// deadlines records whether deadlines are set.
type deadlines struct {
	net.Conn
	reads, writes atomic.Bool
	set           atomic.Int32
}

func (d *deadlines) SetDeadline(t time.Time) error {
	d.reads.Store(!t.IsZero())
	d.writes.Store(!t.IsZero())
	return d.Conn.SetDeadline(t)
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set.Add(1)
	d.reads.Store(!t.IsZero())
	return d.Conn.SetReadDeadline(t)
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set.Add(1)
	d.writes.Store(!t.IsZero())
	return d.Conn.SetWriteDeadline(t)
}

// A registered context that ends between calls does not change the stream. Over TLS, a
// write deadline would break the reply to a key update, which Read writes.
func TestNothingIsSetBetweenCalls(t *testing.T) {
	bubble(t, "bubble", func(t *testing.T) {
		c, peer := pipe(t)
		d := &deadlines{Conn: c}
		s := newSide(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			peer.Write([]byte("hello"))
			s.wantRead(t, ctx, "hello")
			if _, err := s.write(ctx, []byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		synctest.Wait()
		if d.set.Load() != 0 {
			t.Fatal("a deadline was set with no call under way")
		}
		if _, err := s.write(ctx, []byte("hello")); err != ErrInterrupted {
			t.Errorf("got %v for a context that has ended, want ErrInterrupted", err)
		}
		if _, err := s.read(ctx, make([]byte, 1)); err != ErrInterrupted {
			t.Errorf("got %v for a context that has ended, want ErrInterrupted", err)
		}
		if _, err := s.write(t.Context(), []byte("hello")); err != nil {
			t.Error(err)
		}
		if d.set.Load() != 0 {
			t.Error("a deadline was set with no call blocked")
		}
	})
}

// New removes earlier deadlines, and an interrupted call removes its own.
func TestDeadlinesAreRemoved(t *testing.T) {
	bubble(t, "bubble", func(t *testing.T) {
		c, _ := pipe(t)
		d := &deadlines{Conn: c}
		d.SetDeadline(time.Now().Add(time.Hour))
		s := newSide(t, d)
		if d.reads.Load() || d.writes.Load() {
			t.Error("New leaves deadlines")
		}
		ctx, cancel := context.WithTimeout(t.Context(), untilEnd)
		defer cancel()
		if got := <-startRead(s, ctx); got.err != ErrInterrupted {
			t.Fatalf("got %v", got.err)
		}
		if d.reads.Load() {
			t.Error("an interrupted read leaves a deadline")
		}
		time.Sleep(2 * interruptPatience)
		if d.set.Load() != 2 {
			t.Errorf("%d deadlines were set, want one set and removed", d.set.Load())
		}
	})
}

// A timeout without a deadline of the Stream is an ordinary error.
func TestTimeoutOfAnother(t *testing.T) {
	bubble(t, "idle timeout", func(t *testing.T) {
		c, _ := pipe(t)
		s := newSide(t, bent.IdleTimeout{Conn: c, Timeout: time.Second})
		got := <-startRead(s, t.Context())
		timeout, ok := errors.AsType[net.Error](got.err)
		if !ok || !timeout.Timeout() || got.after != time.Second {
			t.Errorf("got %v after %v, want the timeout after 1s", got.err, got.after)
		}
	})
	bubble(t, "lost peer while the context ends", func(t *testing.T) {
		c, _ := pipe(t)
		lost := &bent.LostPeer{Conn: c}
		s := newSide(t, lost)
		ctx, cancel := context.WithTimeout(t.Context(), untilEnd)
		defer cancel()
		reading := startRead(s, ctx)
		time.Sleep(untilEnd / 2)
		lost.Lose()
		if got := <-reading; !errors.Is(got.err, syscall.ETIMEDOUT) {
			t.Errorf("got %v, want ETIMEDOUT", got.err)
		}
		// An interrupt does not change that.
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		s.locks.reading.Store(true)
		if !s.rd.Begin(ctx) {
			t.Fatal("the context has ended")
		}
		cancel()
		synctest.Wait()
		_, err := s.didRead(ctx, make([]byte, 1), 0, &net.OpError{Op: "read", Err: syscall.ETIMEDOUT})
		if !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("got %v of an interrupted call, want ETIMEDOUT", err)
		}
	})
}

func TestEmptyReads(t *testing.T) {
	bubble(t, "as many as are borne", func(t *testing.T) {
		c, peer := pipe(t)
		s := newSide(t, &bent.EmptyReads{Conn: c, Times: maxEmptyReads})
		for range 3 {
			peer.Write([]byte("hello"))
			s.wantRead(t, t.Context(), "hello")
		}
	})
	bubble(t, "one more", func(t *testing.T) {
		c, peer := pipe(t)
		s := newSide(t, &bent.EmptyReads{Conn: c, Times: maxEmptyReads + 1})
		peer.Write([]byte("hello"))
		if _, err := s.read(t.Context(), make([]byte, 5)); err != io.ErrNoProgress {
			t.Errorf("got %v, want io.ErrNoProgress", err)
		}
	})
}

func TestShortWrite(t *testing.T) {
	bubble(t, "bubble", func(t *testing.T) {
		c, _ := pipe(t)
		s := newSide(t, bent.ShortWrites{Conn: c, Max: 3})
		if n, err := s.write(t.Context(), []byte("abc")); n != 3 || err != nil {
			t.Errorf("wrote %d with %v, want 3", n, err)
		}
		if n, err := s.write(t.Context(), []byte("hello")); n != 3 || err != io.ErrShortWrite {
			t.Errorf("got %d and %v, want 3 and io.ErrShortWrite", n, err)
		}
	})
}

// invalidCounts returns counts that violate the rules of io.Reader and io.Writer.
type invalidCounts struct {
	net.Conn
	n int
}

func (c invalidCounts) Read([]byte) (int, error)  { return c.n, nil }
func (c invalidCounts) Write([]byte) (int, error) { return c.n, nil }

func TestInvalidCounts(t *testing.T) {
	for name, n := range map[string]int{"negative": -1, "too large": 6} {
		bubble(t, name, func(t *testing.T) {
			c, _ := pipe(t)
			s := newSide(t, invalidCounts{c, n})
			if n, err := s.read(t.Context(), make([]byte, 5)); n != 0 || err != errInvalidCount {
				t.Errorf("read %d with %v, want an error", n, err)
			}
			if n, err := s.write(t.Context(), make([]byte, 5)); n != 0 || err != errInvalidCount {
				t.Errorf("wrote %d with %v, want an error", n, err)
			}
		})
	}
}
