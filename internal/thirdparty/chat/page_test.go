package chat

import (
	"context"
	"fmt"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// More expressions for the visible content of the page.
const (
	myName = `document.querySelector("#me-name").textContent`
	notice = `document.querySelector("#notice").innerText`
	asking = `document.querySelector("#name-dialog").open`
	links  = `[...document.querySelectorAll("[data-text] a")].map((a) => [a.href, a.innerText, a.target, a.rel])`
	atEnd  = `(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight < 2)(document.querySelector("#scroller"))`
	toEnd  = `document.querySelector("#to-end").checkVisibility()`
)

// remarksOn returns an expression for the page's remarks about a user.
func remarksOn(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#log .aside:not(.day)")].map((p) => p.innerText).filter((text) => text.includes(%q))`, name)
}

// TestPages tests the user interface of both pages. Each test has names of its own,
// because users of an earlier test may still be leaving.
func TestPages(t *testing.T) {
	browser := chromium.Start(t, 2*timeout)
	for _, page := range []struct{ client, path string }{
		{"Go", "/"},
		{"JavaScript", "/js/"},
	} {
		t.Run(page.client, func(t *testing.T) {
			url := start(t, build(t, "wasm"), "127.0.0.1:0").url + page.path
			for name, test := range map[string]func(*testing.T, context.Context, string){
				"names":   testNames,
				"text":    testText,
				"refusal": testRefusal,
				"scroll":  testScroll,
				"title":   testTitle,
				"leaving": testLeaving,
			} {
				t.Run(name, func(t *testing.T) { test(t, browser, url) })
			}
		})
	}
}

func testNames(t *testing.T, browser context.Context, url string) {
	ada := open(t, browser, url)
	ada.see(asking, true)
	ada.do(chromedp.KeyEvent(kb.Escape)) // there is nothing to cancel
	ada.see(asking, true)
	ada.enterName("  ")
	ada.see(`document.querySelector("#name-error").innerText`, "Please enter a name.")
	ada.see(asking, true)
	ada.enterName("Ada")
	ada.see(asking, false)
	ada.see(myName, "Ada")

	other := visit(t, browser, url, "ada")
	other.see(myName, "ada 2")
	other.see(notice, "That name is taken, so you are ada 2.")
	ada.see(remarksOn("ada 2"), []string{"ada 2 joined"})

	other.do(chromedp.Click(chromedp.CSS("#me")))
	other.see(asking, true)
	other.do(chromedp.KeyEvent(kb.Escape))
	other.see(asking, false)
	other.do(chromedp.Click(chromedp.CSS("#me")))
	other.see(asking, true)
	other.do(chromedp.KeyEvent("Zoe\r")) // the text in the field is selected
	other.see(myName, "Zoe")
	ada.see(remarksOn("ada 2"), []string{"ada 2 joined", "ada 2 is now Zoe"})
}

func testText(t *testing.T, browser context.Context, url string) {
	tessa := visit(t, browser, url, "Tessa")
	tessa.see(myName, "Tessa")
	const height = `document.querySelector("#message-input").offsetHeight`
	low := tessa.look(height)
	tessa.do(
		chromedp.SendKeys(chromedp.CSS("#message-input"), "see https://example.test/a?b=c."),
		chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(kb.ModifierShift)),
		chromedp.KeyEvent("a second line"),
	)
	tessa.see(fmt.Sprint(height, " > ", low), true)
	tessa.do(chromedp.KeyEvent(kb.Enter))
	tessa.see(messages+`.at(-1)`, message{"Tessa", "see https://example.test/a?b=c.\na second line"})
	tessa.see(links+`.at(-1)`, []string{
		"https://example.test/a?b=c", "https://example.test/a?b=c", "_blank", "noopener noreferrer nofollow",
	})
	tessa.see(`document.querySelector("#message-input").value`, "")
	tessa.see(height, low)
}

// testRefusal sends more messages than the server accepts.
func testRefusal(t *testing.T, browser context.Context, url string) {
	const (
		failed  = `[...document.querySelectorAll("#pending .failed")]`
		pending = `document.querySelectorAll("#pending > *").length`
	)
	rhea := visit(t, browser, url, "Rhea")
	rhea.see(myName, "Rhea")
	rhea.do(evaluate(`for (let i = 1; i <= 20; i++) {
		document.querySelector("#message-input").value = "message " + i;
		document.querySelector("#message-form").requestSubmit();
	}`))
	rhea.see(notice, "That was a little fast. Please wait a moment and send it again.")
	rhea.see(failed+`.length > 2 && document.querySelectorAll("#pending > :not(.failed)").length === 0`, true)
	rhea.see(failed+`[0].querySelector(".fate").innerText`, "Not sent\nSend again\nDiscard")

	// Discard all but the last one.
	rhea.do(evaluate(failed + `.slice(0, -1).forEach((p) => p.querySelectorAll("button")[1].click())`))
	rhea.see(pending, 1)

	// A new connection may send a message at once.
	leaveForAMoment(rhea)
	rhea.do(evaluate(`const last = ` + failed + `[0];
		window.wanted = last.querySelector("[data-text]").innerText;
		last.querySelector("button").click()`))
	rhea.see(pending, 0)
	rhea.see(messages+`.at(-1).text === window.wanted`, true)
}

// leaveForAMoment hides and shows the page, as navigating to another page and back
// does. It connects again then.
func leaveForAMoment(p *person) {
	p.t.Helper()
	p.do(evaluate(`
		document.querySelector("#people li").dataset.old = "";
		window.dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}));
		window.dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`))
	p.see(`document.querySelectorAll("#people li:not([data-old])").length > 0`, true)
}

// evaluate runs a statement in the page.
func evaluate(statement string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool](fmt.Sprintf("(() => { %s; return true })()", statement))(ctx, target)
		return chromedp.Void{}, err
	}
}

// testScroll has more messages than fit on the page.
func testScroll(t *testing.T, browser context.Context, url string) {
	sam, stella := visit(t, browser, url, "Sam"), visit(t, browser, url, "Stella")
	sam.do(chromedp.EmulateViewport(390, 400))
	for i := range 6 {
		stella.say(fmt.Sprintf("line %d", i))
	}
	sam.see(messages+`.at(-1)?.text`, "line 5")
	sam.see(atEnd, true)
	sam.see(toEnd, false)

	sam.do(evaluate(`document.querySelector("#scroller").scrollTop = 0`))
	sam.see(atEnd, false)
	stella.say("news")
	sam.see(messages+`.at(-1).text`, "news")
	sam.see(atEnd, false)
	sam.see(toEnd, true)
	sam.do(chromedp.Click(chromedp.CSS("#to-end")))
	sam.see(atEnd, true)
	sam.see(toEnd, false)

	// The user's own message is scrolled into view.
	sam.do(evaluate(`document.querySelector("#scroller").scrollTop = 0`))
	sam.see(atEnd, false)
	sam.say("mine")
	sam.see(messages+`.at(-1).text`, "mine")
	sam.see(atEnd, true)

	// The end stays in view when the window becomes smaller.
	sam.do(chromedp.EmulateViewport(390, 300))
	sam.see(`window.innerHeight`, 300)
	sam.see(atEnd, true)
}

// testTitle receives messages while the page is hidden.
func testTitle(t *testing.T, browser context.Context, url string) {
	tim, tina := visit(t, browser, url, "Tim"), visit(t, browser, url, "Tina")
	hide := `Object.defineProperty(document, "hidden", {value: %t, configurable: true});
		document.dispatchEvent(new Event("visibilitychange"))`
	tim.do(evaluate(fmt.Sprintf(hide, true)))
	tina.say("one")
	tim.see(`document.title`, "(1) Lobby")
	tim.say("mine")
	tina.say("two")
	tim.see(`document.title`, "(2) Lobby")
	tim.do(evaluate(fmt.Sprintf(hide, false)))
	tim.see(`document.title`, "Lobby")
	tina.say("three")
	tim.see(messages+`.at(-1).text`, "three")
	tim.see(`document.title`, "Lobby")
}

// testLeaving navigates to another page and back.
func testLeaving(t *testing.T, browser context.Context, url string) {
	lea, leo := visit(t, browser, url, "Lea"), visit(t, browser, url, "Leo")
	lea.see(remarksOn("Leo"), []string{"Leo joined"})
	leo.do(chromedp.Navigate("about:blank"))
	lea.see(remarksOn("Leo"), []string{"Leo joined", "Leo left"})
	leo.do(evaluate(`setTimeout(() => history.back())`)) // the page may be loaded again, or restored
	lea.see(remarksOn("Leo"), []string{"Leo joined", "Leo left", "Leo joined"})
	leo.see(state, "connected")
	leo.see(myName, "Leo")
}
