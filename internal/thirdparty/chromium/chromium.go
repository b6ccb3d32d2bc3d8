// Package chromium starts headless Chromium for the tests that need a browser.
package chromium

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// startTimeout is for Chromium to start, on a busy machine.
const startTimeout = time.Minute

// Start starts a Chromium, which ends with the test, or after the timeout. Its
// context is for NewTab. If the test fails, what Chromium printed is logged.
func Start(t *testing.T, timeout time.Duration) context.Context {
	t.Helper()
	logs, err := os.Create(filepath.Join(t.TempDir(), "chromium.log"))
	if err != nil {
		t.Fatal(err)
	}
	// The test's context ends before the cleanup, which wants Chromium alive.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(startTimeout),
		chromedp.CombinedOutput(logs),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)...)
	browser, _ := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil {
			t.Error(err)
		}
		cancelAllocator()
		cancel()
		logs.Close()
		if t.Failed() {
			text, _ := os.ReadFile(logs.Name())
			t.Logf("%s", text)
		}
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

// lastMessage is what a tab has on its console when it is closed: with the end
// of its context, messages that are on their way would be lost.
const lastMessage = "the tab is about to be closed"

// NewTab opens a tab that shares no storage with other tabs. heard gets what
// the page writes on the console, one message after the other. The tab is
// closed by calling close or at the end of the test; heard has got everything
// then, and is not called any more.
func NewTab(t *testing.T, browser context.Context, heard func(chromedp.ConsoleMessage)) (tab context.Context, close func()) {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	var listening sync.WaitGroup
	close = sync.OnceFunc(func() {
		say := chromedp.Evaluate[chromedp.Void](fmt.Sprintf("console.debug(%q)", lastMessage))
		if _, err := chromedp.Run(tab, say); err != nil {
			t.Error(err)
			cancel()
		}
		listening.Wait()
		if err := chromedp.Cancel(tab); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(close)
	messages := chromedp.Console(tab)
	listening.Go(func() {
		for m, err := range messages {
			if err != nil || m.Text == lastMessage {
				return
			}
			heard(m)
		}
	})
	return tab, close
}
