package chat

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// The page and its files are served, with a policy that forbids other sources.
func TestPage(t *testing.T) {
	n := serveChat(t, Defaults())
	for path, contentType := range map[string]string{
		"":              "text/html; charset=utf-8",
		"chat.js":       "text/javascript; charset=utf-8",
		"connection.js": "text/javascript; charset=utf-8",
		"view.js":       "text/javascript; charset=utf-8",
		"style.css":     "text/css; charset=utf-8",
		"icon.svg":      "image/svg+xml",
	} {
		resp, _ := get(t, n, "/"+path)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType {
			t.Errorf("/%s: got %s of type %q, want %q", path, resp.Status, resp.Header.Get("Content-Type"), contentType)
		}
		if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self' ;") {
			t.Errorf("/%s: the Content-Security-Policy is %q", path, resp.Header.Get("Content-Security-Policy"))
		}
	}
}

// get returns a response with its body.
func get(t *testing.T, n rawpeer.Network, path string) (*http.Response, string) {
	t.Helper()
	resp, err := rawpeer.HTTPClient(n).Get("http://chat.test" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// A page may have parts of its own.
func TestAnotherPage(t *testing.T) {
	text := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, s) })
	}
	n := rawpeer.Listen(nil)
	rawpeer.Serve(t, n, Page{
		About:         "This & that",
		Other:         "elsewhere/",
		To:            "Another one",
		Styles:        []string{"extra.css"},
		Script:        "other.js",
		Files:         map[string]http.Handler{"other.js": text("script"), "style.css": text("style")},
		ScriptSources: "'wasm-unsafe-eval'",
	}.handler())
	resp, html := get(t, n, "/")
	for _, want := range []string{
		`This &amp; that <a href="elsewhere/">Another one</a>`,
		`<link rel="stylesheet" href="extra.css">`,
		`<script type="module" src="other.js">`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%s is missing in\n%s", want, html)
		}
	}
	if strings.Contains(html, "chat.js") {
		t.Error("the page loads the other page's script")
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' 'wasm-unsafe-eval';") {
		t.Errorf("the Content-Security-Policy is %q", policy)
	}
	for path, want := range map[string]string{"/other.js": "script", "/style.css": "style"} {
		if _, got := get(t, n, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if resp, _ := get(t, n, "/icon.svg"); resp.StatusCode != http.StatusOK {
		t.Errorf("the icon: %s", resp.Status)
	}
}

// A page of another site can't connect.
func TestForeignOrigin(t *testing.T) {
	n := serveChat(t, Defaults())
	_, resp, err := websocket.Dial(t.Context(), "ws://chat.test/ws", &websocket.DialOptions{
		HTTPClient: rawpeer.HTTPClient(n),
		HTTPHeader: http.Header{"Origin": {"https://elsewhere.test"}},
	})
	if err == nil {
		t.Fatal("the connection was accepted")
	}
	if resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Fatalf("got %v and error %v, want status 403", resp, err)
	}
}
