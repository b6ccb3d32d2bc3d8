package chat

import (
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
)

// timeout bounds a test, for the browser.
const timeout = 3 * time.Minute

// TestChat follows a conversation of two people, and a third for a while,
// over a restart of the server.
func TestChat(t *testing.T) {
	binary := build(t)
	server := start(t, binary, "127.0.0.1:0")
	browser := chromium.Start(t, timeout)

	ada := visit(t, browser, server.url, "Ada")
	bob := visit(t, browser, server.url, "Bob")
	for _, p := range []*person{ada, bob} {
		p.see(people, []string{"Ada", "Bob"})
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
	cy := visit(t, browser, server.url, third)
	cy.see(messages, said) // the history
	cy.say("Yes!")
	said = append(said, message{third, "Yes!"})
	for _, p := range []*person{ada, bob, cy} {
		p.see(messages, said)
		p.see(people, []string{third, "Ada", "Bob"})
		p.see(elements, 0)
		p.see(`document.title`, "Lobby")
	}
	cy.leave()
	for _, p := range []*person{ada, bob} {
		p.see(people, []string{"Ada", "Bob"})
	}

	for _, p := range []*person{ada, bob} {
		p.alone.Store(true)
	}
	server.interrupt()
	for _, p := range []*person{ada, bob} {
		p.see(state, "offline")
	}
	ada.say("Still here?") // waits until the server is back
	said = append(said, message{"Ada", "Still here?"})
	start(t, binary, strings.TrimPrefix(server.url, "http://"))
	for _, p := range []*person{ada, bob} {
		p.see(state, "connected")
		p.see(people, []string{"Ada", "Bob"})
		p.see(messages, said)
	}
	// What is left on the console after this is of interest too.
	ada.leave()
	bob.leave()
}
