package behaviour

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// refusal returns the status of the response. The recorder cannot be hijacked, so a
// request that would be accepted gets 501.
func refusal(t *testing.T, opts *websocket.AcceptOptions, change map[string]string) int {
	t.Helper()
	return refusalOf(t, opts, httptest.NewRequest(http.MethodGet, "/", nil), change)
}

func refusalOf(t *testing.T, opts *websocket.AcceptOptions, r *http.Request, change map[string]string) int {
	t.Helper()
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	for name, value := range change {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	if _, err := websocket.Accept(w, r, opts); err == nil {
		t.Error("no error")
	}
	return w.Code
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        int
	}{
		{"Connection", "close", http.StatusUpgradeRequired},
		{"Upgrade", "h2c", http.StatusUpgradeRequired},
		{"Sec-WebSocket-Key", "abc", http.StatusBadRequest},
		{"Origin", "https://elsewhere.example", http.StatusForbidden},
		{"Origin", "elsewhere", http.StatusForbidden},
		{"Origin", "https://example.com", http.StatusNotImplemented},
		{"X-Other", "1", http.StatusNotImplemented},
	} {
		if got := refusal(t, nil, map[string]string{test.name: test.value}); got != test.want {
			t.Errorf("got %d for %s: %s, want %d", got, test.name, test.value, test.want)
		}
	}
}

// The status for a version other than 13 is 400.
func TestOtherVersion(t *testing.T) {
	if got := refusal(t, nil, map[string]string{"Sec-WebSocket-Version": "8"}); got != http.StatusBadRequest {
		t.Errorf("got %d", got)
	}
}

// A request may have an empty Host.
func TestEmptyHost(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = ""
	if got := refusalOf(t, nil, r, nil); got != http.StatusNotImplemented {
		t.Errorf("got %d", got)
	}
}

// The method is checked after the headers.
func TestPostWithoutUpgrade(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if got := refusalOf(t, nil, r, map[string]string{"Connection": "close"}); got != http.StatusUpgradeRequired {
		t.Errorf("got %d", got)
	}
}

// A subprotocol need not be a token.
func TestSubprotocolIsNoToken(t *testing.T) {
	opts := &websocket.AcceptOptions{Subprotocols: []string{"a/b"}}
	if got := refusal(t, opts, nil); got != http.StatusNotImplemented {
		t.Errorf("got %d", got)
	}
}

func TestOriginPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, origin string
		want            int
	}{
		{"*.example.org", "https://a.example.org", http.StatusNotImplemented},
		{"*.example.org", "https://a.b.example.org", http.StatusNotImplemented},
		{"*.example.org", "https://example.org", http.StatusForbidden},
		{"*", "https://a.example.org:8080", http.StatusNotImplemented},
		{"example.org", "https://EXAMPLE.org", http.StatusNotImplemented},
		{"example.org:*", "https://example.org:8080", http.StatusNotImplemented},
		{"https://example.org", "http://example.org", http.StatusForbidden},
		{"https://example.org", "https://example.org", http.StatusNotImplemented},
		{"https://*", "https://example.org", http.StatusNotImplemented},
	} {
		opts := &websocket.AcceptOptions{OriginPatterns: []string{test.pattern}}
		if got := refusal(t, opts, map[string]string{"Origin": test.origin}); got != test.want {
			t.Errorf("got %d for %s with the pattern %s, want %d", got, test.origin, test.pattern, test.want)
		}
	}
}

// With a malformed pattern, requests from other sites are rejected.
func TestMalformedPattern(t *testing.T) {
	opts := &websocket.AcceptOptions{OriginPatterns: []string{"["}}
	if got := refusal(t, opts, map[string]string{"Origin": "http://other.test"}); got != http.StatusForbidden {
		t.Errorf("got %d", got)
	}
}

// A star matches an origin without a host.
func TestStarWithoutHost(t *testing.T) {
	opts := &websocket.AcceptOptions{OriginPatterns: []string{"file://*"}}
	if got := refusal(t, opts, map[string]string{"Origin": "file://"}); got != http.StatusNotImplemented {
		t.Errorf("got %d", got)
	}
}

// An origin may have a path.
func TestOriginWithPath(t *testing.T) {
	opts := &websocket.AcceptOptions{OriginPatterns: []string{"other.test"}}
	if got := refusal(t, opts, map[string]string{"Origin": "http://other.test/page"}); got != http.StatusNotImplemented {
		t.Errorf("got %d", got)
	}
}

// Headers that are compared with options may have any length.
func TestLongList(t *testing.T) {
	header := map[string]string{"Sec-WebSocket-Protocol": strings.Repeat("a, ", 100) + "b"}
	if got := refusal(t, nil, header); got != http.StatusNotImplemented {
		t.Errorf("got %d", got)
	}
}

// The pattern * matches the origin null, which pages of any site can have.
func TestNullOrigin(t *testing.T) {
	opts := &websocket.AcceptOptions{OriginPatterns: []string{"*"}}
	if got := refusal(t, opts, map[string]string{"Origin": "null"}); got != http.StatusNotImplemented {
		t.Errorf("got %d", got)
	}
}

// Dial returns the error response with the beginning of its body.
func TestDialRefused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, strings.Repeat("x", 2000), http.StatusTeapot)
	}))
	defer s.Close()
	_, resp, err := websocket.Dial(bounded(t), s.URL, nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusTeapot {
		t.Fatalf("got %v, %v", resp, err)
	}
	if b, err := io.ReadAll(resp.Body); len(b) != 1024 || err != nil {
		t.Errorf("got %d bytes of the body, %v", len(b), err)
	}
}

// The order of the server's subprotocols applies, and the client's spelling.
func TestSubprotocols(t *testing.T) {
	for _, test := range []struct {
		client, server []string
		want           string
	}{
		{[]string{"a", "b"}, []string{"b", "a"}, "b"},
		{[]string{"a", "b"}, []string{"B"}, "b"},
		{[]string{"a", "b"}, []string{"c"}, ""},
		{nil, []string{"c"}, ""},
	} {
		chosen := make(chan string, 1)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: test.server})
			if err != nil {
				t.Error(err)
				chosen <- ""
				return
			}
			chosen <- c.Subprotocol()
			c.CloseNow()
		}))
		c, _, err := websocket.Dial(bounded(t), s.URL, &websocket.DialOptions{Subprotocols: test.client})
		if err != nil {
			t.Fatal(err)
		}
		if server, client := <-chosen, c.Subprotocol(); server != test.want || client != test.want {
			t.Errorf("got %q and %q for %q and %q", server, client, test.server, test.client)
		}
		c.CloseNow()
		s.Close()
	}
}
