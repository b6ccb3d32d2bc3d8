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

// startTimeout bounds the start of Chromium, on a busy machine.
const startTimeout = time.Minute

// Start starts a Chromium, which ends with the test, or after the timeout. The returned
// context is for NewTab. If the test fails, Chromium's output is logged.
func Start(t *testing.T, timeout time.Duration) context.Context {
	t.Helper()
	logs, err := os.Create(filepath.Join(t.TempDir(), "chromium.log"))
	if err != nil {
		t.Fatal(err)
	}
	// The test's context ends before the cleanup, which needs a running Chromium.
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

// lastMessage is written on a tab's console before it is closed, because canceling its
// context would lose pending messages.
const lastMessage = "the tab is about to be closed"

// NewTab opens a tab with storage of its own. heard is called with each console message
// of the page, one at a time. Calling close, or the end of the test, closes the tab;
// all messages have been passed to heard then, and it is not called again.
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
