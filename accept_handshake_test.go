//go:build !js

package websocket_test

import (
	"context"
	"crypto/fips140"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// TestAcceptBoundsLists: of the headers that are compared with the options, 8 KiB and
// 64 elements are looked at, over all lines. Others may be longer.
func TestAcceptBoundsLists(t *testing.T) {
	const bytes, elements = 8 << 10, 64
	long := strings.Repeat("x", bytes)
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat("x,", n), ",") }
	for _, test := range []struct {
		name  string
		lines []string
		large bool
	}{
		{"bytes", []string{long}, false},
		{"a byte more", []string{long + "x"}, true},
		{"bytes over two lines", []string{long[1:], "x"}, false},
		{"a byte more over two lines", []string{long, "x"}, true},
		{"elements", []string{list(elements)}, false},
		{"an element more", []string{list(elements + 1)}, true},
		{"elements over two lines", []string{list(elements / 2), list(elements / 2)}, false},
		{"an element more over two lines", []string{list(elements / 2), list(elements/2 + 1)}, true},
		{"empty elements", []string{strings.Repeat(" ,", 4*elements)}, false},
		{"lines", slices.Repeat([]string{"x"}, elements+1), true},
	} {
		for _, name := range []string{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin", "Cookie"} {
			for _, opts := range []*websocket.AcceptOptions{nil, {InsecureSkipVerify: true}} {
				r := conntest.Request()
				r.Header[http.CanonicalHeaderKey(name)] = test.lines
				w := httptest.NewRecorder()
				if _, err := websocket.Accept(w, r, opts); err == nil {
					t.Fatal("accepted a request that can't be hijacked")
				}
				large := w.Code == http.StatusRequestHeaderFieldsTooLarge
				if want := test.large && name != "Cookie"; large != want {
					t.Errorf("%s in %s: got status %d, want 431: %t", test.name, name, w.Code, want)
				}
			}
		}
	}
}

// TestHandshakeFIPS: both ends of a handshake work where GODEBUG=fips140=only lets
// SHA-1 panic, as it does in a test process of its own.
func TestHandshakeFIPS(t *testing.T) {
	const setting = "fips140=only"
	if os.Getenv("GODEBUG") != setting {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHandshakeFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+setting)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestHandshakeFIPS") {
			t.Fatalf("with GODEBUG=%s: %v\n%s", setting, err, out)
		}
		return
	}
	if !fips140.Enforced() {
		t.Fatal("nothing is enforced")
	}
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"direct":     func(w http.ResponseWriter) http.ResponseWriter { return w },
		"middleware": func(w http.ResponseWriter) http.ResponseWriter { return &layer{ResponseWriter: w} },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(wrap(w), r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.Write(context.Background(), websocket.MessageText, []byte("hello"))
				c.Close(websocket.StatusNormalClosure, "")
			}))
			defer s.Close()
			client := &http.Client{Transport: &http.Transport{DialContext: new(net.Dialer).DialContext}}
			c, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: client})
			conntest.WantNoError(t, err)
			defer c.CloseNow()
			conntest.WantText(t, c, "hello")
			conntest.WantClosed(t, conntest.ReadErr(t.Context(), c), websocket.StatusNormalClosure)
		})
	}
}
