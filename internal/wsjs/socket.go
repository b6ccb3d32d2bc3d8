//go:build js

// Package wsjs is the WebSocket of JavaScript, typed: what a page, a worker or Node
// has. It is the only package of the library that calls JavaScript; what is thrown
// there is returned as an error.
//
// A [Socket] connects when it is made, and tells its [Events] what happens. JavaScript
// waits for their methods to return: they must not block. Conversely a call of a
// Socket may run a method of its Events before it returns, so none is made with a lock
// held that such a method takes. Nothing happens to a Socket until the goroutine that
// made it blocks.
//
// What Go refers to, JavaScript keeps until Go's garbage collector has found that Go
// does not refer to it any more. The collector runs when Go's memory has grown, and
// does not see what JavaScript holds: a program that sends the same megabyte a
// thousand times would hold a gigabyte. So bytes are sent through an array that is
// used again, and all else of a message's size is made along with something of that
// size in Go's memory.
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

// Events is told what happens to a Socket.
type Events interface {
	Opened()
	// Received is a message. err is not nil if it is neither a string nor bytes: then
	// the WebSocket is not the browser's own, or does not honor binaryType.
	Received(data Data, err error)
	// Failed says why the Socket will be closed, as far as that is told: mostly not,
	// and why is "" then.
	Failed(why string)
	// Closed is the end: nothing happens after it. clean tells that there was a close
	// handshake.
	Closed(code int, reason string, clean Clean)
}

// Clean tells whether a connection was closed by a close handshake.
type Clean bool

// readyStateOpen is a value of readyState.
const readyStateOpen = 1

// BaseURL returns what a URL is relative to: where the page is from, or what it
// says in its place, or where the worker's script is from; "" where there is no
// such thing.
func BaseURL() string {
	if page := js.Global().Get("document"); page.Type() == js.TypeObject {
		return page.Get("baseURI").String()
	}
	if l := js.Global().Get("location"); l.Type() == js.TypeObject {
		return l.Get("href").String()
	}
	return ""
}

// IsOffline reports whether the browser knows that it has no network.
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
	s = &Socket{v: class.New(args...)}
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

// Listen has ev told of everything, until Release.
func (s *Socket) Listen(ev Events) {
	s.on("open", func(js.Value) { ev.Opened() })
	s.on("message", func(event js.Value) { ev.Received(DataOf(event.Get("data"))) })
	s.on("error", func(event js.Value) {
		// Node says what happened. A browser writes it to its console, where
		// a page can't read it.
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

// Release stops listening and gives back what that holds. Events may call it.
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

// Listeners returns how many events are listened to.
func (s *Socket) Listeners() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listeners)
}

// SendText sends a text message, which is valid UTF-8, or drops it if the Socket is no
// longer open.
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

// Close begins the close handshake without a code. A Socket that is not open yet gives
// up.
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

// IsOpen reports whether the Socket is open, whatever its Events have been told.
func (s *Socket) IsOpen() bool { return s.v.Get("readyState").Int() == readyStateOpen }

// Buffered returns how many bytes are still to be sent.
func (s *Socket) Buffered() int { return s.v.Get("bufferedAmount").Int() }

// Protocol and Extensions return what was agreed on with the server.
func (s *Socket) Protocol() string   { return s.v.Get("protocol").String() }
func (s *Socket) Extensions() string { return s.v.Get("extensions").String() }
