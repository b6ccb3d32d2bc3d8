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

// patience is how long a page may take to show something.
const patience = 30 * time.Second

// What is to be seen on the page, as expressions in JavaScript.
const (
	state   = `document.querySelector("#status").dataset.state`
	present = `[...document.querySelectorAll("#people [data-person]")].map((p) => p.dataset.person).sort()`
	// innerText is only what can be seen.
	messages = `[...document.querySelectorAll("#log [data-message]")].map((m) => ({
		author: m.querySelector("[data-author]").innerText,
		text: m.querySelector("[data-text]").innerText,
	}))`
	// looks are the messages' times, texts, and what tells people apart.
	looks = `[...document.querySelectorAll("#log [data-message]")].map((m) => [
		m.style.cssText, ...[".avatar", "time", "[data-text]"].map((part) => m.querySelector(part).outerHTML),
	])`
	// elements are those that people's names and texts have become.
	elements = `document.querySelectorAll("[data-author] *, [data-text] *, [data-person] bdi *, #me-name *").length`
)

type message struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

// person is somebody with a browser of their own, whose methods fail the test
// when the page does not show what is wanted.
type person struct {
	t     *testing.T
	tab   context.Context
	leave func() // closes the tab

	// alone is whether the server has been stopped: not to reach it is no
	// error then.
	alone atomic.Bool
}

// visit opens the page, and gives it a name.
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

// enterName answers the dialog.
func (p *person) enterName(name string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#name-input"), name+"\n"))
}

// hear fails the test for whatever the page writes on its console.
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

// look returns what an expression is now.
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

// see waits until the expression has a value. It looks at each frame that is
// drawn, in a way that the page's Content-Security-Policy lets pass, which
// chromedp.Poll is not.
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
