package websocket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// checkEcho writes a message and reads the same.
func checkEcho(t *testing.T, c *Conn, typ MessageType, p string) {
	t.Helper()
	ctx := testContext(t)
	if err := c.Write(ctx, typ, []byte(p)); err != nil {
		t.Fatal(err)
	}
	checkRead(t, c, typ, p)
}

func checkRead(t *testing.T, c *Conn, typ MessageType, p string) {
	t.Helper()
	gotType, got, err := c.Read(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if gotType != typ || string(got) != p {
		t.Fatalf("got %v %.50q (%d bytes), want %v %.50q (%d bytes)", gotType, got, len(got), typ, p, len(p))
	}
}

func randomBytes(n int) string {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return string(p)
}

func TestEcho(t *testing.T) {
	for _, path := range []string{"/echo", "/echo?compress=1"} {
		t.Run(path, func(t *testing.T) { testEcho(t, path) })
	}
}

func testEcho(t *testing.T, path string) {
	c := dialTest(t, path)
	c.SetReadLimit(-1)
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 70000, 3 << 20} {
		checkEcho(t, c, MessageBinary, randomBytes(n))
		checkEcho(t, c, MessageText, strings.Repeat("a", n))
	}
	asBinary := dialTest(t, "/echo?as=binary")
	for _, s := range []string{
		"\x00", "é", "\u2028", "\U0001F600", "日本語", "\uFEFF", "\uFEFF\uFEFFmark", "mark\uFEFF", "\uFFFD", "\uFFFF\U0010FFFF",
	} {
		if err := asBinary.Write(testContext(t), MessageText, []byte(s)); err != nil {
			t.Fatal(err)
		}
		checkRead(t, asBinary, MessageBinary, s)
		if testsIn("node") {
			s = strings.TrimLeft(s, "\uFEFF") // Node drops it
		}
		if err := c.Write(testContext(t), MessageBinary, []byte(s)); err != nil {
			t.Fatal(err)
		}
		checkRead(t, c, MessageBinary, s)
		checkEcho(t, c, MessageText, s)
	}
}

func TestReader(t *testing.T) {
	c := dialTest(t, "/echo")
	ctx := testContext(t)
	for _, s := range []string{"first", "", "third"} {
		if err := c.Write(ctx, MessageText, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	typ, r, err := c.Reader(ctx)
	if err != nil || typ != MessageText {
		t.Fatal(typ, err)
	}
	p := make([]byte, 3)
	if n, err := r.Read(p); n != 3 || err != nil || string(p) != "fir" {
		t.Fatalf("%d bytes, %v: %q", n, err, p)
	}
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("empty read: %d bytes, %v", n, err)
	}
	// A message has to be read to its end before the next one.
	if _, _, err := c.Reader(ctx); !errors.Is(err, errBetweenMessages) {
		t.Errorf("Reader inside a message: %v", err)
	}
	if _, _, err := c.Read(ctx); !errors.Is(err, errBetweenMessages) {
		t.Errorf("Read inside a message: %v", err)
	}
	if n, err := r.Read(p); n != 2 || err != nil || string(p[:2]) != "st" {
		t.Errorf("%d bytes, %v: %q", n, err, p[:n])
	}
	for range 2 {
		if n, err := r.Read(p); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d bytes, %v", n, err)
		}
	}
	_, empty, err := c.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(p); n != 0 || !errors.Is(err, errStaleReader) {
		t.Errorf("after the next Reader: %d bytes, %v", n, err)
	}
	checkRead(t, c, MessageText, "third")
	if n, err := empty.Read(p); n != 0 || !errors.Is(err, errStaleReader) {
		t.Errorf("after the next Read: %d bytes, %v", n, err)
	}
}

func TestReadContext(t *testing.T) {
	c := dialTest(t, "/echo")
	if _, _, err := c.Read(within(t, 50*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Write(testContext(t), MessageText, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // until it is there, most likely
	if _, _, err := c.Reader(ended); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	checkRead(t, c, MessageText, "kept")
	checkEcho(t, c, MessageText, "usable")
}

func TestReadLimit(t *testing.T) {
	for name, read := range map[string]func(*Conn) error{
		"Read":   func(c *Conn) error { _, _, err := c.Read(testContext(t)); return err },
		"Reader": func(c *Conn) error { _, _, err := c.Reader(testContext(t)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			id := newID(t)
			c := dialTest(t, "/echo?id="+id)
			ctx := testContext(t)
			checkEcho(t, c, MessageBinary, randomBytes(defaultReadLimit))
			c.SetReadLimit(10)
			checkEcho(t, c, MessageText, "aaaaaaaaaa")
			checkEcho(t, c, MessageText, "ééééé")
			if err := c.Write(ctx, MessageText, []byte("éééééé")); err != nil {
				t.Fatal(err)
			}
			if err := read(c); !errors.Is(err, ErrMessageTooBig) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
			// It stays the reason, also when the peer has answered.
			if got, want := endOf(t, id), "4009 message too big"; got != want {
				t.Errorf("the server saw %q, want %q", got, want)
			}
			for name, err := range everyCall(c) {
				if !errors.Is(err, ErrMessageTooBig) || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := c.Close(StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReadLimitRaised raises the limit when the message has arrived.
func TestReadLimitRaised(t *testing.T) {
	c := dialTest(t, "/flood?messages=2&size=100000")
	time.Sleep(200 * time.Millisecond) // until they are there, most likely
	c.SetReadLimit(100000)
	for i := range 2 {
		p := make([]byte, 100000)
		p[0] = byte(i)
		checkRead(t, c, MessageBinary, string(p))
	}
}

func TestSlowReader(t *testing.T) {
	const size, messages = 1 << 20, 40
	c := dialTest(t, "/flood?messages=40&size=1048576")
	c.SetReadLimit(-1)
	for c.engine.life.phase() == phaseOpen {
		time.Sleep(10 * time.Millisecond)
	}
	if err := c.Write(testContext(t), MessageText, nil); !errors.Is(err, ErrMessageTooBig) {
		t.Errorf("Write: %v", err)
	}
	// What fits can be read.
	for i := range maxInbox/size - 1 {
		_, p, err := c.Read(testContext(t))
		if err != nil || len(p) != size || p[0] != byte(i) {
			t.Fatalf("message %d: %d bytes, %v", i, len(p), err)
		}
	}
	if _, _, err := c.Read(testContext(t)); !errors.Is(err, ErrMessageTooBig) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestManySmallMessages(t *testing.T) {
	c := dialTest(t, "/flood?messages=5000&size=10")
	for i := range 5000 {
		p := make([]byte, 10)
		p[0] = byte(i)
		checkRead(t, c, MessageBinary, string(p))
	}
}

func TestWriter(t *testing.T) {
	c := dialTest(t, "/echo")
	ctx := testContext(t)
	c.SetReadLimit(-1)
	text := strings.Repeat("日本", 20000)
	for _, part := range []int{1, 7, 16384, 1 << 20} {
		w, err := c.Writer(ctx, MessageText)
		if err != nil {
			t.Fatal(err)
		}
		for p := range slices.Chunk([]byte(text), part) {
			if n, err := w.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := w.Write([]byte("x")); n != 0 || !errors.Is(err, errStaleWriter) {
			t.Errorf("Write after Close: %d, %v", n, err)
		}
		if err := w.Close(); !errors.Is(err, errStaleWriter) {
			t.Errorf("second Close: %v", err)
		}
		checkRead(t, c, MessageText, text)
	}
	w, err := c.Writer(ctx, MessageBinary)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	checkRead(t, c, MessageBinary, "")
}

func TestWriterContext(t *testing.T) {
	c := dialTest(t, "/echo")
	ctx, cancel := context.WithCancel(t.Context())
	w, err := c.Writer(ctx, MessageText)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("never sent")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := w.Write([]byte(".")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Close(); !errors.Is(err, errStaleWriter) {
		t.Errorf("Close: %v", err)
	}
	if err := c.Write(ctx, MessageText, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Conn.Write: %v", err)
	}
	if _, err := c.Writer(ctx, MessageText); !errors.Is(err, context.Canceled) {
		t.Errorf("Conn.Writer: %v", err)
	}
	checkEcho(t, c, MessageText, "usable")
}

func TestWriteInvalidText(t *testing.T) {
	for _, bad := range []string{"\xff", "abc\xe0\x80", "\xed\xa0\x80", "cut \xe6\x97"} {
		id := newID(t)
		c := dialTest(t, "/echo?id="+id)
		ctx := testContext(t)
		if err := c.Write(ctx, MessageText, []byte(bad)); !errors.Is(err, errTextNotUTF8) {
			t.Errorf("Write %q: %v", bad, err)
		}
		checkEcho(t, c, MessageBinary, bad)

		w, err := c.Writer(ctx, MessageText)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, bad)
		if err == nil {
			err = w.Close()
		}
		if !errors.Is(err, errTextNotUTF8) {
			t.Errorf("Writer %q: %v", bad, err)
		}
		for name, err := range everyCall(c) {
			if !errors.Is(err, net.ErrClosed) || !errors.Is(err, errTextNotUTF8) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close of the writer: %v", err)
		}
		if got, want := endOf(t, id), "4011 "; got != want {
			t.Errorf("the server saw %q, want %q", got, want)
		}
	}
}

func TestMessageType(t *testing.T) {
	c := dialTest(t, "/echo")
	for _, typ := range []MessageType{0, 3, -1} {
		if err := c.Write(testContext(t), typ, nil); !errors.Is(err, errMessageType) {
			t.Errorf("Write: %v", err)
		}
		if _, err := c.Writer(testContext(t), typ); !errors.Is(err, errMessageType) {
			t.Errorf("Writer: %v", err)
		}
	}
	checkEcho(t, c, MessageText, "usable")
}

// TestWriteWaits writes to a server that does not read.
func TestWriteWaits(t *testing.T) {
	id := newID(t)
	c := dialTest(t, "/deaf?id="+id)
	c.SetReadLimit(-1)
	p := []byte(randomBytes(1 << 20))
	ctx := within(t, 2*time.Second)
	n := 0
	var err error
	for ; err == nil && n < 100; n++ {
		err = c.Write(ctx, MessageBinary, p)
	}
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		t.Fatalf("after %d writes: %v", n, err)
	}
	n--
	if got, most := c.socket.buffered(), maxBuffered+len(p)+16; got > most {
		t.Errorf("%d bytes in the browser, want at most %d", got, most)
	}
	// The connection is as it was. Who waits for its turn is served in order.
	hear, _, err := Dial(testContext(t), serverURL(t, "/hear?id="+id), nil)
	if err == nil {
		hear.CloseNow()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 3 {
			if err := c.Write(testContext(t), MessageText, []byte{'0' + byte(i)}); err != nil {
				t.Error(err)
			}
		}
	})
	for range n {
		_, got, err := c.Read(testContext(t))
		if err != nil || !bytes.Equal(got, p) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	for _, s := range []string{"0", "1", "2"} {
		checkRead(t, c, MessageText, s)
	}
	wg.Wait()
}

func TestConcurrentWrites(t *testing.T) {
	c := dialTest(t, "/echo")
	var wg sync.WaitGroup
	const writers, each = 10, 50
	for i := range writers {
		wg.Go(func() {
			for range each {
				if err := c.Write(testContext(t), MessageText, bytes.Repeat([]byte{'a' + byte(i)}, 1000*i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var counts [writers]int
	for range writers * each {
		_, p, err := c.Read(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		counts[len(p)/1000]++
		if bytes.Count(p, p[:min(1, len(p))]) != len(p) && len(p) > 0 {
			t.Fatal("messages are mixed up")
		}
	}
	wg.Wait()
	for i, n := range counts {
		if n != each {
			t.Errorf("%d messages of writer %d, want %d", n, i, each)
		}
	}
}

func TestConcurrentReads(t *testing.T) {
	c := dialTest(t, "/flood?messages=100&size=1")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []byte
	for range 5 {
		wg.Go(func() {
			for range 20 {
				_, p, err := c.Read(testContext(t))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got = append(got, p...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	for i, b := range got {
		if i != int(b) {
			t.Fatalf("message %d is missing or there twice", i)
		}
	}
}
