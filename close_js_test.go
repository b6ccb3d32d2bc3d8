package websocket

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// everyCall returns the errors of all calls but those that close.
func everyCall(c *Conn) iter.Seq2[string, error] {
	ctx := context.Background()
	return func(yield func(string, error) bool) {
		_, _, read := c.Read(ctx)
		_, _, reader := c.Reader(ctx)
		_, writer := c.Writer(ctx, MessageText)
		_ = yield("Read", read) &&
			yield("Reader", reader) &&
			yield("Writer", writer) &&
			yield("Write", c.Write(ctx, MessageText, nil)) &&
			yield("Ping", c.Ping(ctx))
	}
}

// checkEnded checks that each call fails as it should after the end, and with
// the peer's status code; -1 where it sent none.
func checkEnded(t *testing.T, c *Conn, code StatusCode) {
	t.Helper()
	for range 2 {
		for name, err := range everyCall(c) {
			if !errors.Is(err, net.ErrClosed) || CloseStatus(err) != code {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.Close(StatusNormalClosure, ""); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := c.CloseNow(); err != nil {
			t.Errorf("CloseNow: %v", err)
		}
	}
	checkReleased(t, c)
}

func TestClosedByPeer(t *testing.T) {
	for _, tt := range []struct {
		query  string
		code   StatusCode
		reason string
	}{
		{"code=1000", StatusNormalClosure, ""},
		{"code=1001&reason=away", StatusGoingAway, "away"},
		{"code=1011&reason=" + strings.Repeat("r", maxCloseReason), StatusInternalError, strings.Repeat("r", maxCloseReason)},
		{"code=1012&reason=gr%C3%BC%C3%9F", StatusServiceRestart, "grüß"},
		{"code=3000", 3000, ""},
		{"code=4999", 4999, ""},
		{"code=1005", StatusNoStatusRcvd, ""},
		{"code=1000&messages=3&reason=done", StatusNormalClosure, "done"},
	} {
		c := dialTest(t, "/close?"+tt.query)
		if strings.Contains(tt.query, "messages") {
			// What came before can be read. Who writes learns it at once.
			for c.life.phase() == phaseOpen {
				time.Sleep(10 * time.Millisecond)
			}
			if err := c.Write(testContext(t), MessageText, nil); CloseStatus(err) != tt.code {
				t.Errorf("Write: %v", err)
			}
			for i := range 3 {
				checkRead(t, c, MessageText, strings.Repeat(string('0'+rune(i)), 5000)+".")
			}
		}
		_, _, err := c.Read(testContext(t))
		ce, ok := errors.AsType[CloseError](err)
		if !ok || ce.Code != tt.code || ce.Reason != tt.reason {
			t.Errorf("%s: got %v", tt.query, err)
		}
		checkEnded(t, c, tt.code)
	}
}

func TestPeerGone(t *testing.T) {
	for _, path := range []string{"/drop", "/drop?after=message"} {
		c := dialTest(t, path)
		if strings.Contains(path, "message") {
			if err := c.Write(testContext(t), MessageText, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := c.Read(testContext(t)); !errors.Is(err, io.EOF) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", path, err)
		}
		checkEnded(t, c, -1)
	}
}

// TestGarbage reads frames that are against the rules, after one that is not.
func TestGarbage(t *testing.T) {
	for name, frame := range map[string]string{
		"reserved bit":    "c100",
		"reserved opcode": "8300",
		"not UTF-8":       "8101ff",
		"masked":          "818100000000" + "61",
	} {
		t.Run(name, func(t *testing.T) {
			c := dialTest(t, "/raw?hex="+"8102"+"6869"+frame)
			checkRead(t, c, MessageText, "hi")
			if _, _, err := c.Read(testContext(t)); !errors.Is(err, net.ErrClosed) || CloseStatus(err) != -1 {
				t.Errorf("got %v", err)
			}
			checkEnded(t, c, -1)
		})
	}
}

func TestClose(t *testing.T) {
	for _, tt := range []struct {
		code   StatusCode
		reason string
		want   string // what the server sees
	}{
		{StatusNormalClosure, "bye", "1000 bye"},
		{StatusNormalClosure, "", "1000 "},
		{StatusGoingAway, "a page may not say 1001", "4001 a page may not say 1001"},
		{StatusPolicyViolation, strings.Repeat("é", 61) + "!", "4008 " + strings.Repeat("é", 61) + "!"},
		{StatusInternalError, "", "4011 "},
		{StatusBadGateway, "", "4014 "},
		{3000, "", "3000 "},
		{4999, "", "4999 "},
		{StatusNoStatusRcvd, "", "1005 "},
	} {
		id := newID(t)
		c := dialTest(t, "/echo?id="+id)
		if err := c.Close(tt.code, tt.reason); err != nil {
			t.Errorf("Close(%d): %v", tt.code, err)
		}
		if got := endOf(t, id); got != tt.want {
			t.Errorf("Close(%d): the server saw %q, want %q", tt.code, got, tt.want)
		}
		// The server answers with the same code.
		checkEnded(t, c, CloseStatus(c.Ping(testContext(t))))
		if CloseStatus(c.Ping(testContext(t))) == -1 {
			t.Errorf("Close(%d): the server's answer is lost", tt.code)
		}
	}
}

func TestCloseInvalid(t *testing.T) {
	for _, tt := range []struct {
		code   StatusCode
		reason string
		want   error
	}{
		{0, "", errCloseCode},
		{999, "", errCloseCode},
		{1004, "", errCloseCode},
		{StatusAbnormalClosure, "", errCloseCode},
		{StatusTLSHandshake, "", errCloseCode},
		{2000, "", errCloseCode},
		{5000, "", errCloseCode},
		{StatusNoStatusRcvd, "reason", errCloseCode},
		{StatusNormalClosure, strings.Repeat("r", maxCloseReason+1), errCloseReason},
		{StatusNormalClosure, "\xff", errCloseReason},
	} {
		id := newID(t)
		c := dialTest(t, "/echo?id="+id)
		if err := c.Close(tt.code, tt.reason); !errors.Is(err, tt.want) {
			t.Errorf("Close(%d, %q): %v", tt.code, tt.reason, err)
		}
		if got, want := endOf(t, id), "4011 "; got != want {
			t.Errorf("Close(%d, %q): the server saw %q, want %q", tt.code, tt.reason, got, want)
		}
		checkEnded(t, c, 4011)
	}
}

func TestCloseConcurrently(t *testing.T) {
	c := dialTest(t, "/echo")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.Close(StatusNormalClosure, ""); err != nil {
				t.Errorf("Close: %v", err)
			}
			if c.life.phase() != phaseClosed {
				t.Error("Close returned before the connection was closed")
			}
		})
	}
	wg.Go(func() {
		if _, _, err := c.Read(testContext(t)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
	})
	wg.Wait()
	checkEnded(t, c, StatusNormalClosure)
}

// TestCloseUnanswered closes to a server that does not answer.
func TestCloseUnanswered(t *testing.T) {
	c := dialTest(t, "/raw")
	soon := dialTest(t, "/raw")
	if err := soon.closeSoon(StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	start := time.Now()
	err := c.Close(StatusNormalClosure, "")
	if err == nil || CloseStatus(err) != -1 {
		t.Errorf("got %v", err)
	}
	if d := time.Since(start); d > closeTimeout+slack {
		t.Errorf("Close took %v", d)
	}
	checkEnded(t, c, -1)
	checkEnded(t, soon, -1)
}

// TestPeerStays closes to a server that answers, but leaves the stream open.
func TestPeerStays(t *testing.T) {
	c := dialTest(t, "/raw?hex=8802"+"03e8")
	want := StatusNormalClosure
	if testsIn("node") {
		want = -1 // Node tells only when the stream ends
	}
	for c.socket.isOpen() {
		time.Sleep(10 * time.Millisecond)
	}
	start := time.Now()
	if err := c.Ping(t.Context()); !errors.Is(err, net.ErrClosed) || CloseStatus(err) != want {
		t.Errorf("got %v", err)
	}
	if d := time.Since(start); d > closeTimeout+slack {
		t.Errorf("it took %v", d)
	}
	checkEnded(t, c, want)
}

func TestCloseNow(t *testing.T) {
	c := dialTest(t, "/raw")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, _, err := c.Read(testContext(t)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read: %v", err)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	start := time.Now()
	if err := c.CloseNow(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if d := time.Since(start); d > closeTimeout-time.Second {
		t.Errorf("it took %v", d)
	}
	checkEnded(t, c, -1)
}

// TestCloseNowDuringClose ends a Close that waits.
func TestCloseNowDuringClose(t *testing.T) {
	c := dialTest(t, "/raw")
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Close(StatusNormalClosure, ""); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	time.Sleep(10 * time.Millisecond)
	c.CloseNow()
	wg.Wait()
	checkEnded(t, c, -1)
}

// TestCloseInsideMessage closes while a Reader and a Writer are at work.
func TestCloseInsideMessage(t *testing.T) {
	c := dialTest(t, "/echo")
	ctx := testContext(t)
	if err := c.Write(ctx, MessageText, []byte("message")); err != nil {
		t.Fatal(err)
	}
	_, r, err := c.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Writer(ctx, MessageText)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read: %v", err)
	}
	if _, err := w.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close: %v", err)
	}
}

func TestPing(t *testing.T) {
	c := dialTest(t, "/ping")
	checkRead(t, c, MessageText, "answered")
	if err := c.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCloseRead(t *testing.T) {
	t.Run("message", func(t *testing.T) {
		id := newID(t)
		c := dialTest(t, "/echo?id="+id)
		ctx := c.CloseRead(t.Context())
		if err := c.Write(testContext(t), MessageText, []byte("echo")); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if got, want := endOf(t, id), "4008 unexpected data message"; got != want {
			t.Errorf("the server saw %q, want %q", got, want)
		}
	})
	t.Run("close", func(t *testing.T) {
		c := dialTest(t, "/close?code=1000")
		<-c.CloseRead(t.Context()).Done()
		if _, _, err := c.Read(t.Context()); CloseStatus(err) != StatusNormalClosure {
			t.Error(err)
		}
		if err := c.Ping(t.Context()); CloseStatus(err) != StatusNormalClosure {
			t.Error(err)
		}
	})
	t.Run("context", func(t *testing.T) {
		c := dialTest(t, "/echo")
		ctx, cancel := context.WithCancel(t.Context())
		read := c.CloseRead(ctx)
		cancel()
		<-read.Done()
		for c.life.phase() == phaseOpen {
			time.Sleep(time.Millisecond)
		}
		if err := c.Ping(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
