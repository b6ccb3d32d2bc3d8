package websocket

import (
	"errors"
	"fmt"
	"sync"
	"syscall/js"
)

// socket is the WebSocket of JavaScript, typed. What JavaScript throws comes
// back as an error.
type socket struct {
	v js.Value

	mu        sync.Mutex // a leaf
	listeners []listener // nil after release
}

type listener struct {
	event string
	f     js.Func
}

// socketEvents is who is told what happens to a socket. JavaScript waits for
// the methods to return: they must not block.
type socketEvents interface {
	opened()
	received(data js.Value)           // a string or an ArrayBuffer
	failed(why string)                // often why is not told and ""
	closed(ce CloseError, clean bool) // nothing happens after it
}

// The values of a socket's readyState.
const readyStateOpen = 1

// The codes with which a page may close, besides those that applications
// define for themselves.
const pageCodes = 3000

var (
	uint8Array  = js.Global().Get("Uint8Array")
	textEncoder = js.Global().Get("TextEncoder").New()
)

// baseURL returns what a URL is relative to: where the page is from, or what it
// says in its place, or where the worker's script is from; "" where there is no
// such thing.
func baseURL() string {
	if page := js.Global().Get("document"); page.Type() == js.TypeObject {
		return page.Get("baseURI").String()
	}
	if l := js.Global().Get("location"); l.Type() == js.TypeObject {
		return l.Get("href").String()
	}
	return ""
}

// isOffline reports whether the browser knows that it has no network.
func isOffline() bool {
	n := js.Global().Get("navigator")
	if n.Type() != js.TypeObject {
		return false
	}
	v := n.Get("onLine")
	return v.Type() == js.TypeBoolean && !v.Bool()
}

// newSocket begins to connect. Until the caller blocks nothing happens to the
// socket.
func newSocket(url string, protocols []string) (s *socket, err error) {
	defer caught(&err)
	class := js.Global().Get("WebSocket")
	if class.Type() != js.TypeFunction {
		return nil, fmt.Errorf("%w: there is no WebSocket here (Node 20 has one with --experimental-websocket)", errors.ErrUnsupported)
	}
	args := []any{url}
	if len(protocols) > 0 {
		names := make([]any, len(protocols))
		for i, name := range protocols {
			names[i] = name
		}
		args = append(args, names)
	}
	s = &socket{v: class.New(args...)}
	s.v.Set("binaryType", "arraybuffer")
	return s, nil
}

// caught turns what JavaScript threw into an error.
func caught(err *error) {
	switch thrown := recover().(type) {
	case nil:
	case js.Error:
		*err = thrown
	default:
		panic(thrown)
	}
}

// listen has ev told of everything, until release.
func (s *socket) listen(ev socketEvents) {
	s.on("open", func(js.Value) { ev.opened() })
	s.on("message", func(event js.Value) { ev.received(event.Get("data")) })
	s.on("error", func(event js.Value) {
		// Node says what happened. A browser writes it to its console, where
		// a page can't read it.
		why := ""
		if m := event.Get("message"); m.Type() == js.TypeString {
			why = m.String()
		}
		ev.failed(why)
	})
	s.on("close", func(event js.Value) {
		ev.closed(CloseError{
			Code:   StatusCode(event.Get("code").Int()),
			Reason: event.Get("reason").String(),
		}, event.Get("wasClean").Bool())
	})
}

func (s *socket) on(event string, handle func(js.Value)) {
	f := js.FuncOf(func(_ js.Value, args []js.Value) any {
		handle(args[0])
		return nil
	})
	s.v.Call("addEventListener", event, f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, listener{event, f})
}

// release stops listening and gives back what that holds. It may be called by
// a handler.
func (s *socket) release() {
	s.mu.Lock()
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	for _, l := range listeners {
		s.v.Call("removeEventListener", l.event, l.f)
		l.f.Release()
	}
}

// send hands a message over, or drops it where the socket is no longer open.
func (s *socket) send(typ MessageType, p []byte) (err error) {
	defer caught(&err)
	if typ == MessageText {
		s.v.Call("send", textToJS(p))
		return nil
	}
	b := borrowBytes(len(p))
	defer b.giveBack()
	view := b.view(len(p))
	js.CopyBytesToJS(view, p)
	s.v.Call("send", view) // copies
	return nil
}

// close begins the close handshake. A socket that is not open yet gives up.
func (s *socket) close(code StatusCode, reason string) (err error) {
	defer caught(&err)
	switch {
	case code == StatusNoStatusRcvd:
		s.v.Call("close")
	case code == StatusNormalClosure || code >= pageCodes:
		s.v.Call("close", int(code), reason)
	default:
		s.v.Call("close", int(code)+pageCodes, reason)
	}
	return nil
}

func (s *socket) isOpen() bool       { return s.v.Get("readyState").Int() == readyStateOpen }
func (s *socket) buffered() int      { return s.v.Get("bufferedAmount").Int() }
func (s *socket) protocol() string   { return s.v.Get("protocol").String() }
func (s *socket) extensions() string { return s.v.Get("extensions").String() }
