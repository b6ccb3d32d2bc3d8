package report

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

const (
	timeout  = 3 * time.Minute  // of a test, for the browser
	patience = 30 * time.Second // for a page to show something
)

// reader reads a report. Its methods fail the test if the page does not show the
// expected content, and so does any console message of the page.
type reader struct {
	t   *testing.T
	tab context.Context
}

// open opens a page.
func open(t *testing.T, browser context.Context, path string) *reader {
	t.Helper()
	r := &reader{t: t}
	r.tab, _ = chromium.NewTab(t, browser, func(m chromedp.ConsoleMessage) {
		t.Errorf("on the console of %s:%d: %v", m.URL, m.Line+1, m)
	})
	r.do(chromedp.Navigate("file://" + path))
	return r
}

func (r *reader) do(steps ...chromedp.Action[chromedp.Void]) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		r.t.Fatal(err)
	}
}

// press presses keys at the current focus.
func (r *reader) press(keys string) {
	r.t.Helper()
	r.do(chromedp.KeyEvent(keys))
}

// stroke presses a key that the page may handle, without typing it, which press always
// does.
func (r *reader) stroke(key string) {
	r.t.Helper()
	for _, typ := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		event := input.DispatchKeyEventParams{Type: typ, Key: key}
		if typ == input.DispatchKeyEventTypeKeyDown {
			event.Text = key
		}
		if _, err := chromedp.Call(r.tab, input.DispatchKeyEvent, event); err != nil {
			r.t.Fatal(err)
		}
	}
}

// media switches the page to a medium, such as print, and to a color scheme.
func (r *reader) media(medium, scheme string) {
	r.t.Helper()
	if _, err := chromedp.Call(r.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media:    medium,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		r.t.Fatal(err)
	}
}

// see waits until an expression has a value, on the current page. It evaluates the
// expression at each animation frame.
func (r *reader) see(expression string, want any) {
	r.t.Helper()
	wanted, err := json.Marshal(want)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.tab, patience)
	defer cancel()
	look := chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((seen) => {
		const look = () => {
			let got;
			try {
				got = JSON.stringify(%s);
			} catch {
				// It is the value of an earlier page.
			}
			if (got === JSON.stringify(%s)) seen(true);
			else requestAnimationFrame(look);
		};
		look();
	})`, expression, wanted), chromedp.EvalAwaitPromise)
	for {
		_, err = chromedp.Run(ctx, look)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			break
		}
		// The page was left, and another is being loaded.
	}
	got, _ := chromedp.Run(r.tab, chromedp.Evaluate[string](`JSON.stringify(`+expression+`)`))
	r.t.Fatalf("%v\nlooking at %s\ngot  %s\nwant %s", err, expression, got, wanted)
}
