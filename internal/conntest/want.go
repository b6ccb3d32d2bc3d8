package conntest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	websocket "github.com/bhojpur/api"
)

// WantNoError expects no error.
func WantNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v", err)
	}
}

// WantError expects got to match want, by [errors.Is].
func WantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
}

// WantCause expects the error of a call that was under way when the peer, the network or
// a failure ended the connection: it does not match net.ErrClosed, and has this close
// status of the peer, or -1 if the peer sent none.
func WantCause(t *testing.T, got error, status websocket.StatusCode) {
	t.Helper()
	if got == nil {
		t.Fatal("got no error, want the cause of the end of the connection")
	}
	if errors.Is(got, net.ErrClosed) {
		t.Fatalf("got error %v, which is net.ErrClosed, want only the cause", got)
	}
	if code := websocket.CloseStatus(got); code != status {
		t.Fatalf("got close status %v in %v, want %v", code, got, status)
	}
}

// WantClosed expects the error of a call on a connection that had ended before, or that
// this side closed: it matches net.ErrClosed, and has this close status of the peer, or
// -1 if the peer sent none.
func WantClosed(t *testing.T, got error, status websocket.StatusCode) {
	t.Helper()
	WantError(t, got, net.ErrClosed)
	if code := websocket.CloseStatus(got); code != status {
		t.Fatalf("got close status %v in %v, want %v", code, got, status)
	}
}

// EveryCall calls each method that returns an error on a connection that has ended, and
// returns the errors by name.
func EveryCall(t *testing.T, c *websocket.Conn) map[string]error {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	errs := map[string]error{}
	for name, ctx := range map[string]context.Context{"": t.Context(), " with an ended context": ended} {
		_, _, errs["Read"+name] = c.Read(ctx)
		_, _, errs["AppendRead"+name] = c.AppendRead(ctx, nil)
		_, _, errs["Reader"+name] = c.Reader(ctx)
		errs["Write"+name] = c.Write(ctx, websocket.MessageText, []byte("x"))
		errs["large Write"+name] = c.Write(ctx, websocket.MessageText, []byte(Filler(5000)))
		_, errs["Writer"+name] = c.Writer(ctx, websocket.MessageText)
		errs["Ping"+name] = c.Ping(ctx)
	}
	return errs
}

// WantEnded expects every call to fail because the connection has ended, with the peer's
// close status, or -1 if the peer sent none. Closing the connection again is no error.
func WantEnded(t *testing.T, c *websocket.Conn, status websocket.StatusCode) {
	t.Helper()
	for range 2 {
		for name, err := range EveryCall(t, c) {
			if !errors.Is(err, net.ErrClosed) || websocket.CloseStatus(err) != status {
				t.Errorf("%s: got error %v, want net.ErrClosed with status %v", name, err, status)
			}
		}
		if err := c.Close(websocket.StatusGoingAway, ""); err != nil {
			t.Errorf("got %v from a second Close", err)
		}
		if err := c.CloseNow(); err != nil {
			t.Errorf("got %v from CloseNow after it", err)
		}
	}
}

// WantInterrupted expects the error of a call that ended with its context and left the
// connection open.
func WantInterrupted(t *testing.T, got, want error) {
	t.Helper()
	WantError(t, got, want)
	if errors.Is(got, net.ErrClosed) {
		t.Fatalf("got %v, want the connection to stay open", got)
	}
}

// ReadErr calls Read and returns its error.
func ReadErr(ctx context.Context, c *websocket.Conn) error {
	_, _, err := c.Read(ctx)
	return err
}

// WantMessage reads a message with Read, and expects this one.
func WantMessage(t *testing.T, c *websocket.Conn, typ websocket.MessageType, want string) {
	t.Helper()
	gotType, got, err := c.Read(t.Context())
	if err != nil {
		t.Fatalf("got error %v, want a message", err)
	}
	if gotType != typ || string(got) != want {
		t.Fatalf("got %v %.80q of %d bytes, want %v %.80q of %d", gotType, got, len(got), typ, want, len(want))
	}
}

// WantText is WantMessage for text.
func WantText(t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	WantMessage(t, c, websocket.MessageText, want)
}

// WantReader begins to read a message, and returns its reader.
func WantReader(t *testing.T, c *websocket.Conn) io.Reader {
	t.Helper()
	_, r, err := c.Reader(t.Context())
	if err != nil {
		t.Fatalf("got error %v, want a message", err)
	}
	return r
}

// WantRead expects the next bytes of r to be these.
func WantRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); string(got) != want {
		t.Fatalf("read %.80q, %v, want %.80q", got[:n], err, want)
	}
}

// WantRest expects r to end after these bytes.
func WantRest(t *testing.T, r io.Reader, want string) {
	t.Helper()
	if got, err := io.ReadAll(r); string(got) != want || err != nil {
		t.Fatalf("read %.80q, %v, want %.80q", got, err, want)
	}
}

// WantBetween expects Reader and Read to fail because another message is being read,
// without ending the connection.
func WantBetween(t *testing.T, c *websocket.Conn) {
	t.Helper()
	if _, _, err := c.Reader(t.Context()); err == nil || errors.Is(err, net.ErrClosed) {
		t.Fatalf("Reader: got error %v, want that another message is not read", err)
	}
	if _, _, err := c.Read(t.Context()); err == nil || errors.Is(err, net.ErrClosed) {
		t.Fatalf("Read: got error %v, want that another message is not read", err)
	}
}

// Filler returns n bytes of text that hardly compresses. The race detector would make it
// ten times slower.
//
//go:norace
func Filler(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, n)
	x := uint32(n) + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = letters[x%uint32(len(letters))]
	}
	return string(b)
}

// MustWriteText writes a message. The stream must have space for it.
func MustWriteText(t *testing.T, c *websocket.Conn, s string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(s)); err != nil {
		t.Fatalf("got error %v, want the message written", err)
	}
}

// MustWriter begins a text message.
func MustWriter(t *testing.T, c *websocket.Conn, ctx context.Context) io.WriteCloser {
	t.Helper()
	w, err := c.Writer(ctx, websocket.MessageText)
	if err != nil {
		t.Fatalf("got error %v, want a writer", err)
	}
	return w
}

// MustAdd writes a part of a message.
func MustAdd(t *testing.T, w io.Writer, s string) {
	t.Helper()
	if n, err := io.WriteString(w, s); n != len(s) || err != nil {
		t.Fatalf("got %d, %v for %d bytes", n, err, len(s))
	}
}

// MustEnd ends a message.
func MustEnd(t *testing.T, w io.Closer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatalf("got error %v from Close of a writer", err)
	}
}

// WantTimeout expects the error of a call on a net.Conn after its deadline.
func WantTimeout(t *testing.T, err error) {
	t.Helper()
	WantError(t, err, os.ErrDeadlineExceeded)
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		t.Fatalf("%v is not a timeout", err)
	}
	if errors.Is(err, net.ErrClosed) {
		t.Fatalf("the connection has failed: %v", err)
	}
}
