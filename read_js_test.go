package websocket

import (
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
	for i := range defaultMaxUnread/size - 1 {
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
