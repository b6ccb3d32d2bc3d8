package behaviour

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

var writeTests = []Test{
	{"write/writer", testWriter},
	{"write/Flush", testFlush},
	{"write/with liveness options", testLiveness},
	{"write/writer of an empty message", testWriterEmpty},
	{"write/writer after its Close", testWriterStale},
	{"write/context ended before", testWriteContextEnded},
	{"write/context ends in a writer", testWriterContext},
	{"write/not UTF-8", testWriteNotUTF8},
	{"write/not UTF-8 in a writer", testWriterNotUTF8},
	{"write/message type", testWriteType},
	{"write/does not retain the slice", testWriteKeeps},
	{"write/concurrently", testWriteConcurrently},
	{"write/waits for the peer", testWriteWaits},
	{"write/context ends a wait", testWriteContext},
	{"write/closed meanwhile", testWriteClosed},
	{"write/prepared", testPrepared},
	{"write/prepared and not UTF-8", testPreparedNotUTF8},
	{"write/prepared and a context that ended", testPreparedContextEnded},
	{"write/prepared and closed", testPreparedClosed},
	{"write/uncompressed", testUncompressed},
	{"write/uncompressed and refused", testUncompressedRefused},
	{"write/Ping", testPing},
	{"write/Pong", testUnsolicitedPong},
	{"write/Ping of the peer", testPong},
}

func testWriter(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	c.SetReadLimit(-1)
	text := strings.Repeat("日本", 20_000)
	for _, part := range []int{1000, 16_384, 16_385, 1 << 20} {
		w := conntest.MustWriter(t, c, Bounded(t))
		for p := range slices.Chunk([]byte(text), part) {
			conntest.MustAdd(t, w, string(p))
		}
		conntest.MustEnd(t, w)
		conntest.WantText(t, c, text)
	}
}

func testWriterEmpty(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	w, err := c.Writer(Bounded(t), websocket.MessageBinary)
	if err != nil {
		t.Fatal(err)
	}
	conntest.MustEnd(t, w)
	conntest.WantMessage(t, c, websocket.MessageBinary, "")
}

func testWriterStale(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	w := conntest.MustWriter(t, c, Bounded(t))
	conntest.MustAdd(t, w, "message")
	conntest.MustEnd(t, w)
	n, err := io.WriteString(w, "more")
	if n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %d, %v from Write after Close", n, err)
	}
	if err := w.Close(); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from a second Close", err)
	}
	conntest.WantText(t, c, "message")
	WantOpen(t, c)
}

func testWriteContextEnded(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	conntest.WantInterrupted(t, c.Write(Ended(t), websocket.MessageText, []byte("not sent")), context.Canceled)
	_, err := c.Writer(Ended(t), websocket.MessageText)
	conntest.WantInterrupted(t, err, context.Canceled)
	WantOpen(t, c)
}

// A context that ends before a part of the message was sent leaves the connection open.
func testWriterContext(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	ctx, cancel := context.WithCancel(t.Context())
	w := conntest.MustWriter(t, c, ctx)
	conntest.MustAdd(t, w, "not sent")
	cancel()
	n, err := io.WriteString(w, ".")
	if n != 0 {
		t.Errorf("wrote %d bytes", n)
	}
	conntest.WantInterrupted(t, err, context.Canceled)
	if err := w.Close(); err == nil {
		t.Error("got no error from Close of a writer that failed")
	}
	WantOpen(t, c)
}

// badTexts are invalid UTF-8; the last one is incomplete.
var badTexts = []string{"\xff", "abc\xe0\x80", "\xed\xa0\x80", "cut \xe6\x97"}

func testWriteNotUTF8(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, bad := range badTexts {
		err := c.Write(Bounded(t), websocket.MessageText, []byte(bad))
		if err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v of text %q", err, bad)
		}
		WantEcho(t, c, websocket.MessageBinary, bad)
	}
}

func testWriterNotUTF8(t *testing.T, h *Host) {
	for _, bad := range badTexts {
		key := h.NewKey()
		c := h.Dial(t, "/echo?id="+key)
		w := conntest.MustWriter(t, c, Bounded(t))
		_, err := io.WriteString(w, bad)
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			t.Errorf("got no error of text %q", bad)
		}
		h.WantSeen(t, key, h.Seen(websocket.StatusInternalError, ""))
		for name, err := range conntest.EveryCall(t, c) {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		conntest.WantError(t, w.Close(), net.ErrClosed)
	}
}

func testWriteType(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, typ := range []websocket.MessageType{0, 3, -1} {
		_, writer := c.Writer(Bounded(t), typ)
		for _, err := range []error{c.Write(Bounded(t), typ, nil), writer} {
			if err == nil || errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v of type %d", err, typ)
			}
		}
	}
	WantOpen(t, c)
}

// After Write has returned, the caller may change the slice.
func testWriteKeeps(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	c.SetReadLimit(-1)
	const size, messages = 100_000, 20
	p := make([]byte, size)
	for i := range messages {
		for j := range p {
			p[j] = byte(i)
		}
		if err := c.Write(Bounded(t), websocket.MessageBinary, p); err != nil {
			t.Fatal(err)
		}
	}
	for i := range messages {
		conntest.WantMessage(t, c, websocket.MessageBinary, strings.Repeat(string(rune(i)), size))
	}
}

func testWriteConcurrently(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	ctx := Bounded(t)
	const writers, each = 10, 50
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			message := []byte(strings.Repeat(string('a'+rune(i)), 1000*i))
			for range each {
				if err := c.Write(ctx, websocket.MessageText, message); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var counts [writers]int
	for range writers * each {
		_, p, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		i := len(p) / 1000
		counts[i]++
		if want := strings.Repeat(string('a'+rune(i)), 1000*i); string(p) != want {
			t.Fatalf("got %.80q, which is two messages' bytes", p)
		}
	}
	wg.Wait()
	for i, n := range counts {
		if n != each {
			t.Errorf("got %d messages of writer %d, want %d", n, i, each)
		}
	}
}

// The network buffers at least Some bytes on loopback, and less than much.
const (
	Some = 16 << 20
	much = 64 << 20
)

// Writes to a peer that does not read block until it does.
func testWriteWaits(t *testing.T, h *Host) {
	t.Parallel()
	key := h.NewKey()
	c := h.Dial(t, "/deaf?hear="+key)
	c.SetReadLimit(-1)
	p := []byte(AnyBytes(1 << 20))
	writing := rawpeer.GoErr(t, func() error {
		for range Some / len(p) {
			if err := c.Write(t.Context(), websocket.MessageBinary, p); err != nil {
				return err
			}
		}
		return nil
	})
	h.Signal(t, key)
	for range Some / len(p) {
		conntest.WantMessage(t, c, websocket.MessageBinary, string(p))
	}
	writing.Want()
}

// A context bounds a write to a peer that does not read.
func testWriteContext(t *testing.T, h *Host) {
	t.Parallel()
	c := h.Dial(t, "/raw")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	p := make([]byte, 1<<20)
	for range much / len(p) {
		if err := c.Write(ctx, websocket.MessageBinary, p); err != nil {
			conntest.WantError(t, err, context.DeadlineExceeded)
			return
		}
	}
	t.Error("all was written, and nothing read")
}

// The end of the connection unblocks writes.
func testWriteClosed(t *testing.T, h *Host) {
	c := h.Dial(t, "/raw")
	p := make([]byte, 1<<20)
	var begun, done sync.WaitGroup
	begun.Add(3)
	for range 3 {
		done.Go(func() {
			begun.Done()
			var err error
			for err == nil {
				err = c.Write(t.Context(), websocket.MessageBinary, p)
			}
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		})
	}
	begun.Wait()
	if err := c.CloseNow(); err != nil {
		t.Error(err)
	}
	done.Wait()
	conntest.WantEnded(t, c, -1)
}

func testUncompressed(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/echo", &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
	c.SetReadLimit(-1)
	for _, text := range []string{"", "日本", strings.Repeat("日本", 20_000)} {
		if err := c.WriteUncompressed(Bounded(t), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		conntest.WantText(t, c, text)
		w, err := c.WriterUncompressed(Bounded(t), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		conntest.MustAdd(t, w, text)
		conntest.MustEnd(t, w)
		conntest.WantText(t, c, text)
	}
}

func testUncompressedRefused(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, test := range []struct {
		typ websocket.MessageType
		p   string
	}{{websocket.MessageText, "\xff"}, {0, ""}, {3, ""}} {
		if err := c.WriteUncompressed(Bounded(t), test.typ, []byte(test.p)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v for %q of type %d", err, test.p, test.typ)
		}
	}
	if w, err := c.WriterUncompressed(Bounded(t), 3); w != nil || err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, %v for a Writer of type 3", w, err)
	}
	conntest.WantInterrupted(t, c.WriteUncompressed(Ended(t), websocket.MessageText, nil), context.Canceled)
	_, err := c.WriterUncompressed(Ended(t), websocket.MessageText)
	conntest.WantInterrupted(t, err, context.Canceled)
	WantOpen(t, c)
}

func testUnsolicitedPong(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, size := range []int{0, 125} {
		if err := c.Pong(Bounded(t), make([]byte, size)); err != nil {
			t.Errorf("got %v for a payload of %d bytes", err, size)
		}
	}
	if err := c.Pong(Bounded(t), make([]byte, 126)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v for a payload of 126 bytes", err)
	}
	conntest.WantInterrupted(t, c.Pong(Ended(t), nil), context.Canceled)
	WantOpen(t, c)
	c.CloseNow()
	if err := c.Pong(Bounded(t), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v after CloseNow", err)
	}
}

func testPing(t *testing.T, h *Host) {
	c := h.Dial(t, "/sink")
	c.CloseRead(t.Context())
	for range 3 {
		if err := c.Ping(Bounded(t)); err != nil {
			t.Fatal(err)
		}
	}
	conntest.WantInterrupted(t, c.Ping(Ended(t)), context.Canceled)
}

// The server sends a message after it has received the pong.
func testPong(t *testing.T, h *Host) {
	conntest.WantText(t, h.Dial(t, "/ping"), "answered")
}

func testPrepared(t *testing.T, h *Host) {
	for _, test := range []struct {
		typ websocket.MessageType
		s   string
	}{
		{websocket.MessageText, ""},
		{websocket.MessageText, "日本"},
		{websocket.MessageBinary, AnyBytes(300)},
		{websocket.MessageBinary, AnyBytes(100_000)},
	} {
		p := []byte(test.s)
		m, err := websocket.NewPreparedMessage(test.typ, p)
		if err != nil {
			t.Fatal(err)
		}
		clear(p) // the message does not retain it
		for range 2 {
			c := h.Dial(t, "/echo")
			c.SetReadLimit(-1)
			for range 2 {
				if err := c.WritePrepared(Bounded(t), m); err != nil {
					t.Fatal(err)
				}
				conntest.WantMessage(t, c, test.typ, test.s)
			}
			WantOpen(t, c)
		}
	}
}

func testPreparedNotUTF8(t *testing.T, h *Host) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, 0, 3} {
		m, err := websocket.NewPreparedMessage(typ, []byte("\xff"))
		if m != nil || err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, %v for a message of type %d that is not UTF-8", m, err, typ)
		}
	}
	c := h.Dial(t, "/echo")
	err := c.WritePrepared(Bounded(t), new(websocket.PreparedMessage))
	if err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v for a message that was not prepared", err)
	}
	WantOpen(t, c)
}

func testPreparedContextEnded(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte("not sent"))
	if err != nil {
		t.Fatal(err)
	}
	conntest.WantInterrupted(t, c.WritePrepared(Ended(t), m), context.Canceled)
	WantOpen(t, c)
}

func testPreparedClosed(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte("not sent"))
	if err != nil {
		t.Fatal(err)
	}
	c.CloseNow()
	conntest.WantClosed(t, c.WritePrepared(Bounded(t), m), -1)
}
