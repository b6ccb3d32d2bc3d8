//go:build js

package wsjs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall/js"
	"testing"
)

// standIn is a WebSocket without a network: it records calls, and the test triggers its
// events.
const standIn = `(() => {
	class StandIn extends EventTarget {
		constructor(url, protocols) {
			super();
			Object.assign(this, {url, protocols, sent: [], closes: [], listening: 0});
			Object.assign(this, {readyState: 0, bufferedAmount: 7, protocol: "chat", extensions: "x"});
			if (url === "bad:") throw new SyntaxError("a bad URL");
			StandIn.last = this;
		}
		addEventListener(...args) { this.listening++; super.addEventListener(...args); }
		removeEventListener(...args) { this.listening--; super.removeEventListener(...args); }
		happens(name, what) { this.dispatchEvent(Object.assign(new Event(name), what)); }
		send(data) { this.sent.push(typeof data === "string" ? data : Array.from(data).join()); }
		close(...args) {
			if (args[0] === 1001) throw new Error("a code only for browsers");
			this.closes.push(args.join());
		}
	}
	return StandIn;
})()`

// events records events.
type events struct{ log []string }

func (e *events) note(format string, args ...any) {
	e.log = append(e.log, fmt.Sprintf(format, args...))
}

func (e *events) Opened()           { e.note("opened") }
func (e *events) Failed(why string) { e.note("failed %q", why) }
func (e *events) Closed(code int, reason string, clean Clean) {
	e.note("closed %d %q %t", code, reason, bool(clean))
}

func (e *events) Received(data Data, err error) {
	if err != nil {
		e.note("refused")
		return
	}
	e.note("received %t %d %q", data.IsText, data.Len(), data.Bytes())
}

// newStandIn creates a Socket over a stand-in.
func newStandIn(t *testing.T, url string, protocols ...string) (*Socket, js.Value, error) {
	t.Helper()
	class := js.Global().Get("WebSocket")
	made := js.Global().Call("eval", standIn)
	js.Global().Set("WebSocket", made)
	defer js.Global().Set("WebSocket", class)
	s, err := New(url, protocols)
	return s, made.Get("last"), err
}

func TestNew(t *testing.T) {
	_, v, err := newStandIn(t, "ws://a.test/", "chat", "news")
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("url").String(); got != "ws://a.test/" {
		t.Errorf("connects to %q", got)
	}
	if got := v.Get("protocols").Call("join").String(); got != "chat,news" {
		t.Errorf("offers %q", got)
	}
	if got := v.Get("binaryType").String(); got != "arraybuffer" {
		t.Errorf("gets bytes as %q", got)
	}
	if _, v, err := newStandIn(t, "ws://a.test/"); err != nil || !v.Get("protocols").IsUndefined() {
		t.Errorf("without protocols: %v, %v", v.Get("protocols"), err)
	}
	if _, _, err := newStandIn(t, "bad:"); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want the JavaScript exception", err)
	}
}

func TestNewWithoutWebSocket(t *testing.T) {
	class := js.Global().Get("WebSocket")
	js.Global().Set("WebSocket", js.Undefined())
	defer js.Global().Set("WebSocket", class)
	if _, err := New("ws://a.test/", nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want errors.ErrUnsupported", err)
	}
}

func TestEvents(t *testing.T) {
	s, v, err := newStandIn(t, "ws://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	var ev events
	s.Listen(&ev)
	bytes := js.Global().Call("eval", "new Uint8Array([0, 1, 2, 3])")
	happens := func(name string, what map[string]any) { v.Call("happens", name, what) }
	happens("open", nil)
	happens("message", map[string]any{"data": "h\u00e9"})
	happens("message", map[string]any{"data": bytes.Get("buffer")})
	happens("message", map[string]any{"data": bytes.Call("subarray", 1, 3)})
	happens("message", map[string]any{"data": nil})
	happens("error", nil)
	happens("error", map[string]any{"message": "refused"})
	happens("close", map[string]any{"code": 4000, "reason": "bye", "wasClean": true})
	want := []string{
		"opened", `received true 3 "h\u00e9"`, `received false 4 "\x00\x01\x02\x03"`, `received false 2 "\x01\x02"`,
		"refused", `failed ""`, `failed "refused"`, `closed 4000 "bye" true`,
	}
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], `\u00e9`, "\u00e9")
	}
	if !slices.Equal(ev.log, want) {
		t.Errorf("got %q\nwant %q", ev.log, want)
	}
	if n := v.Get("listening").Int(); n != 4 || s.Listeners() != n {
		t.Errorf("%d events are listened to, and %d it says, want 4", n, s.Listeners())
	}
	s.Release()
	s.Release()
	if n := v.Get("listening").Int(); n != 0 || s.Listeners() != 0 {
		t.Errorf("%d events are listened to after Release, and %d it says", n, s.Listeners())
	}
	happens("open", nil)
	if len(ev.log) != len(want) {
		t.Error("events are passed on after Release")
	}
}

func TestSend(t *testing.T) {
	s, v, err := newStandIn(t, "ws://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 2*minByteArray)
	for _, text := range []string{"", "h\u00e9", "\ufeffmark", long} {
		if err := s.SendText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := v.Get("sent").Call("pop").String(); got != text {
			t.Errorf("sent %.20q, want %.20q", got, text)
		}
	}
	for _, p := range [][]byte{nil, {1, 2, 3}, []byte(long), {4}} {
		if err := s.SendBinary(p); err != nil {
			t.Fatal(err)
		}
		want := strings.Trim(strings.ReplaceAll(fmt.Sprint(p), " ", ","), "[]")
		if got := v.Get("sent").Call("pop").String(); got != want {
			t.Errorf("sent %.20q, want %.20q", got, want)
		}
	}
}

func TestClose(t *testing.T) {
	s, v, err := newStandIn(t, "ws://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.CloseWith(4000, "bye")); err != nil {
		t.Fatal(err)
	}
	if got := v.Get("closes").Call("join", ";").String(); got != ";4000,bye" {
		t.Errorf("closed with %q", got)
	}
	if s.CloseWith(1001, "") == nil {
		t.Error("a JavaScript exception is not an error")
	}
}

func TestState(t *testing.T) {
	s, v, err := newStandIn(t, "ws://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	if s.IsOpen() || s.Buffered() != 7 || s.Protocol() != "chat" || s.Extensions() != "x" {
		t.Errorf("open %t, %d buffered, protocol %q, extensions %q", s.IsOpen(), s.Buffered(), s.Protocol(), s.Extensions())
	}
	v.Set("readyState", readyStateOpen)
	if !s.IsOpen() {
		t.Error("it is not open")
	}
	if !(Data{}).IsZero() {
		t.Error("the zero Data is some")
	}
}
