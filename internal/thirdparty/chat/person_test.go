package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
)

// patience bounds the wait for content of a page.
const patience = 30 * time.Second

// JavaScript expressions for the visible content of the page.
const (
	state   = `document.querySelector("#status").dataset.state`
	present = `[...document.querySelectorAll("#people [data-person]")].map((p) => p.dataset.person).sort()`
	// innerText contains only visible text.
	messages = `[...document.querySelectorAll("#log [data-message]")].map((m) => ({
		author: m.querySelector("[data-author]").innerText,
		text: m.querySelector("[data-text]").innerText,
	}))`
	// looks are the times and texts of messages, with the colors that distinguish
	// users.
	looks = `[...document.querySelectorAll("#log [data-message]")].map((m) => [
		m.style.cssText, ...[".avatar", "time", "[data-text]"].map((part) => m.querySelector(part).outerHTML),
	])`
	// elements counts elements created from users' names and texts.
	elements = `document.querySelectorAll("[data-author] *, [data-text] *, [data-person] bdi *, #me-name *").length`
)

type message struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

// person is a user with a separate browser context. Its methods fail the test if the
// page does not show the expected content.
type person struct {
	t     *testing.T
	tab   context.Context
	leave func() // closes the tab

	// alone reports that the server has been stopped: connection errors are expected
	// then.
	alone atomic.Bool
}

// visit opens the page, and enters a name.
func visit(t *testing.T, browser context.Context, url, name string) *person {
	t.Helper()
	p := open(t, browser, url)
	p.enterName(name)
	p.see(state, "connected")
	return p
}

// open opens the page, which asks for a name.
func open(t *testing.T, browser context.Context, url string) *person {
	t.Helper()
	p := &person{t: t}
	p.tab, p.leave = chromium.NewTab(t, browser, p.hear)
	p.do(chromedp.Navigate(url))
	return p
}

// enterName fills in the dialog.
func (p *person) enterName(name string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#name-input"), name+"\n"))
}

// hear fails the test on any console message of the page.
func (p *person) hear(m chromedp.ConsoleMessage) {
	if p.alone.Load() && strings.Contains(m.Text, "net::ERR_CONNECTION_REFUSED") {
		return
	}
	p.t.Errorf("on the console of %s:%d: %v", m.URL, m.Line+1, m)
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// say types a text and sends it.
func (p *person) say(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#message-input"), text+"\n"))
}

// look returns the current value of an expression.
func (p *person) look(expression string) any {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[any](expression))
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// see waits until the expression has a value. It evaluates the expression at each
// animation frame, in a way that the page's Content-Security-Policy allows, unlike
// chromedp.Poll.
func (p *person) see(expression string, want any) {
	p.t.Helper()
	wanted, err := json.Marshal(want)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.tab, patience)
	defer cancel()
	_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((seen) => {
		const look = () => {
			if (JSON.stringify(%s) === JSON.stringify(%s)) seen(true);
			else requestAnimationFrame(look);
		};
		look();
	})`, expression, wanted), chromedp.EvalAwaitPromise))
	if err == nil {
		return
	}
	got, _ := chromedp.Run(p.tab, chromedp.Evaluate[string](`JSON.stringify(`+expression+`)`))
	p.t.Fatalf("%v\nlooking at %s\ngot  %s\nwant %s", err, expression, got, wanted)
}
