// Client is a client of the chat for the browser. It draws on the page of
// examples/internal/chat/page.html.
//
//	GOOS=js GOARCH=wasm go build -o chat.wasm ./examples/wasm/client
package main

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/examples/wasm/session"
)

// The keys of stored values. The page in JavaScript uses the same keys, so that both
// pages of a tab have the same person.
const (
	keptName = "chat.name"
	keptKey  = "chat.key" // of the tab, so that a reload keeps the person
)

func main() {
	name := recall(forGood, keptName)
	v := newView(name)
	s := session.New(session.Options{
		URL:  "ws", // relative to the page
		Name: name,
		Key:  recall(forTab, keptKey),
	}, v)
	listenToComposer(s, v)
	listenToNameDialog(s, v)
	listenToPending(s)
	listenToPage(s, v)
	v.scroller.listen()
	s.Run(context.Background())
}

// listenToComposer handles the input of messages.
func listenToComposer(s *session.Session, v *view) {
	form, input := byID("message-form"), byID("message-input")
	fit := func() {
		style := input.Get("style")
		style.Set("height", "auto")
		style.Set("height", fmt.Sprintf("%dpx", input.Get("scrollHeight").Int()))
	}
	listen(input, "input", func(js.Value) { fit() })
	listen(form, "submit", func(event js.Value) {
		event.Call("preventDefault")
		s.Say(input.Get("value").String())
		input.Set("value", "")
		fit()
	})

	// Enter sends, and shift-Enter begins a line. The keyboard of a phone reports only
	// the line break, not the key.
	shift := false
	listen(input, "keydown", func(event js.Value) { shift = event.Get("shiftKey").Bool() })
	listen(input, "beforeinput", func(event js.Value) {
		if event.Get("inputType").String() == "insertLineBreak" && !shift {
			event.Call("preventDefault")
			form.Call("requestSubmit")
		}
	})
	if v.name != "" && window.Call("matchMedia", "(pointer: fine)").Get("matches").Bool() {
		input.Call("focus")
	}
}

// listenToNameDialog handles the dialog for the name.
func listenToNameDialog(s *session.Session, v *view) {
	dialog, input := byID("name-dialog"), byID("name-input")
	listen(byID("name-form"), "submit", func(event js.Value) {
		event.Call("preventDefault")
		name := protocol.CleanName(input.Get("value").String())
		if name == "" {
			v.showNameError("Please enter a name.")
			return
		}
		dialog.Call("close")
		byID("message-input").Call("focus")
		s.SetName(name)
	})
	listen(byID("me"), "click", func(js.Value) { v.AskName("") })
	listen(byID("name-cancel"), "click", func(js.Value) { dialog.Call("close") })

	// The dialog can't be canceled without a name.
	listen(dialog, "cancel", func(event js.Value) {
		if v.name == "" {
			event.Call("preventDefault")
		}
	})
	listen(dialog, "close", func(js.Value) {
		if v.name == "" {
			v.AskName("") // browsers close the dialog at the second attempt
		}
	})
}

// listenToPending handles the buttons of messages that were refused.
func listenToPending(s *session.Session) {
	listen(byID("pending"), "click", func(event js.Value) {
		button := event.Get("target").Call("closest", "button")
		if !button.Truthy() {
			return
		}
		ref := button.Get("dataset").Get("ref").String()
		switch button.Get("name").String() {
		case sendAgain:
			s.SendAgain(ref)
		case discard:
			s.Discard(ref)
		}
	})
}

// listenToPage handles events of the whole page.
func listenToPage(s *session.Session, v *view) {
	listen(byID("retry"), "click", func(js.Value) { s.Connect() })
	listen(window, "online", func(js.Value) { s.Connect() })
	listen(document, "visibilitychange", func(js.Value) { v.showUnread() })

	// A page may be kept after the user has left it, and be shown again without a
	// connection.
	listen(window, "pagehide", func(js.Value) { s.Disconnect() })
	listen(window, "pageshow", func(event js.Value) {
		if event.Get("persisted").Bool() {
			s.Connect()
		}
	})
}
