//go:build js

// Package wsjs is a typed interface to the WebSocket of JavaScript in a page, a worker
// or Node. It is the only package of the library that calls JavaScript. It returns
// exceptions as errors.
//
// A [Socket] connects when it is created, and calls the methods of its [Events].
// JavaScript waits for these to return: they must not block. A call of a Socket may call
// a method of its Events before it returns, so the caller must not hold a lock that such
// a method acquires. Events occur only after the goroutine that created the Socket
// blocks.
//
// JavaScript keeps values to which Go refers until Go's garbage collector finds that
// they are unreachable. The collector runs when Go's memory has grown, and does not
// account for the memory of JavaScript: a program that sends the same megabyte a thousand
// times would hold a gigabyte. So bytes are sent from an array that is reused, and other
// values of the size of a message are created along with Go memory of that size.
package wsjs

import (
	"errors"
	"fmt"
	"sync"
	"syscall/js"
)

// Socket is a WebSocket of JavaScript.
type Socket struct {
	v js.Value

	mu        sync.Mutex // a leaf
	listeners []listener // nil after Release
}

type listener struct {
	event string
	f     js.Func
}

// Events handles the events of a Socket.
type Events interface {
	Opened()
	// Received is a message. err is not nil if it is neither a string nor bytes: then
	// the WebSocket is not the browser's own, or does not honor binaryType.
	Received(data Data, err error)
	// Failed is the error event, before the Socket is closed. why is "" if the
	// environment does not report the reason, as browsers do not.
	Failed(why string)
	// Closed is the last event. clean says whether there was a close handshake.
	Closed(code int, reason string, clean Clean)
}

// Clean reports whether a connection was closed by a close handshake.
type Clean bool

// readyStateOpen is a value of readyState.
const readyStateOpen = 1

// BaseURL returns the base of relative URLs: that of the page, which a <base> element may
// set, or the location of the worker's script, or "" if there is neither.
func BaseURL() string {
	if page := js.Global().Get("document"); page.Type() == js.TypeObject {
		return page.Get("baseURI").String()
	}
	if l := js.Global().Get("location"); l.Type() == js.TypeObject {
		return l.Get("href").String()
	}
	return ""
}

// IsOffline reports whether the browser reports that it has no network.
func IsOffline() bool {
	n := js.Global().Get("navigator")
	if n.Type() != js.TypeObject {
		return false
	}
	v := n.Get("onLine")
	return v.Type() == js.TypeBoolean && !v.Bool()
}

// New begins to connect to a URL with one of the protocols, if there are any.
func New(url string, protocols []string) (s *Socket, err error) {
	defer caught(&err)
	class := js.Global().Get("WebSocket")
	if class.Type() != js.TypeFunction {
		return nil, fmt.Errorf("%w: this environment has no WebSocket (Node.js 20 has one with --experimental-websocket)", errors.ErrUnsupported)
	}
	args := []any{url}
	if len(protocols) > 0 {
		names := make([]any, len(protocols))
		for i, name := range protocols {
			names[i] = name
		}
		args = append(args, names)
	}
	s = &Socket{v: class.New(args...)}
	s.v.Set("binaryType", "arraybuffer")
	return s, nil
}

// caught converts an exception of JavaScript to an error.
func caught(err *error) {
	switch thrown := recover().(type) {
	case nil:
	case js.Error:
		*err = thrown
	default:
		panic(thrown)
	}
}

// Listen passes events to ev until Release.
func (s *Socket) Listen(ev Events) {
	s.on("open", func(js.Value) { ev.Opened() })
	s.on("message", func(event js.Value) { ev.Received(DataOf(event.Get("data"))) })
	s.on("error", func(event js.Value) {
		// Node reports the reason. A browser writes it to its console, where a
		// page can't read it.
		why := ""
		if m := event.Get("message"); m.Type() == js.TypeString {
			why = m.String()
		}
		ev.Failed(why)
	})
	s.on("close", func(event js.Value) {
		ev.Closed(event.Get("code").Int(), event.Get("reason").String(), Clean(event.Get("wasClean").Bool()))
	})
}

func (s *Socket) on(event string, handle func(js.Value)) {
	f := js.FuncOf(func(_ js.Value, args []js.Value) any {
		handle(args[0])
		return nil
	})
	s.v.Call("addEventListener", event, f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, listener{event, f})
}

// Release stops listening and frees the listeners. Events may call it.
func (s *Socket) Release() {
	s.mu.Lock()
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	for _, l := range listeners {
		s.v.Call("removeEventListener", l.event, l.f)
		l.f.Release()
	}
}

// Listeners returns the number of listeners.
func (s *Socket) Listeners() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listeners)
}

// SendText sends a text message, which must be valid UTF-8. It discards the message if
// the Socket is no longer open.
func (s *Socket) SendText(p []byte) (err error) {
	defer caught(&err)
	s.v.Call("send", textToJS(p))
	return nil
}

// SendBinary is SendText for a binary message.
func (s *Socket) SendBinary(p []byte) (err error) {
	defer caught(&err)
	b := borrowBytes(len(p))
	defer b.giveBack()
	view := b.view(len(p))
	js.CopyBytesToJS(view, p)
	s.v.Call("send", view) // copies
	return nil
}

// Close begins the close handshake without a code. A Socket that is connecting fails.
func (s *Socket) Close() (err error) {
	defer caught(&err)
	s.v.Call("close")
	return nil
}

// CloseWith is Close with a code, which is 1000 or 3000 to 4999, and a reason.
func (s *Socket) CloseWith(code int, reason string) (err error) {
	defer caught(&err)
	s.v.Call("close", code, reason)
	return nil
}

// IsOpen reports whether the Socket is open. It may change before the Closed event.
func (s *Socket) IsOpen() bool { return s.v.Get("readyState").Int() == readyStateOpen }

// Buffered returns the number of bytes that were not sent yet.
func (s *Socket) Buffered() int { return s.v.Get("bufferedAmount").Int() }

// Protocol and Extensions return the negotiated subprotocol and extensions.
func (s *Socket) Protocol() string   { return s.v.Get("protocol").String() }
func (s *Socket) Extensions() string { return s.v.Get("extensions").String() }
