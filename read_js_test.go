package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall/js"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/behaviour"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// flood dials, and is sent messages of a size.
func flood(t *testing.T, h *behaviour.Host, messages, size int, maxUnread int64) (c *websocket.Conn, key string) {
	t.Helper()
	key = h.NewKey()
	c, _ = h.DialWith(t, fmt.Sprintf("/flood?messages=%d&size=%d&id=%s", messages, size, key), &websocket.DialOptions{MaxUnread: maxUnread})
	c.SetReadLimit(-1)
	return c, key
}

// wantTooMuch expects the connection to fail after these messages have arrived and none
// was read. They can be read then.
func wantTooMuch(t *testing.T, h *behaviour.Host, c *websocket.Conn, key string, messages, size int) {
	t.Helper()
	conntest.WantNoError(t, c.AwaitEnd(behaviour.Bounded(t)))
	h.WantSeen(t, key, h.Seen(websocket.StatusMessageTooBig, "too much waits to be read"))
	conntest.WantError(t, c.Write(t.Context(), websocket.MessageText, nil), websocket.ErrMessageTooBig)
	for i := range messages {
		_, p, err := c.Read(t.Context())
		if err != nil || len(p) != size || p[0] != byte(i) {
			t.Fatalf("message %d: got %d bytes, %v", i, len(p), err)
		}
	}
	for name, err := range conntest.EveryCall(t, c) {
		if !errors.Is(err, websocket.ErrMessageTooBig) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	conntest.WantEnded(t, c, -1)
}

func testMaxUnread(t *testing.T, h *behaviour.Host) {
	const messages, size = 7, 1000
	fits := int64(messages * (size + websocket.MessageCost))
	c, key := flood(t, h, messages+1, size, fits)
	wantTooMuch(t, h, c, key, messages, size)
	c, key = flood(t, h, messages+1, size, fits-1)
	wantTooMuch(t, h, c, key, messages-1, size)

	// Messages that have been read are not counted.
	c, _ = flood(t, h, messages, size, fits)
	conntest.WantNoError(t, c.AwaitUnread(behaviour.Bounded(t), messages))
	for range messages {
		if _, _, err := c.Read(behaviour.Bounded(t)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func testMaxUnreadDefault(t *testing.T, h *behaviour.Host) {
	const size = 1 << 20
	c, key := flood(t, h, 40, size, 0)
	wantTooMuch(t, h, c, key, 16<<20/size-1, size)
}

func testMaxUnreadUnbounded(t *testing.T, h *behaviour.Host) {
	const messages, size = 20, 1 << 20
	c, _ := flood(t, h, messages, size, -1)
	conntest.WantNoError(t, c.AwaitUnread(behaviour.Bounded(t), messages))
	for i := range messages {
		if _, p, err := c.Read(behaviour.Bounded(t)); err != nil || len(p) != size || p[0] != byte(i) {
			t.Fatalf("message %d: got %d bytes, %v", i, len(p), err)
		}
	}
}

// A single unread message is subject only to SetReadLimit.
func testMaxUnreadOneMessage(t *testing.T, h *behaviour.Host) {
	c, _ := h.DialWith(t, "/echo", &websocket.DialOptions{MaxUnread: 1})
	for range 3 {
		behaviour.WantEcho(t, c, websocket.MessageText, conntest.Filler(1000))
	}
}

// A limit raised after a message has arrived applies when it is read.
func testLimitRaisedOnArrival(t *testing.T, h *behaviour.Host) {
	c, _ := flood(t, h, 2, 100_000, 0)
	c.SetReadLimit(10)
	conntest.WantNoError(t, c.AwaitUnread(behaviour.Bounded(t), 2))
	c.SetReadLimit(100_000)
	for i := range 2 {
		p := make([]byte, 100_000)
		p[0] = byte(i)
		conntest.WantMessage(t, c, websocket.MessageBinary, string(p))
	}
}

// The peer has closed after messages that are unread.
func testEndAheadOfMessages(t *testing.T, h *behaviour.Host) {
	c := h.Dial(t, "/close?code=4000&messages=2")
	conntest.WantNoError(t, c.AwaitEnd(behaviour.Bounded(t)))
	conntest.WantCause(t, c.Write(t.Context(), websocket.MessageText, nil), 4000)
	for _, digit := range []string{"0", "1"} {
		conntest.WantText(t, c, strings.Repeat(digit, 20_000)+".")
	}
	conntest.WantClosed(t, conntest.ReadErr(t.Context(), c), 4000)
	conntest.WantEnded(t, c, 4000)
}

// A write waits while the browser has more than MaxBuffered to send. If its context
// ends while it waits, it has sent nothing.
func testBufferedAmount(t *testing.T, h *behaviour.Host) {
	p := []byte(behaviour.AnyBytes(1 << 20))
	wantBounded := func(c *websocket.Conn, message int) {
		t.Helper()
		if got, most := c.Buffered(), websocket.MaxBuffered+message+16; got > most {
			t.Errorf("%d bytes in the browser, want at most %d", got, most)
		}
	}
	sink := h.Dial(t, "/sink")
	for range behaviour.Some / len(p) {
		conntest.WantNoError(t, sink.Write(behaviour.Bounded(t), websocket.MessageBinary, p))
		wantBounded(sink, len(p))
	}

	// The network buffers some of this message. More than MaxBuffered stays in the
	// browser until the peer reads.
	key := h.NewKey()
	c := h.Dial(t, "/deaf?hear="+key)
	c.SetReadLimit(-1)
	long := behaviour.AnyBytes(behaviour.Some + 2*websocket.MaxBuffered)
	conntest.WantNoError(t, c.Write(t.Context(), websocket.MessageBinary, []byte(long)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := rawpeer.GoErr(t, func() error { return c.Write(ctx, websocket.MessageText, nil) })
	for c.Senders() == 0 {
		runtime.Gosched()
	}
	// The second write waits for the first.
	second, cancelSecond := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancelSecond()
	conntest.WantInterrupted(t, c.Write(second, websocket.MessageText, nil), context.DeadlineExceeded)
	if first.Returned() {
		t.Fatalf("a write returned %v before the peer read", first.Err())
	}
	cancel()
	conntest.WantInterrupted(t, first.Err(), context.Canceled)
	wantBounded(c, len(long))

	last := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), websocket.MessageText, []byte("last")) })
	h.Signal(t, key)
	conntest.WantMessage(t, c, websocket.MessageBinary, long)
	last.Want()
	conntest.WantText(t, c, "last")
}

// TestNoGoroutines: open connections have no goroutines.
func TestNoGoroutines(t *testing.T) {
	h := startHost(t)
	behaviour.WantOpen(t, h.Dial(t, "/echo")) // the runtime starts a goroutine for events
	before := runtime.NumGoroutine()
	for range 10 {
		behaviour.WantOpen(t, h.Dial(t, "/echo"))
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before 10 connections", n, before)
	}
}

// TestMemory sends and receives much more than JavaScript may retain.
func TestMemory(t *testing.T) {
	if !inNode() {
		return // a browser does not report its memory
	}
	h := startHost(t)
	const size, messages = 1 << 20, 200
	kept := func() int {
		usage := js.Global().Get("process").Call("memoryUsage")
		return usage.Get("external").Int() + usage.Get("heapUsed").Int()
	}
	before := kept()
	check := func(what string) {
		if n := kept() - before; n > messages*size/2 {
			t.Errorf("%s: %d MiB are kept, of %d", what, n>>20, messages*size>>20)
		}
	}
	p := bytes.Repeat([]byte("a"), size)
	for _, typ := range []websocket.MessageType{websocket.MessageBinary, websocket.MessageText} {
		c := h.Dial(t, "/sink")
		for i := range messages {
			copy(p, fmt.Sprint(i, " ")) // JavaScript stores equal texts once
			if err := c.Write(t.Context(), typ, p); err != nil {
				t.Fatal(err)
			}
		}
		check("sent " + typ.String())
	}
	c := h.Dial(t, fmt.Sprintf("/flood?messages=%d&size=%d", messages, size))
	c.SetReadLimit(-1)
	for range messages {
		_, r, err := c.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); n != size || err != nil {
			t.Fatal(n, err)
		}
	}
	check("received")
}

// substitute is a WebSocket that replaces the browser's, as in some programs. It is
// open at once, and closes when close is called. The last one created is
// substitute.last.
const substitute = `(() => {
	class Substitute extends EventTarget {
		constructor() {
			super();
			Object.assign(this, {readyState: 0, bufferedAmount: 0, protocol: "", extensions: ""});
			Substitute.last = this;
			queueMicrotask(() => { this.readyState = 1; this.dispatchEvent(new Event("open")); });
		}
		receive(data) { this.dispatchEvent(Object.assign(new Event("message"), {data})); }
		send() {}
		close(code = 1005, reason = "") {
			this.readyState = 3;
			queueMicrotask(() => this.dispatchEvent(Object.assign(new Event("close"), {code, reason, wasClean: true})));
		}
	}
	return Substitute;
})()`

// dialSubstitute returns a connection over a substitute, and the substitute.
func dialSubstitute(t *testing.T) (*websocket.Conn, js.Value) {
	t.Helper()
	class := js.Global().Get("WebSocket")
	made := js.Global().Call("eval", substitute)
	js.Global().Set("WebSocket", made)
	defer js.Global().Set("WebSocket", class)
	c, _, err := websocket.Dial(behaviour.Bounded(t), "ws://substitute.test/", nil)
	conntest.WantNoError(t, err)
	return c, made.Get("last")
}

// Bytes may arrive as an ArrayBuffer or as any view of one, also of another realm.
func TestMessageDataTaken(t *testing.T) {
	for expression, want := range map[string]string{
		`"héllo"`:                          "héllo",
		`""`:                               "",
		`new Uint8Array([1, 2, 3]).buffer`: "\x01\x02\x03",
		`new ArrayBuffer(0)`:               "",
		`new Uint8Array([1, 2, 3, 4])`:     "\x01\x02\x03\x04",
		`new Uint8Array([1, 2, 3, 4]).subarray(1, 3)`:                                                   "\x02\x03",
		`new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 2)`:                                          "\x03\x04",
		`new Uint16Array(new Uint8Array([1, 2, 3, 4, 5, 6]).buffer, 2, 2)`:                              "\x03\x04\x05\x06",
		`Object.setPrototypeOf(new Uint8Array([1, 2, 3]).buffer, Object.create(ArrayBuffer.prototype))`: "\x01\x02\x03",
	} {
		t.Run(expression, func(t *testing.T) {
			c, socket := dialSubstitute(t)
			defer c.CloseNow()
			socket.Call("receive", js.Global().Call("eval", expression))
			_, r, err := c.Reader(behaviour.Bounded(t))
			conntest.WantNoError(t, err)
			if got, err := io.ReadAll(r); string(got) != want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

// Invalid message data fails the connection after the messages before it, with an error
// that names its type.
func TestMessageDataRefused(t *testing.T) {
	for expression, want := range map[string]string{
		`new Blob(["hello"])`: "Blob",
		`null`:                "null",
		`undefined`:           "undefined",
		`42`:                  "number",
		`true`:                "boolean",
		`Symbol("x")`:         "symbol",
		`(() => {})`:          "function",
		`({})`:                "Object",
		`[1, 2]`:              "Array",
		`new Date()`:          "Date",
	} {
		t.Run(expression, func(t *testing.T) {
			c, socket := dialSubstitute(t)
			defer c.CloseNow()
			socket.Call("receive", "before")
			socket.Call("receive", js.Global().Call("eval", expression))
			socket.Call("receive", "behind")
			conntest.WantText(t, c, "before")
			err := conntest.ReadErr(behaviour.Bounded(t), c)
			conntest.WantCause(t, err, -1)
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want one that names %s", err, want)
			}
			conntest.WantClosed(t, c.Write(behaviour.Bounded(t), websocket.MessageText, nil), -1)
		})
	}
}
