package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall/js"
	"testing"
	"time"
)

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
	checkTurn(t, c)
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

// checkTurn checks that a context counts for who waits for another's write.
func checkTurn(t *testing.T, c *Conn) {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wg.Go(func() {
		if err := c.Write(ctx, MessageText, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
	})
	for len(c.sending) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := c.Write(within(t, 20*time.Millisecond), MessageText, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second: %v", err)
	}
}

// TestWriteClosed closes while others wait to write.
func TestWriteClosed(t *testing.T) {
	c := dialTest(t, "/raw")
	p := make([]byte, 1<<20)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			var err error
			for err == nil {
				err = c.Write(testContext(t), MessageBinary, p)
			}
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		})
	}
	for c.socket.buffered() <= maxBuffered {
		time.Sleep(10 * time.Millisecond)
	}
	c.CloseNow()
	wg.Wait()
}

// TestMemory sends and receives much more than JavaScript may keep of it.
func TestMemory(t *testing.T) {
	if !testsIn("node") {
		return // a browser does not tell what it keeps
	}
	const size, messages = 1 << 20, 200
	kept := func() int {
		return js.Global().Get("process").Call("memoryUsage").Get("external").Int()
	}
	before := kept()
	check := func(what string) {
		if n := kept() - before; n > messages*size/2 {
			t.Errorf("%s: %d MiB are kept, of %d", what, n>>20, messages*size>>20)
		}
	}
	p := bytes.Repeat([]byte("a"), size)
	for _, typ := range []MessageType{MessageBinary, MessageText} {
		c := dialTest(t, "/sink")
		for range messages {
			if err := c.Write(testContext(t), typ, p); err != nil {
				t.Fatal(err)
			}
		}
		check("sent " + typ.String())
	}
	c := dialTest(t, fmt.Sprintf("/flood?messages=%d&size=%d", messages, size))
	c.SetReadLimit(-1)
	for range messages {
		_, r, err := c.Reader(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); n != size || err != nil {
			t.Fatal(n, err)
		}
	}
	check("received")
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
