package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/wstest"
)

func TestMain(m *testing.M) { os.Exit(wstest.LeakCheck(m)) }

// TestRun is the program from its first line to ctrl-C.
func TestRun(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, stdout := io.Pipe()
	defer out.Close()
	program := wstest.GoErr(t, func() error { return run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout) })

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, found := strings.CutSuffix(line, "\n")
	if !found || !strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasSuffix(url, ":0") {
		t.Fatalf("the first line is %q, want a URL with the port", line)
	}
	in := dial(t, url+"/ws", http.DefaultClient)
	in.join("Ada")
	outside := dial(t, url+"/ws", http.DefaultClient) // has not joined

	began := time.Now()
	interrupt()
	in.wantClose(websocket.StatusGoingAway)
	outside.wantClose(websocket.StatusGoingAway)
	if err := program.Err(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the program took %v to end", took)
	}
}

// TestPage looks whether the page is there, as HTML that may load nothing from
// elsewhere.
func TestPage(t *testing.T) {
	n := serveChat(t, defaults())
	for path, contentType := range map[string]string{
		"":              "text/html; charset=utf-8",
		"chat.js":       "text/javascript; charset=utf-8",
		"connection.js": "text/javascript; charset=utf-8",
		"view.js":       "text/javascript; charset=utf-8",
		"style.css":     "text/css; charset=utf-8",
		"icon.svg":      "image/svg+xml",
	} {
		resp, err := wstest.HTTPClient(n).Get("http://chat.test/" + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType {
			t.Errorf("/%s: got %s of type %q, want %q", path, resp.Status, resp.Header.Get("Content-Type"), contentType)
		}
		if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("/%s: no Content-Security-Policy", path)
		}
	}
}

// TestForeignOrigin has a page of another site try to connect.
func TestForeignOrigin(t *testing.T) {
	n := serveChat(t, defaults())
	_, resp, err := websocket.Dial(t.Context(), "ws://chat.test/ws", &websocket.DialOptions{
		HTTPClient: wstest.HTTPClient(n),
		HTTPHeader: http.Header{"Origin": {"https://elsewhere.test"}},
	})
	if err == nil {
		t.Fatal("the connection was accepted")
	}
	if resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Fatalf("got %v and error %v, want status 403", resp, err)
	}
}
