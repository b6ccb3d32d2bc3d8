package websocket_test

import (
	"io"
	"strings"
	"syscall/js"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/behaviour"
	"github.com/bhojpur/api/internal/conntest"
)

// substitute is a WebSocket such as programs put in the browser's place. It is
// open at once, and closes when it is told to. The last one made is
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

// dialSubstitute returns a connection over a substitute, and that.
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

// Bytes may come as an ArrayBuffer or as any view of one, also of another realm.
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

// What is no message fails the connection with an error that says what it was,
// behind the messages before it.
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
