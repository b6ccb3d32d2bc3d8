package chat

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
)

// TestLoadFails lets the page in Go fail to load its program at first. The page reports
// that, and Reload works.
func TestLoadFails(t *testing.T) {
	server := start(t, build(t, "wasm"), "127.0.0.1:0")
	target, err := url.Parse(server.url)
	if err != nil {
		t.Fatal(err)
	}
	var isGone atomic.Bool
	isGone.Store(true)
	way := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isGone.Load() && strings.HasSuffix(r.URL.Path, ".wasm") {
			http.NotFound(w, r)
			return
		}
		way.ServeHTTP(w, r)
	}))
	defer broken.Close()

	browser := chromium.Start(t, timeout)
	p := &person{t: t}
	var heard messageList
	p.tab, p.leave = chromium.NewTab(t, browser, heard.add)
	p.do(chromedp.Navigate(broken.URL))
	p.see(state, "offline")
	p.see(`document.querySelector("#status").innerText`, "Stopped")
	p.see(`document.querySelector("#banner-text").innerText.startsWith("The chat does not run: ")`, true)

	isGone.Store(false)
	p.do(chromedp.Click(chromedp.CSS("#banner button")))
	p.enterName("Ada")
	p.see(state, "connected")
	p.see(myName, "Ada")
	p.leave()
	if got := heard.all(); len(got) != 2 { // the browser's message of the 404, and the page's
		t.Errorf("on the console is %q", got)
	}
}

// messageList records the console messages of a page.
type messageList struct {
	mu    sync.Mutex
	texts []string
}

func (l *messageList) add(m chromedp.ConsoleMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, m.Text)
}

func (l *messageList) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.texts
}
