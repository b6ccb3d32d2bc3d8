package main

import (
	"strconv"
	"syscall/js"
	"time"

	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/examples/wasm/session"
)

const (
	maxShown      = 1000            // messages and remarks
	groupedWithin = 5 * time.Minute // messages of one person
)

// The buttons of a message that was refused.
const (
	sendAgain = "send-again"
	discard   = "discard"
)

// log is the list of messages on the page.
type log struct {
	scroller
	clock, calendar js.Value // in the language of the reader

	// The last message. The next one may be grouped with it.
	last protocol.Message // zero after a remark
	day  string           // of the last message

	pending map[string]js.Value // elements, by ref
}

func newLog() log {
	format := window.Get("Intl").Get("DateTimeFormat")
	return log{
		scroller: newScroller(),
		clock:    format.New(js.Undefined(), map[string]any{"timeStyle": "short"}),
		calendar: format.New(js.Undefined(), map[string]any{"weekday": "long", "day": "numeric", "month": "long"}),
		pending:  make(map[string]js.Value),
	}
}

// words formats a time in the language of the reader.
func words(format js.Value, t time.Time) string {
	return format.Call("format", window.Get("Date").New(t.UnixMilli())).String()
}

// AddMessage adds a message at the end, and keeps the end visible if it is.
func (l *log) AddMessage(m protocol.Message, me protocol.Person) {
	l.following(func() { l.addMessage(m, me) })
}

// AddHistory adds messages that screen readers do not announce.
func (l *log) AddHistory(messages []protocol.Message, me protocol.Person) {
	list := byID("log")
	list.Set("ariaBusy", "true")
	for _, m := range messages {
		l.addMessage(m, me)
	}
	list.Set("ariaBusy", "false")
	l.toEnd()
}

func (l *log) addMessage(m protocol.Message, me protocol.Person) {
	at := m.Time.Local()
	if day := at.Format(time.DateOnly); day != l.day {
		l.day = day
		l.addDay(at)
	}

	author := create("bdi", "", m.Name)
	author.Get("dataset").Set("author", m.Name)
	clock := create("time", "", words(l.clock, at))
	clock.Set("dateTime", m.Time.Format(time.RFC3339Nano))
	sender := protocol.Person{ID: m.From, Name: m.Name}
	element := create("article", "message", avatar(sender), create("div", "byline", author, clock), bubble(m.Text))
	element.Get("dataset").Set("message", strconv.FormatInt(m.ID, 10))
	colour(element, m.From)
	if m.From != l.last.From || m.Name != l.last.Name || m.Time.Sub(l.last.Time) > groupedWithin {
		addClass(element, "first")
	}
	if m.From == me.ID {
		addClass(element, "own")
		addClass(author, "unseen")
	}
	l.append(element)
	l.last = m
	l.showWhetherEmpty()
}

func (l *log) addDay(at time.Time) {
	text := "Today"
	if l.day != time.Now().Format(time.DateOnly) {
		text = words(l.calendar, at)
	}
	l.addRemark(text, "aside day")
}

// AddRemark adds a line that is not a message.
func (l *log) AddRemark(text string) {
	l.following(func() { l.addRemark(text, "aside") })
}

func (l *log) addRemark(text, class string) {
	l.append(create("p", class, create("bdi", "", text)))
	l.last = protocol.Message{}
}

func (l *log) append(element js.Value) {
	list := byID("log")
	list.Call("append", element)
	for list.Get("childElementCount").Int() > maxShown {
		list.Get("firstElementChild").Call("remove")
	}
}

// bubble returns the text of a message, with links for its web addresses.
func bubble(text string) js.Value {
	element := create("div", "bubble")
	element.Get("dataset").Set("text", "")
	element.Set("dir", "auto")
	for _, part := range session.Parts(text) {
		if !part.IsLink {
			element.Call("append", part.Text)
			continue
		}
		link := create("a", "", part.Text)
		link.Set("href", part.Text)
		link.Set("target", "_blank")
		link.Set("rel", "noopener noreferrer nofollow")
		element.Call("append", link)
	}
	return element
}

// AddPending adds a message of this person after all others, and scrolls to it.
func (l *log) AddPending(ref, text string) {
	element := create("div", "message own pending", bubble(text), create("div", "fate"))
	byID("pending").Call("append", element)
	l.pending[ref] = element
	l.ShowSending(ref)
	l.showWhetherEmpty()
	l.toEnd()
}

func (l *log) ShowSending(ref string) {
	element := l.pending[ref]
	element.Get("classList").Call("remove", "failed")
	fateOf(element).Call("replaceChildren", "On its way…")
}

func (l *log) ShowFailed(ref string) {
	element := l.pending[ref]
	addClass(element, "failed")
	fateOf(element).Call("replaceChildren", "Not sent",
		fateButton("Send again", sendAgain, ref), fateButton("Discard", discard, ref))
	l.toEnd()
}

func fateOf(pending js.Value) js.Value { return pending.Call("querySelector", ".fate") }

func fateButton(text, name, ref string) js.Value {
	button := create("button", "", text)
	button.Set("type", "button")
	button.Set("name", name)
	button.Get("dataset").Set("ref", ref)
	return button
}

func (l *log) RemovePending(ref string) {
	l.pending[ref].Call("remove")
	delete(l.pending, ref)
	l.showWhetherEmpty()
}

// showWhetherEmpty shows a hint if there are no messages.
func (l *log) showWhetherEmpty() {
	said := document.Call("querySelector", "#log [data-message], #pending > *")
	byID("empty").Set("hidden", said.Truthy())
}
