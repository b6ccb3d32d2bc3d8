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

var readTests = []Test{
	{"read/binary", func(t *testing.T, h *Host) { testEcho(t, h, websocket.MessageBinary, AnyBytes) }},
	{"read/text", func(t *testing.T, h *Host) { testEcho(t, h, websocket.MessageText, conntest.Filler) }},
	{"read/compressed", testEchoCompressed},
	{"read/UTF-8", testUTF8},
	{"read/fragments", testFragments},
	{"read/appended", testAppendRead},
	{"read/many messages", testManyMessages},
	{"read/in parts", testReaderParts},
	{"read/reader of an earlier message", testReaderStale},
	{"read/concurrently", testReadConcurrently},
	{"read/context ends between messages", testReadContext},
	{"read/context ended before", testReadContextEnded},
	{"read/limit", testReadLimit},
	{"read/limit raised", testReadLimitRaised},
	{"read/no limit", testReadUnlimited},
	{"read/limit as an option", testReadLimitOption},
	{"read/protocol violations", testViolations},
	{"read/CloseRead and a message", testCloseReadMessage},
	{"read/CloseRead and a close", testCloseReadClose},
	{"read/CloseRead and its context", testCloseReadContext},
	{"read/Read after CloseRead", testCloseReadTakes},
	{"read/CloseRead and Close, which waits for it", testCloseReadAwaited},
}

// echoSizes are near the limits of frame headers and buffers.
var echoSizes = []int{0, 1, 125, 126, 65535, 65536, 70_000, 1 << 20}

func testEcho(t *testing.T, h *Host, typ websocket.MessageType, payload func(n int) string) {
	c := h.Dial(t, "/echo")
	c.SetReadLimit(-1)
	for _, n := range echoSizes {
		WantEcho(t, c, typ, payload(n))
	}
}

// A browser compresses if the server does, whatever the options are.
func testEchoCompressed(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/echo?compress=1", &websocket.DialOptions{
		CompressionMode: websocket.CompressionContextTakeover,
	})
	c.SetReadLimit(-1)
	for _, n := range echoSizes {
		WantEcho(t, c, websocket.MessageBinary, AnyBytes(n))
		WantEcho(t, c, websocket.MessageText, strings.Repeat("a", n))
	}
}

// Text is sent and received unchanged, as UTF-8.
func testUTF8(t *testing.T, h *Host) {
	out, in := h.Dial(t, "/echo?as=binary"), h.Dial(t, "/echo")
	for _, s := range []string{
		"\x00", "é", "\u2028", "\U0001F600", "日本語", "\uFEFF", "\uFEFF\uFEFFmark", "mark\uFEFF", "\uFFFD", "\uFFFF\U0010FFFF",
	} {
		MustWrite(t, out, websocket.MessageText, s)
		conntest.WantMessage(t, out, websocket.MessageBinary, s)
		if !h.KeepsMark {
			s = strings.TrimLeft(s, "\uFEFF")
		}
		WantEcho(t, in, websocket.MessageText, s)
	}
}

func testFragments(t *testing.T, h *Host) {
	c := h.Dial(t, "/close?code=1000&messages=3")
	for _, digit := range []string{"0", "1", "2"} {
		conntest.WantText(t, c, strings.Repeat(digit, 20_000)+".")
	}
}

// Each message is read into the memory of the previous ones.
func testAppendRead(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	c.SetReadLimit(-1)
	room := make([]byte, 3, 3+echoSizes[len(echoSizes)-1])
	copy(room, "old")
	for _, n := range echoSizes {
		want := AnyBytes(n)
		MustWrite(t, c, websocket.MessageBinary, want)
		typ, got, err := c.AppendRead(Bounded(t), room)
		if err != nil || typ != websocket.MessageBinary || string(got) != "old"+want {
			t.Fatalf("%d bytes: got %v of %d bytes, %v", n, typ, len(got), err)
		}
		if &got[0] != &room[0] {
			t.Errorf("%d bytes are in other memory", n)
		}
	}
	if _, got, err := c.AppendRead(Ended(t), room); string(got) != "old" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v, want the old bytes and the context's error", got, err)
	}
}

func testManyMessages(t *testing.T, h *Host) {
	c := h.Dial(t, "/flood?messages=3000&size=10")
	for i := range 3000 {
		p := make([]byte, 10)
		p[0] = byte(i)
		conntest.WantMessage(t, c, websocket.MessageBinary, string(p))
	}
}

func testReaderParts(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, s := range []string{"first", "", "third"} {
		conntest.MustWriteText(t, c, s)
	}
	r := conntest.WantReader(t, c)
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("got %d, %v from an empty read", n, err)
	}
	conntest.WantBetween(t, c)
	conntest.WantRead(t, r, "fir")
	conntest.WantBetween(t, c)
	conntest.WantRest(t, r, "st")
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("got %d, %v behind the end, want io.EOF again", n, err)
	}
	conntest.WantRest(t, conntest.WantReader(t, c), "")
	conntest.WantText(t, c, "third")
}

func testReaderStale(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	for _, s := range []string{"first", "second", "third"} {
		conntest.MustWriteText(t, c, s)
	}
	first := conntest.WantReader(t, c)
	conntest.WantRest(t, first, "first")
	second := conntest.WantReader(t, c)
	stale := func(r io.Reader) {
		t.Helper()
		if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %d, %v from a reader after its message", n, err)
		}
	}
	stale(first)
	conntest.WantRest(t, second, "second")
	conntest.WantText(t, c, "third")
	stale(second)
	WantOpen(t, c)
}

// Each message is returned by one Read.
func testReadConcurrently(t *testing.T, h *Host) {
	c := h.Dial(t, "/flood?messages=100&size=1")
	ctx := Bounded(t)
	var wg sync.WaitGroup
	got := make(chan byte, 100)
	for range 5 {
		wg.Go(func() {
			for range 20 {
				_, p, err := c.Read(ctx)
				if err != nil || len(p) != 1 {
					t.Errorf("got %d bytes, %v", len(p), err)
					return
				}
				got <- p[0]
			}
		})
	}
	wg.Wait()
	close(got)
	var numbers []byte
	for b := range got {
		numbers = append(numbers, b)
	}
	slices.Sort(numbers)
	for i, b := range numbers {
		if i != int(b) {
			t.Fatalf("message %d is missing or there twice", i)
		}
	}
}

// The context ends the wait, and the connection stays open.
func testReadContext(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	conntest.WantInterrupted(t, conntest.ReadErr(ctx, c), context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(t.Context())
	call := rawpeer.GoErr(t, func() error { _, _, err := c.Reader(ctx); return err })
	cancel()
	conntest.WantInterrupted(t, call.Err(), context.Canceled)
	WantOpen(t, c)
}

// Read with an ended context returns no message, even if one is available.
func testReadContextEnded(t *testing.T, h *Host) {
	c := h.Dial(t, "/flood?messages=3&size=1")
	for i := range 3 {
		conntest.WantInterrupted(t, conntest.ReadErr(Ended(t), c), context.Canceled)
		_, _, err := c.Reader(Ended(t))
		conntest.WantInterrupted(t, err, context.Canceled)
		conntest.WantMessage(t, c, websocket.MessageBinary, string(rune(i)))
	}
}

func testReadLimit(t *testing.T, h *Host) {
	for name, read := range map[string]func(*websocket.Conn) error{
		"Read": func(c *websocket.Conn) error { return conntest.ReadErr(t.Context(), c) },
		"Reader": func(c *websocket.Conn) error {
			_, r, err := c.Reader(t.Context())
			if err == nil {
				_, err = io.ReadAll(r)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := h.NewKey()
			c := h.Dial(t, "/echo?id="+key)
			WantEcho(t, c, websocket.MessageBinary, AnyBytes(32768))
			c.SetReadLimit(10)
			WantEcho(t, c, websocket.MessageText, "aaaaaaaaaa")
			WantEcho(t, c, websocket.MessageText, "ééééé")
			MustWrite(t, c, websocket.MessageText, "éééééa")
			err := read(c)
			conntest.WantError(t, err, websocket.ErrMessageTooBig)
			conntest.WantCause(t, err, -1)
			if got, want := h.Await(t, key), h.Seen(websocket.StatusMessageTooBig, ""); !strings.HasPrefix(got, want) {
				t.Errorf("the server saw %q, want %q", got, want)
			}
			// The first error remains the cause, whatever the peer replies.
			for name, err := range conntest.EveryCall(t, c) {
				if !errors.Is(err, websocket.ErrMessageTooBig) {
					t.Errorf("%s: got %v", name, err)
				}
			}
			conntest.WantEnded(t, c, -1)
		})
	}
}

// A limit applies from the next message on, including messages that have already
// arrived.
func testReadLimitRaised(t *testing.T, h *Host) {
	c := h.Dial(t, "/flood?messages=20&size=30000")
	c.SetReadLimit(10)
	conntest.WantError(t, conntest.ReadErr(Ended(t), c), context.Canceled)
	for i := range 20 {
		c.SetReadLimit(30_000)
		_, p, err := c.Read(Bounded(t))
		if err != nil || len(p) != 30_000 || p[0] != byte(i) {
			t.Fatalf("got %d bytes, %v", len(p), err)
		}
		c.SetReadLimit(10)
	}
}

func testReadUnlimited(t *testing.T, h *Host) {
	for _, limit := range []int64{-1, -100, 1 << 40} {
		c := h.Dial(t, "/echo")
		c.SetReadLimit(limit)
		WantEcho(t, c, websocket.MessageText, conntest.Filler(100_000))
	}
}

// Messages before the violation can be read, then the connection ends. A browser sends
// no close frame and reports no cause.
func testViolations(t *testing.T, h *Host) {
	for name, frame := range map[string]string{
		"reserved bit":    "c100",
		"reserved opcode": "8300",
		"not UTF-8":       "8101ff",
		"masked":          "81810000000061",
		"lone fragment":   "8000",
		"bad close code":  "880203ed",
		"half a close":    "880103",
		"close not UTF-8": "880303e8ff",
	} {
		t.Run(name, func(t *testing.T) {
			c := h.Dial(t, "/raw?hex="+"81026869"+frame+"&then=8800")
			conntest.WantText(t, c, "hi")
			conntest.WantCause(t, conntest.ReadErr(t.Context(), c), -1)
			conntest.WantEnded(t, c, -1)
		})
	}
}

func testCloseReadMessage(t *testing.T, h *Host) {
	key := h.NewKey()
	c := h.Dial(t, "/echo?id="+key)
	ctx := c.CloseRead(t.Context())
	conntest.MustWriteText(t, c, "echo")
	<-ctx.Done()
	h.WantSeen(t, key, h.Seen(websocket.StatusPolicyViolation, "unexpected data message"))
	for name, err := range conntest.EveryCall(t, c) {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func testCloseReadClose(t *testing.T, h *Host) {
	c := h.Dial(t, "/close?code=1001")
	<-c.CloseRead(t.Context()).Done()
	conntest.WantEnded(t, c, websocket.StatusGoingAway)
}

func testCloseReadContext(t *testing.T, h *Host) {
	key := h.NewKey()
	c := h.Dial(t, "/echo?id="+key)
	ctx, cancel := context.WithCancel(t.Context())
	read := c.CloseRead(ctx)
	if read.Err() != nil {
		t.Errorf("the context ended with %v", read.Err())
	}
	cancel()
	<-read.Done()
	h.WantSeen(t, key, h.Abandoned)
	conntest.WantEnded(t, c, -1)
}

func testCloseReadTakes(t *testing.T, h *Host) {
	c := h.Dial(t, "/sink")
	ctx := c.CloseRead(t.Context())
	_, _, err := c.Reader(t.Context())
	for _, err := range []error{conntest.ReadErr(t.Context(), c), err} {
		if err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v of a read after CloseRead", err)
		}
	}
	if again := c.CloseRead(t.Context()); again != ctx {
		t.Error("got another context of a second CloseRead")
	}
	for range 10 {
		conntest.MustWriteText(t, c, "read by nobody")
		if err := c.Ping(Bounded(t)); err != nil {
			t.Fatal(err)
		}
	}
	if ctx.Err() != nil {
		t.Errorf("the context ended with %v", ctx.Err())
	}
}

// Close and CloseNow return after the goroutine of CloseRead, and its context, have ended.
func testCloseReadAwaited(t *testing.T, h *Host) {
	for name, end := range map[string]func(*websocket.Conn) error{
		"Close":    func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") },
		"CloseNow": (*websocket.Conn).CloseNow,
	} {
		for range 20 {
			c := h.Dial(t, "/sink")
			ctx := c.CloseRead(t.Context())
			conntest.MustWriteText(t, c, "hello")
			conntest.WantNoError(t, end(c))
			if ctx.Err() == nil {
				t.Errorf("%s did not wait for the goroutine of CloseRead", name)
			}
		}
	}
}

// The ReadLimit option is the limit that SetReadLimit sets.
func testReadLimitOption(t *testing.T, h *Host) {
	for limit, allowed := range map[int64]int{10: 10, 0: 32768, -1: 100_000} {
		c, _ := h.DialWith(t, "/echo", &websocket.DialOptions{ReadLimit: limit})
		MustWrite(t, c, websocket.MessageText, strings.Repeat("a", allowed))
		conntest.WantText(t, c, strings.Repeat("a", allowed))
		if limit < 0 {
			continue
		}
		MustWrite(t, c, websocket.MessageText, strings.Repeat("a", allowed+1))
		conntest.WantError(t, conntest.ReadErr(Bounded(t), c), websocket.ErrMessageTooBig)
	}
}
