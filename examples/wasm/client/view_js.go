package main

import (
	"fmt"
	"strconv"
	"syscall/js"
	"time"

	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/examples/wasm/session"
)

// view is the page as the View of a session. A browser has one thread: the methods and
// the event listeners never run at the same time.
type view struct {
	log

	name      string          // as entered; "" before that
	me        protocol.Person // zero before the first welcome
	unread    int             // number of messages that arrived while the page was hidden
	notice    *time.Timer     // clears the notice, or nil
	countdown chan struct{}   // closed to end the countdown, or nil
}

var _ session.View = (*view)(nil)

const (
	noticeTime = 6 * time.Second
	tick       = 250 * time.Millisecond // interval of the countdown of seconds
)

func newView(name string) *view {
	return &view{log: newLog(), name: name}
}

func (v *view) KeepName(name string) {
	v.name = name
	keep(forGood, keptName, name)
}

func (v *view) KeepKey(key string) { keep(forTab, keptKey, key) }

func (v *view) ShowState(state session.State) {
	shown := map[session.State]struct{ name, text string }{
		session.Connecting: {"connecting", "Connecting…"},
		session.Connected:  {"connected", "Connected"},
		session.Offline:    {"offline", "Offline"},
	}[state]
	status := byID("status")
	status.Get("dataset").Set("state", shown.name)
	status.Set("textContent", shown.text)
}

// ShowTrouble shows a countdown in a part of the text that screen readers do not
// announce, since it changes too often.
func (v *view) ShowTrouble(text string, retryAt time.Time) {
	v.endCountdown()
	seconds := create("span", "")
	seconds.Call("setAttribute", "aria-hidden", "true")
	byID("banner-text").Call("replaceChildren", text, seconds)
	retry := "Connect"
	if !retryAt.IsZero() {
		retry = "Try now"
		v.countdown = make(chan struct{})
		go countDown(seconds, retryAt, v.countdown)
	}
	byID("retry").Set("textContent", retry)
	byID("banner").Set("hidden", false)
}

func (v *view) HideTrouble() {
	v.endCountdown()
	byID("banner").Set("hidden", true)
}

func (v *view) endCountdown() {
	if v.countdown != nil {
		close(v.countdown)
		v.countdown = nil
	}
}

// countDown shows the remaining seconds until end is closed.
func countDown(shown js.Value, until time.Time, end <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		left := max(time.Second, time.Until(until)+time.Second-1)
		shown.Set("textContent", fmt.Sprintf(" Trying again in %d s.", left/time.Second))
		select {
		case <-ticker.C:
		case <-end:
			return
		}
	}
}

func (v *view) ShowPeople(people []protocol.Person, me protocol.Person) {
	v.me = me
	button := byID("me")
	button.Call("setAttribute", "aria-label", "You are "+me.Name+". Change name")
	button.Set("hidden", false)
	byID("me-name").Set("textContent", me.Name)
	dressAvatar(byID("me-avatar"), me)

	items := make([]any, len(people))
	for i, person := range people {
		item := create("li", "", avatar(person), create("bdi", "", person.Name))
		item.Get("dataset").Set("person", person.Name)
		if person.ID == me.ID {
			item.Call("append", create("span", "you", "you"))
		}
		items[i] = item
	}
	byID("people").Call("replaceChildren", items...)
	byID("people-count").Set("textContent", len(people))
}

// avatar returns the initials of a person, on the color of the person.
func avatar(person protocol.Person) js.Value {
	element := create("span", "avatar")
	element.Call("setAttribute", "aria-hidden", "true")
	dressAvatar(element, person)
	return element
}

func dressAvatar(element js.Value, person protocol.Person) {
	element.Get("dataset").Set("initials", session.Initials(person.Name))
	colour(element, person.ID)
}

// colour sets the color of a person for an element and its descendants.
func colour(element js.Value, personID string) {
	element.Get("style").Call("setProperty", "--hue", strconv.Itoa(session.Hue(personID)))
}

// AddMessage counts messages in the title while the page is hidden.
func (v *view) AddMessage(m protocol.Message, me protocol.Person) {
	v.log.AddMessage(m, me)
	if m.From != me.ID && document.Get("hidden").Bool() {
		v.unread++
		v.showUnread()
	}
}

func (v *view) showUnread() {
	if !document.Get("hidden").Bool() {
		v.unread = 0
	}
	title := "Lobby"
	if v.unread > 0 {
		title = fmt.Sprintf("(%d) %s", v.unread, title)
	}
	document.Set("title", title)
}

func (v *view) Notice(text string) {
	if v.notice != nil {
		v.notice.Stop()
	}
	byID("notice").Set("textContent", text)
	v.notice = time.AfterFunc(noticeTime, func() { byID("notice").Set("textContent", "") })
}

// AskName opens the dialog that asks for a name.
func (v *view) AskName(why string) {
	title, submit := "Come on in", "Join"
	if v.name != "" {
		title, submit = "Another name", "Change"
	}
	byID("name-title").Set("textContent", title)
	byID("name-submit").Set("textContent", submit)
	byID("name-cancel").Set("hidden", v.name == "")
	v.showNameError(why)

	input := byID("name-input")
	input.Set("value", v.name)
	if v.me.Name != "" {
		input.Set("value", v.me.Name)
	}
	if dialog := byID("name-dialog"); !dialog.Get("open").Bool() {
		dialog.Call("showModal")
	}
	input.Call("select")
}

func (v *view) showNameError(text string) { byID("name-error").Set("textContent", text) }
