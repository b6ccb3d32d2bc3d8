package chat

import (
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
)

// timeout bounds a test, because of the browser.
const timeout = 3 * time.Minute

func TestChat(t *testing.T) {
	converse(t, build(t, "chat"), "/", "/")
}

// TestWasm connects users of the page in Go with users of the one in JavaScript.
func TestWasm(t *testing.T) {
	converse(t, build(t, "wasm"), "/", "/js/")
}

// converse follows a conversation of two users, and a third for a while, over a reload
// of the page and a restart of the server. Bob uses bobsPage, and the others use page.
func converse(t *testing.T, binary, page, bobsPage string) {
	server := start(t, binary, "127.0.0.1:0")
	browser := chromium.Start(t, timeout)

	ada := visit(t, browser, server.url+page, "Ada")
	bob := visit(t, browser, server.url+bobsPage, "Bob")
	for _, p := range []*person{ada, bob} {
		p.see(present, []string{"Ada", "Bob"})
	}

	const markup = `<img src=x onerror="document.title='Broken'"><b>bold</b> & so on`
	ada.say("Is anybody here?")
	said := []message{{"Ada", "Is anybody here?"}}
	bob.see(messages, said)
	ada.see(messages, said)
	bob.say(markup)
	said = append(said, message{"Bob", markup})

	const third = "<i>Cy</i>"
	for _, p := range []*person{ada, bob} {
		p.see(messages, said)
	}
	cy := visit(t, browser, server.url+page, third)
	cy.see(messages, said) // the history
	cy.say("Yes!")
	said = append(said, message{third, "Yes!"})
	for _, p := range []*person{ada, bob, cy} {
		p.see(messages, said)
		p.see(present, []string{third, "Ada", "Bob"})
		p.see(elements, 0)
		p.see(`document.title`, "Lobby")
	}
	cy.leave()
	for _, p := range []*person{ada, bob} {
		p.see(present, []string{"Ada", "Bob"})
	}

	// A user who reloads the page keeps their identity and their messages.
	for _, p := range []*person{ada, bob} {
		p.do(chromedp.Reload())
		p.see(state, "connected")
		p.see(messages, said)
		p.see(`document.querySelectorAll("#log .own").length`, 1)
		p.see(present, []string{"Ada", "Bob"})
	}

	ada.see(looks, bob.look(looks)) // on the other page

	for _, p := range []*person{ada, bob} {
		p.alone.Store(true)
	}
	server.interrupt()
	for _, p := range []*person{ada, bob} {
		p.see(state, "offline")
		p.see(`/Trying again in \d+ s\.\s+Try now$/.test(document.querySelector("#banner").innerText)`, true)
	}
	ada.say("Still here?") // waits until the server is running again
	said = append(said, message{"Ada", "Still here?"})
	start(t, binary, strings.TrimPrefix(server.url, "http://"))
	for _, p := range []*person{ada, bob} {
		p.see(state, "connected")
		p.see(present, []string{"Ada", "Bob"})
		p.see(messages, said)
		p.see(`document.querySelector("#banner").checkVisibility()`, false)
	}
	// The tests also check console messages at the end.
	ada.leave()
	bob.leave()
}
